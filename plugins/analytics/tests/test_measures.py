"""How tokens are spread, compared with what somebody would compute who lists every single token."""

from __future__ import annotations

import statistics
from collections import Counter
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from wylloh_analytics.fifo import added, taken
from wylloh_analytics.measures import (
    AGES,
    by_age,
    by_territory,
    by_tier,
    holders,
    lorenz,
    median,
    tokens,
    top_share,
)
from wylloh_server.domain.rights import RightsLadder, Tier

HOLDINGS = st.lists(st.integers(1, 500), max_size=60)


@given(HOLDINGS, st.integers(1, 15))
def test_the_share_of_the_largest_holders(holdings, count):
    sizes = Counter(holdings)
    assert (holders(sizes), tokens(sizes)) == (len(holdings), sum(holdings))
    largest = sum(sorted(holdings)[-count:])
    assert top_share(sizes, count) == (Fraction(largest, sum(holdings)) if holdings else None)


@given(HOLDINGS, st.integers(1, 20))
def test_the_lorenz_curve(holdings, points):
    curve = lorenz(Counter(holdings), points)
    if not holdings:
        assert curve == ()
        return
    ordered = sorted(holdings)
    expected = []
    for point in range(points + 1):
        wallets = Fraction(len(ordered) * point, points)
        whole = int(wallets)
        part = sum(ordered[:whole]) + (wallets - whole) * (ordered[whole] if whole < len(ordered) else 0)
        expected.append(part / sum(ordered))
    assert curve == tuple(expected)
    assert curve[0] == 0
    assert curve[-1] == 1
    assert list(curve) == sorted(curve)


@given(st.lists(st.tuples(st.integers(0, 900), st.integers(0, 30)), max_size=20))
def test_the_median_of_values_that_come_often(pairs):
    values = [value for value, often in pairs for _ in range(often)]
    assert median(pairs) == (Fraction(statistics.median(values)) if values else None)


@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 30)), max_size=20))
def test_every_token_has_one_age(ages):
    found = by_age(ages)
    assert sum(found) == sum(held for _, held in ages)
    lowest = 0
    for (_, _, below), held in zip(AGES, found, strict=True):
        assert held == sum(count for days, count in ages if lowest <= days < below)
        lowest = below


LADDER = RightsLadder(
    (Tier(2, "personal"), Tier(5, "small-venue", ("DE", "AT")), Tier(50, "theatrical", ("DE", "FR")))
)


def test_holders_by_the_highest_tier_they_reached():
    found = by_tier({1: 3, 2: 10, 4: 1, 5: 2, 49: 1, 50: 1, 1000: 1}, LADDER)
    assert {tier and tier.right: counts for tier, counts in found.items()} == {
        None: (3, 3),
        "personal": (11, 24),
        "small-venue": (3, 59),
        "theatrical": (2, 1050),
    }


def test_territories_are_those_of_every_tier_reached_and_of_no_other():
    assert by_territory({1: 3, 4: 9, 5: 2, 50: 1}, LADDER) == Counter({"DE": 3, "AT": 3, "FR": 1})
    assert by_territory({1000: 4}, RightsLadder((Tier(1, "personal"),))) == Counter()


STEPS = st.lists(st.tuples(st.integers(0, 3), st.integers(-9, 9)), max_size=30)


@given(STEPS)
def test_the_tokens_that_leave_are_those_that_came_first(steps):
    lots, queue, day = (), [], 0
    for later, change in steps:
        day += later
        if change > 0:
            lots = added(lots, day, change)
            queue += [day] * change
        else:
            lots, gone = taken(lots, -change)
            left = [queue.pop(0) for _ in range(min(-change, len(queue)))]
            assert [came for came, tokens in gone for _ in range(tokens)] == left
        assert [came for came, tokens in lots for _ in range(tokens)] == queue
        assert len({came for came, _ in lots}) == len(lots), "one lot for each day"
