"""FilmRegistry changes a ladder in the holders' favour or not at all: right for right, territory for territory.

What holders can do is counted out in Python for every number of tokens, right, territory and audience, and must
never become less.
"""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.components.evm import Reverted

WATCHING = (1, "personal", [], 0)
SUPPLY = 12
CODES = ["AA", "AT", "DE", "MZ", "NA", "ZZ"]
"""Among them the first and the last there are, and both sides of where the contract's words meet."""
ANYWHERE_ELSE = "QQ"
RIGHTS = ["personal", "small-venue", "streaming"]
NO_LIMIT = 10**6

tiers = st.lists(
    st.tuples(
        st.integers(2, SUPPLY),
        st.sampled_from(RIGHTS),
        st.lists(st.sampled_from(CODES), max_size=3),
        st.sampled_from([0, 20, 50]),
    ),
    max_size=4,
    unique_by=lambda tier: tier[0],
)
ladders = tiers.map(lambda found: [WATCHING, *sorted(found)])


def given_by(ladder):
    """The largest audience for every number of tokens, right and territory."""
    found = {}
    for held, right, place in product(range(1, SUPPLY + 1), RIGHTS, [*CODES, ANYWHERE_ELSE]):
        seats = [
            limit or NO_LIMIT
            for threshold, name, places, limit in ladder
            if threshold <= held and name == right and (not places or place in places)
        ]
        found[held, right, place] = max(seats, default=0)
    return found


def takes_away(before, after):
    less = given_by(after)
    return any(less[what] < seats for what, seats in given_by(before).items())


def changed(before, at, move):
    """A ladder in which one tier is another: mostly something that is close to the old one."""
    if len(before) == 1:
        return before
    at = 1 + at % (len(before) - 1)
    threshold, right, places, seats = before[at]
    room = before[at - 1][0] + 1
    moved = {
        "lower": (max(room, threshold - 1), right, places, seats),
        "raise": (threshold + 1, right, places, seats),
        "everywhere": (threshold, right, [], seats),
        "nowhere else": (threshold, right, places[:1] or CODES[:1], seats),
        "more seats": (threshold, right, places, 0),
        "fewer seats": (threshold, right, places, 20),
        "another right": (threshold, RIGHTS[-1], places, seats),
        "gone": None,
    }[move]
    return [*before[:at], *([moved] if moved else []), *before[at + 1 :]]


MOVES = ["lower", "raise", "everywhere", "nowhere else", "more seats", "fewer seats", "another right", "gone"]
close = st.tuples(ladders, st.integers(0, 3), st.sampled_from(MOVES)).map(
    lambda drawn: (drawn[0], changed(*drawn))
)
split = ladders.map(lambda before: (before, by_country(before)))


def by_country(ladder):
    """The same in more tiers: what one gives in several countries, several give in one each."""
    found, at = [ladder[0]], 1
    for threshold, right, places, seats in ladder[1:]:
        for place in places or [None]:
            at = max(at + 1, threshold - 3)
            found.append((at, right, [place] if place else [], seats))
    return found


@pytest.fixture
def film(market):
    return market.new_film(70, supply=SUPPLY)


def check(market, film, ladders_):
    before, after = ladders_
    rises = all(low[0] < high[0] <= SUPPLY for low, high in zip(after, after[1:], strict=False))
    chain, fork = market.chain, market.chain.snapshot()
    try:
        market.registry.setLadder(film, before)
        market.registry.setLadder(film, after)
    except Reverted as reason:
        if reason.name == "LadderTakesAway":
            given, place = before[reason.arguments[0]], market.registry.ladderOf(film)
            assert takes_away([WATCHING, given], after)
            assert [list(tier[:2]) for tier in place] == [list(tier[:2]) for tier in before]
        else:
            assert not rises, reason
    else:
        assert rises
        assert not takes_away(before, after)
    finally:
        chain.revert(fork)


def test_a_ladder_changes_in_the_holders_favour_or_not_at_all(market, film):
    # What is drawn alone is the argument: hypothesis warns of arguments that print as long as a market does.
    @settings(max_examples=150, deadline=None)
    @given(ladders_=st.one_of(close, split, st.tuples(ladders, ladders)))
    def holds(ladders_):
        check(market, film, ladders_)

    holds()


@pytest.mark.parametrize(
    ("after", "tier"),
    [
        ([WATCHING, (11, "small-venue", ["AT", "DE"], 50)], 1),
        ([WATCHING, (10, "small-venue", ["AT"], 50)], 1),
        ([WATCHING, (10, "small-venue", ["AT", "DE"], 49)], 1),
        ([WATCHING, (10, "streaming", ["AT", "DE"], 50)], 1),
        ([WATCHING], 1),
        ([WATCHING, (10, "small-venue", ["AT", "DE"], 50), (12, "streaming", ["DE"], 0)], 2),
    ],
)
def test_what_holders_have_is_not_taken(market, refuses, after, tier):
    film = market.new_film(71, supply=SUPPLY)
    before = [WATCHING, (10, "small-venue", ["AT", "DE"], 50), (12, "streaming", [], 0)]
    market.registry.setLadder(film, before)
    with refuses("LadderTakesAway", tier):
        market.registry.setLadder(film, after)
    assert len(market.registry.ladderOf(film)) == 3


def test_watching_cannot_cost_more_than_a_token(market, refuses):
    """As a publisher of an earlier registry could make it after the sale."""
    market.registry.mint(market.people[0], market.film, 1)
    with refuses("LadderMustStartWithWatching"):
        market.registry.setLadder(market.film, [(1_000, "personal", [], 0)])


def test_a_change_of_the_longest_ladder_fits_into_a_transaction(market):
    """32 tiers before and after, each right in four countries: below 2^24 gas (EIP-7825)."""
    film = market.new_film(72)
    places = ["AT", "CH", "DE", "LI"]
    long = [WATCHING, *((n, f"right-{n}", places, n) for n in range(2, 33))]
    market.registry.setLadder(film, long)
    data = market.registry.data(
        "setLadder", film, [WATCHING, *((n, f"right-{n}", places, 0) for n in range(2, 33))]
    )
    wanted = {"from": market.owner, "to": market.registry.address, "data": data}
    assert int(market.chain.rpc("eth_estimateGas", wanted), 16) < 2**24


class TestAdmin:
    """One account lets publishers in; it changes in two steps, with three days between them."""

    def test_it_changes_hands_slowly_and_by_consent(self, market, refuses):
        registry, heir = market.registry, market.people[0]
        registry.beginDefaultAdminTransfer(heir)
        assert registry.pendingDefaultAdmin()[0] == heir
        with refuses("AccessControlEnforcedDefaultAdminDelay"):
            registry.acceptDefaultAdminTransfer(by=heir)
        market.chain.at_time(registry.pendingDefaultAdmin()[1] + 1)
        with refuses("AccessControlInvalidDefaultAdmin", market.stranger):
            registry.acceptDefaultAdminTransfer(by=market.stranger)
        registry.acceptDefaultAdminTransfer(by=heir)
        assert registry.defaultAdmin() == heir
        with refuses("AccessControlUnauthorizedAccount", market.owner):
            registry.grantRole(registry.PUBLISHER_ROLE(), market.owner)

    def test_it_can_be_called_back(self, market, refuses):
        market.registry.beginDefaultAdminTransfer(market.people[0])
        market.registry.cancelDefaultAdminTransfer()
        market.chain.at_time(market.chain.now() + 4 * 86_400)
        with refuses("AccessControlInvalidDefaultAdmin", market.people[0]):
            market.registry.acceptDefaultAdminTransfer(by=market.people[0])

    def test_there_is_no_quick_way(self, market, refuses):
        registry = market.registry
        for call in (registry.grantRole, registry.revokeRole):
            with refuses("AccessControlEnforcedDefaultAdminRules"):
                call(registry.DEFAULT_ADMIN_ROLE(), market.people[0])
        assert registry.defaultAdminDelay() == 3 * 86_400
