"""Counts on-chain events into the sums of the charts.

What a block changed is stored until the block is final, so that a reorganisation can be undone exactly. If
events are removed of which that is no longer stored, everything is counted from the beginning.
"""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from wylloh_analytics.aggregator import Batch
from wylloh_analytics.facts import KINDS
from wylloh_analytics.film_scopes import FilmScopes
from wylloh_analytics.tables import state
from wylloh_analytics.totals_store import Checkpoint, TotalsStore
from wylloh_server.sdk import ChainProjection, RebuildNeeded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from wylloh_server.sdk import ChainEvent, EventPage, PluginContext

RULES = "1"
"""Raise this when the same events give other sums: then they are counted again."""

_PAGE = 10_000
"""Events that are read at once: as many as a page of the feed may have."""
_COUNTED_AT_ONCE = 100_000
"""Events that a rebuild counts in one transaction: the more, the seldomer the same rows are written."""
_WINDOW = 20_000
"""Events that a rebuild holds back, so that those removed soon after they were added are never counted."""


class _RemovedTooLate(Exception):
    """An event was removed after a rebuild had counted it."""


class AnalyticsProjection(ChainProjection):
    """The sums of one server.

    Attributes:
        batch_size: how many events of the feed are read at once.
    """

    kinds = KINDS
    cursors = state

    def __init__(self, context: PluginContext, batch_size: int = _PAGE) -> None:
        super().__init__(context)
        self.batch_size = batch_size
        self._store = TotalsStore(context.tables)
        self._reached = Checkpoint()
        self._films: FilmScopes | None = None

    @property
    def rules(self) -> str:
        """By what the sums are made: another store contract would give others."""
        return f"{RULES} {self._chain.contracts.store or 'no store'}"

    def checkpoint(self) -> Mapping[str, Any]:
        """Return what else is stored with the cursor."""
        return {name: value for name, value in asdict(self._reached).items() if name != "cursor"}

    async def catch_up(self) -> bool:
        """Count new events, or all if that was never done, or by other rules; return whether sums changed."""
        try:
            self._reached = await self._store.checkpoint()
            rebuilt = not self._reached.whole or self._reached.rules != self.rules
            if rebuilt:
                await self.rebuild()
            return await super().catch_up() or rebuilt
        except BaseException:
            self._films = None  # what was not stored must not be remembered
            self._store.forget()
            raise

    async def apply(self, events: Sequence[ChainEvent]) -> Sequence[object]:
        """Return the statements that count the events of whole blocks."""
        if self._films is None:
            self._films = await FilmScopes.read(self._tables, self._chain.contracts.store)
        final = (await self._chain.state()).final
        last_final = -1 if final is None else final
        batch = Batch.read(events, last_final, self._films.film_of)
        holdings = await self._store.holdings(batch.pairs())
        batch.count(holdings)
        self._reached = replace(self._reached, counted=events[-1].mark.block)
        return await self._store.adding(batch, holdings, self._films, last_final)

    async def undo(self, events: Sequence[ChainEvent]) -> Sequence[object]:
        """Return the statements that take back every block from the oldest of the events on."""
        oldest = min(events, key=lambda event: event.mark.block).mark
        if oldest.block > self._reached.counted:
            return ()  # removed together with a block that was undone before
        if not await self._store.reversible(oldest.block, oldest.block_hash):
            raise RebuildNeeded
        self._reached = replace(self._reached, counted=oldest.block - 1)
        return await self._store.undoing(oldest.block)

    async def rebuild(self) -> int:
        """Delete all sums and count the events that hold now; return their number.

        Events that were added and removed meanwhile are left out: they may be too old to be undone. One pass
        over the feed is enough while removals follow soon after; otherwise a first pass finds what to skip.
        """
        with _no_garbage_collection():
            try:
                return await self._count_all(Counter())
            except _RemovedTooLate:
                return await self._count_all(await self._reverted())

    async def _count_all(self, reverted: Counter[int]) -> int:
        """Count all events but those that are `reverted`: hashes of what was added and removed again."""
        self._reached, self._films = Checkpoint(rules=self.rules), None
        await self._store.wipe(self.save(0))
        waiting: list[ChainEvent] = []
        coming, going = reverted.copy(), reverted.copy()
        cursor = counted = 0
        while not self.halted:
            page: EventPage = await self._chain.changes(cursor, kinds=KINDS, limit=self.batch_size)
            if not page.steps:
                break
            cursor = page.cursor
            for added, steps in groupby(page.steps, key=attrgetter("added")):
                events = [step.event for step in steps]
                if added:
                    waiting += _without(coming, events)
                else:
                    _remove(waiting, _without(going, events))
            while len(waiting) > _WINDOW + _COUNTED_AT_ONCE:
                counted += await self._count(waiting, 0)
            await asyncio.sleep(0)
        while waiting and not self.halted:
            counted += await self._count(waiting, cursor)
        self._reached = replace(self._reached, whole=not self.halted)
        await self._tables.change(self.save(cursor))
        self._store.forget()
        return counted

    async def _count(self, waiting: list[ChainEvent], cursor: int) -> int:
        """Count the first events that wait, whole blocks; return how many."""
        count = _whole_blocks(waiting, _COUNTED_AT_ONCE)
        await self._tables.change([*await self.apply(waiting[:count]), *self.save(cursor)])
        del waiting[:count]
        return count

    async def _reverted(self) -> Counter[int]:
        """Read the whole feed for the events that were removed in it: by hash, as there may be very many."""
        gone: Counter[int] = Counter()
        cursor = 0
        while (page := await self._chain.changes(cursor, kinds=KINDS, limit=_PAGE)).steps:
            gone.update(hash(step.event) for step in page.steps if not step.added)
            cursor = page.cursor
            await asyncio.sleep(0)
        return gone


@dataclass(frozen=True, slots=True)
class CountedTo:
    """Up to which block everything is counted; `complete` is false while there is more on the chain."""

    block: int | None
    complete: bool


async def counted_to(context: PluginContext) -> CountedTo:
    """Return how far the sums go."""
    reached, state = await TotalsStore(context.tables).checkpoint(), await context.chain.state()
    waiting = (await context.chain.changes(reached.cursor, kinds=KINDS, limit=1)).steps
    if reached.whole and not waiting:
        return CountedTo(state.block, complete=True)
    return CountedTo(reached.counted if reached.counted >= 0 else None, complete=False)


def _without(left: Counter[int], events: list[ChainEvent]) -> list[ChainEvent]:
    """Return events without those of which the hashes are `left`, each as often; these are counted down."""
    if not left.total():
        return events
    others = []
    for event in events:
        if left[hash(event)] > 0:
            left[hash(event)] -= 1
        else:
            others.append(event)
    return others


def _remove(waiting: list[ChainEvent], removed: list[ChainEvent]) -> None:
    """Take removed events out of those that wait, the newest first.

    Raises:
        _RemovedTooLate: one does not wait any more.
    """
    gone = Counter(map(hash, removed))
    waiting[:] = reversed(_without(gone, waiting[::-1]))
    if gone.total():
        raise _RemovedTooLate


def _whole_blocks(events: Sequence[ChainEvent], count: int) -> int:
    """Return how many of the first events to count, about `count`, so that no block is cut."""
    count = min(count, len(events))
    while count < len(events) and events[count].mark.block == events[count - 1].mark.block:
        count += 1
    return count


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Pause the search for reference cycles: among the millions of events there are none."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
