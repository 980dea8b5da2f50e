"""Counts blocks: from their events, and from what wallets held before, to the changes of the sums."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from wylloh_analytics.facts import MOST, passed_on, postings
from wylloh_analytics.fifo import Lot, added, taken
from wylloh_analytics.time_buckets import HOURS, hour_of
from wylloh_analytics.totals import (
    AGAIN,
    CAME,
    DAY,
    FRESH,
    HELD,
    HOUR,
    LEFT,
    MOVED,
    PRESOLD,
    RESOLD,
    SOLD,
    STILL_HELD,
    Totals,
)
from wylloh_server.sdk import LogPosition, TokensSold, Wallet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from wylloh_server.sdk import ChainEvent

NEVER = -1

Pair = tuple[int, Wallet]
"""A scope and a wallet."""


WalletHolding = tuple[int, int, tuple[Lot, ...]]
"""What a wallet holds within a scope: how many tokens; the last hour in which it received some, `NEVER` if it
never did; and, only where the scope is one film, when those it holds came, oldest first."""

NO_HOLDING: WalletHolding = (0, NEVER, ())
"""What a wallet holds that never received a token."""


@dataclass(frozen=True, slots=True, eq=False)
class KnownFilm:
    """A film as it is counted.

    Attributes:
        scope: the film's own.
        wider: the scopes of several films it is part of.
        scopes: all of these.
        non_holders: wallets whose tokens are nobody's; see `facts`.
    """

    scope: int
    wider: tuple[int, ...]
    scopes: tuple[int, ...]
    non_holders: frozenset[Wallet]


@dataclass(slots=True)
class CountedBlock:
    """One block, and where it is counted.

    Attributes:
        mark: the position of its first event.
        events: its events, in order.
        totals: the sums that its changes are added to.
        was: what the wallets it changed held before; None if the block is final and cannot be undone.
        changes: tokens that wallets got or lost, by film and wallet.
    """

    mark: LogPosition
    events: tuple[ChainEvent, ...]
    totals: Totals
    was: dict[Pair, WalletHolding] | None
    changes: dict[tuple[KnownFilm, Wallet], int] = field(default_factory=lambda: defaultdict(int))

    def count_trades(self, film_of: Callable[[ChainEvent], KnownFilm]) -> None:
        """Count what does not depend on holdings, and collect `changes`."""
        hour = hour_of(self.mark.at)
        for event in self.events:
            film = film_of(event)
            for wallet, tokens in postings(event, film.non_holders):
                self.changes[film, wallet] += tokens
            if moved := passed_on(event, film.non_holders):
                for scope in film.scopes:
                    self.totals.flow[scope, HOUR, hour][MOVED] += moved
            if isinstance(event, TokensSold):
                _count_sale(self.totals, event, film.scopes, hour)

    def count_holdings(self, holdings: dict[Pair, WalletHolding]) -> None:
        """Apply `changes` to `holdings`, and count what that means."""
        hour = hour_of(self.mark.at)
        wider: dict[Pair, int] = defaultdict(int)
        for (film, wallet), change in self.changes.items():
            changed = self._change(holdings, (film.scope, wallet), change, hour, film.scopes)
            if changed:
                for scope in film.wider:
                    wider[scope, wallet] += changed
        for pair, change in wider.items():
            self._change(holdings, pair, change, hour)

    def _change(
        self,
        holdings: dict[Pair, WalletHolding],
        pair: Pair,
        change: int,
        hour: int,
        span_scopes: Sequence[int] = (),
    ) -> int:
        """Change a holding, by no more than there is; return by how much."""
        before = holdings.get(pair, NO_HOLDING)
        tokens, got, lots = before
        change = max(change, -tokens)
        if not change:
            return 0
        held = tokens + change
        if span_scopes:
            lots = _count_spans(self.totals.spans, lots, change, hour // HOURS, span_scopes)
        counts = _count_step(self.totals, pair[0], tokens, held, hour)
        if change > 0 and got != hour:
            _count_getting(self.totals, counts, pair[0], got, hour)
            got = hour
        if self.was is not None:
            self.was.setdefault(pair, before)
        holdings[pair] = held, got, lots
        return change


@dataclass(slots=True)
class Batch:
    """Blocks that are counted together.

    Attributes:
        totals: what all of them change.
        reversible: the blocks that a reorganisation may still take back; each has totals of its own.
    """

    blocks: list[CountedBlock]
    totals: Totals
    reversible: list[CountedBlock]

    @classmethod
    def read(
        cls, events: Sequence[ChainEvent], final: int, film_of: Callable[[ChainEvent], KnownFilm]
    ) -> Batch:
        """Group events into blocks, of which those up to `final` cannot be undone, and count the trades."""
        batch = cls([], Totals(), [])
        for mark, of_block in _blocks(events):
            if mark.block <= final:
                block = CountedBlock(mark, of_block, batch.totals, None)
            else:
                block = CountedBlock(mark, of_block, Totals(), {})
                batch.reversible.append(block)
            block.count_trades(film_of)
            batch.blocks.append(block)
        return batch

    def pairs(self) -> set[Pair]:
        """Return whose holdings must be known to `count`."""
        return {
            (scope, wallet)
            for block in self.blocks
            for film, wallet in block.changes
            for scope in film.scopes
        }

    def count(self, holdings: dict[Pair, WalletHolding]) -> None:
        """Count the holdings, those of `pairs` as far as there are any; they are kept up to date."""
        for block in self.blocks:
            block.count_holdings(holdings)
        self.totals.roll_up()
        for block in self.reversible:
            block.totals.roll_up()
            self.totals.add(block.totals)


def _blocks(events: Sequence[ChainEvent]) -> Iterator[tuple[LogPosition, tuple[ChainEvent, ...]]]:
    for _, grouped in groupby(events, key=attrgetter("mark.block_hash")):
        of_block = tuple(grouped)
        yield of_block[0].mark, of_block


def _count_sale(totals: Totals, sale: TokensSold, scopes: Sequence[int], hour: int) -> None:
    column, kind = (
        (RESOLD, "resale") if sale.listing else (PRESOLD, "presale") if sale.presale else (SOLD, "release")
    )
    for scope in scopes:
        if sale.quantity <= MOST:
            totals.flow[scope, HOUR, hour][column] += sale.quantity
        totals.money[scope, HOUR, hour, kind, sale.coin] += sale.total
        if sale.royalty:
            totals.money[scope, HOUR, hour, "royalty", sale.coin] += sale.royalty
        if sale.fee and not sale.listing:
            totals.money[scope, HOUR, hour, "fee", sale.coin] += sale.fee


def _count_step(totals: Totals, scope: int, tokens: int, held: int, hour: int) -> list[int]:
    counts, sizes, day = totals.flow[scope, HOUR, hour], totals.sizes, hour // HOURS
    counts[HELD] += held - tokens
    if tokens:
        sizes[scope, DAY, day, tokens] -= 1
    else:
        counts[CAME] += 1
    if held:
        sizes[scope, DAY, day, held] += 1
    else:
        counts[LEFT] += 1
    return counts


def _count_getting(totals: Totals, counts: list[int], scope: int, got: int, hour: int) -> None:
    if got == NEVER:
        counts[FRESH] += 1
        return
    counts[AGAIN] += 1
    if got // HOURS == hour // HOURS:  # counts once a day, not once more for this hour
        totals.flow[scope, DAY, hour // HOURS][AGAIN] -= 1


def _count_spans(
    spans: dict[tuple[int, int, int], int],
    lots: tuple[Lot, ...],
    change: int,
    day: int,
    scopes: Sequence[int],
) -> tuple[Lot, ...]:
    if change > 0:
        for scope in scopes:
            spans[scope, STILL_HELD, day] += change
        return added(lots, day, change)
    left, gone = taken(lots, -change)
    for scope in scopes:
        for came, tokens in gone:
            spans[scope, STILL_HELD, came] -= tokens
            spans[scope, day, came] += tokens
    return left
