"""What charts say about how tokens are spread, out of a histogram: how many wallets hold how many tokens.

Everything is exact: whole numbers and fractions, rounded only where they are written down.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from wylloh_server.sdk import RightsLadder, Tier

Sizes = dict[int, int]
"""Tokens held → how many wallets hold exactly so many."""


def holders(sizes: Mapping[int, int]) -> int:
    """Count the wallets."""
    return sum(sizes.values())


def tokens(sizes: Mapping[int, int]) -> int:
    """Count the tokens."""
    return sum(amount * wallets for amount, wallets in sizes.items())


def top_share(sizes: Mapping[int, int], wallets: int = 10) -> Fraction | None:
    """Return the part of all tokens that the so many largest holders have; None when nobody holds any."""
    whole, left, theirs = tokens(sizes), wallets, 0
    for amount in sorted(sizes, reverse=True):
        counted = min(left, sizes[amount])
        theirs, left = theirs + counted * amount, left - counted
    return Fraction(theirs, whole) if whole else None


def lorenz(sizes: Mapping[int, int], points: int = 20) -> tuple[Fraction, ...]:
    """Return the Lorenz curve: the share of all tokens held by the smallest 0/points … points/points wallets.

    M. O. Lorenz, Methods of Measuring the Concentration of Wealth (1905). Between two wallets the curve is a
    straight line. Empty when nobody holds any.
    """
    whole, count = tokens(sizes), holders(sizes)
    if not whole:
        return ()
    curve, passed, theirs, point = [], Fraction(0), Fraction(0), 0
    for amount, wallets in sorted(sizes.items()):
        while point <= points and (wanted := Fraction(count * point, points)) <= passed + wallets:
            curve.append((theirs + (wanted - passed) * amount) / whole)
            point += 1
        passed, theirs = passed + wallets, theirs + wallets * amount
    return tuple(curve)


def median(ages: Iterable[tuple[int, int]]) -> Fraction | None:
    """Return the median of `(value, how often)`; in between two middle ones their mean. None of nothing."""
    ordered = sorted((value, often) for value, often in ages if often > 0)
    whole = sum(often for _, often in ordered)
    if not whole:
        return None
    return Fraction(_nth(ordered, (whole - 1) // 2) + _nth(ordered, whole // 2), 2)


def _nth(ordered: Sequence[tuple[int, int]], number: int) -> int:
    passed = 0
    for value, often in ordered:
        passed += often
        if number < passed:
            return value
    raise IndexError(number)


AGES: tuple[tuple[str, str, int], ...] = (
    ("Under a day", "<1 d", 1),
    ("1 to 6 days", "<1 wk", 7),
    ("1 to 4 weeks", "<1 mo", 30),
    ("1 to 3 months", "<3 mo", 91),
    ("3 to 6 months", "<6 mo", 182),
    ("6 to 12 months", "<1 y", 365),
    ("1 to 2 years", "<2 y", 730),
    ("2 years and more", "2 y +", 1 << 60),
)
"""Classes of holding periods: a name, a short one, and the days below which something belongs into it."""


def by_age(ages: Iterable[tuple[int, int]]) -> tuple[int, ...]:
    """Sort `(days, tokens)` into the classes of `AGES`."""
    found = [0] * len(AGES)
    for days, held in ages:
        found[next(number for number, (*_, below) in enumerate(AGES) if days < below)] += held
    return tuple(found)


def by_tier(sizes: Mapping[int, int], ladder: RightsLadder) -> dict[Tier | None, tuple[int, int]]:
    """Count wallets, and the tokens they have, by the highest tier reached; None where they reach none."""
    found: dict[Tier | None, tuple[int, int]] = {}
    for amount, wallets in sizes.items():
        reached = [tier for tier in ladder.tiers if tier.threshold <= amount]
        top = reached[-1] if reached else None
        before = found.get(top, (0, 0))
        found[top] = before[0] + wallets, before[1] + wallets * amount
    return found


def by_territory(sizes: Mapping[int, int], ladder: RightsLadder) -> Counter[str]:
    """Count, for each territory a tier names, the wallets that reached such a tier."""
    found: Counter[str] = Counter()
    for amount, wallets in sizes.items():
        reached = [tier for tier in ladder.tiers if tier.threshold <= amount]
        for territory in {code for tier in reached for code in tier.territories}:
            found[territory] += wallets
    return found
