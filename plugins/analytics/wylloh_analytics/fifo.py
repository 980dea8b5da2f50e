"""Who came first goes first: which tokens leave a wallet, and how long they had been there.

Tokens of a film are all alike. By convention (FIFO, as in bookkeeping) those that came first leave first.
A lot is `(day, tokens)`: so many tokens that came on one day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Lot = tuple[int, int]


def added(lots: Sequence[Lot], day: int, tokens: int) -> tuple[Lot, ...]:
    """Put tokens behind those that are there already."""
    if lots and lots[-1][0] == day:
        return (*lots[:-1], (day, lots[-1][1] + tokens))
    return (*lots, (day, tokens))


def taken(lots: Sequence[Lot], tokens: int) -> tuple[tuple[Lot, ...], tuple[Lot, ...]]:
    """Take the oldest tokens out; return the lots that stay, and the lots (or parts of lots) that left.

    Takes what there is if that is less: whose history began before it was read has tokens nobody saw come.
    """
    gone: list[Lot] = []
    for number, (day, here) in enumerate(lots):
        if tokens <= 0:
            return tuple(lots[number:]), tuple(gone)
        leaving = min(here, tokens)
        gone.append((day, leaving))
        tokens -= leaving
        if leaving < here:
            return ((day, here - leaving), *lots[number + 1 :]), tuple(gone)
    return (), tuple(gone)
