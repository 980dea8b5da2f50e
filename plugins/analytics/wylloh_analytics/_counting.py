"""Follows the feed of facts and keeps the sums up with it.

The sums are taken along in stretches of the feed, each a transaction. A stretch holds whole blocks, and is
either of facts that came or of facts that were taken back. What a block changed is kept until it is final, so
that a reorg can be undone exactly. If facts go of which that is no longer kept, everything is counted anew.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from itertools import groupby, takewhile
from typing import TYPE_CHECKING

from wylloh_analytics._filmbook import FilmBook
from wylloh_analytics._ledger import Ledger, Place, Stretch
from wylloh_analytics.book import Block, Book
from wylloh_analytics.facts import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_server.sdk import ChainEvent, Change, Changes, PluginContext

RULES = "1"
"""Raise this when the same facts give other sums: then they are counted anew."""

_STRETCH = 1000
"""Steps taken at once while the server runs: others who write to the database wait for them."""
LONG_STRETCH = 10_000
"""Steps taken at once where nobody waits: as many as are given at once."""


class Ghosts:
    """Facts that came and went again: by hash, as there may be very many after a change of contracts."""

    def __init__(self, gone: Counter[int]) -> None:
        self._coming = gone.copy()
        self._going = gone.copy()

    def without(self, facts: Sequence[ChainEvent]) -> list[ChainEvent]:
        """Give those of the facts, as they come, that will not go."""
        return [fact for fact in facts if not _taken(self._coming, fact)]

    def expects(self, facts: Sequence[ChainEvent]) -> bool:
        """Say whether all these facts, as they go, were left out when they came."""
        return all(_taken(self._going, fact) for fact in facts)


class Counting:
    """Keeps the sums of one server. One task at a time may count.

    Attributes:
        stretch: how many steps of the feed are taken at once.
        halted: set this to have it stop after the stretch it is at.
    """

    def __init__(self, context: PluginContext, stretch: int = _STRETCH) -> None:
        self._chain = context.chain
        self._ledger = Ledger(context.tables)
        self.stretch = stretch
        self.halted = False
        self._films: FilmBook | None = None
        self._tables = context.tables

    @property
    def rules(self) -> str:
        """By what the sums are made: another store would give others."""
        return f"{RULES} {self._chain.contracts.store or 'no store'}"

    async def catch_up(self) -> bool:
        """Count what is new, or everything if that was never done, or was done by other rules.

        Gives whether any sum has changed.
        """
        try:
            begun = place = await self._ledger.place()
            if not place.whole or place.rules != self.rules:
                await self.count_anew()
                place = await self._ledger.place()
            return await self._follow(place) != begun
        except BaseException:
            self._films = None  # what was not stored must not be remembered
            raise

    async def _follow(self, place: Place) -> Place:
        while not self.halted:
            found = await self._changes(place.cursor)
            if not found.steps:
                if found.cursor != place.cursor:  # facts of other kinds
                    await self._ledger.put(replace(place, cursor=found.cursor))
                return place
            place = await self._take(found, place)
            await asyncio.sleep(0)
        return place

    async def _changes(self, after: int) -> Changes:
        """Give the next stretch: whole blocks, all come or all gone."""
        limit = self.stretch
        while True:
            found = await self._chain.changes(after, kinds=KINDS, limit=limit)
            whole = stretch_of(found.steps, more=len(found.steps) == limit)
            if whole == len(found.steps):
                return found
            if whole:  # asked for again, for the cursor that belongs to so many steps
                return await self._chain.changes(after, kinds=KINDS, limit=whole)
            limit *= 2  # to see the end of a long block

    async def _take(self, found: Changes, place: Place) -> Place:
        if found.steps[0].added:
            return await self._add([step.event for step in found.steps], place, found.cursor)
        return await self._take_back([step.event for step in found.steps], place, found.cursor)

    async def _add(self, facts: Sequence[ChainEvent], place: Place, cursor: int) -> Place:
        films = await self._known_films()
        films.meet(facts)
        final = (await self._chain.state()).final
        kept_from = -1 if final is None else final
        book = Book(self._chain.contracts.store, films.known)
        standings = await self._ledger.standings(book.pairs(facts))
        blocks, stretch = blocks_of(facts), Stretch()
        for block in blocks:
            book.count(block, standings, stretch.counted_with(block, fleeting=block.number > kept_from))
        place = replace(place, cursor=cursor, counted=blocks[-1].number)
        await self._ledger.add(blocks, stretch, films, place, kept_from)
        return place

    async def _take_back(self, facts: Sequence[ChainEvent], place: Place, cursor: int) -> Place:
        oldest = min(facts, key=lambda fact: fact.mark.block)
        block = oldest.mark.block
        if block > place.counted:
            place = replace(place, cursor=cursor)  # it went together with a block that was taken back before
            await self._ledger.put(place)
            return place
        undoing = await self._ledger.undoing(block) if await self._keeps(oldest) else None
        if undoing is None:
            await self.count_anew()
            return await self._ledger.place()
        place = replace(place, cursor=cursor, counted=block - 1)
        await self._ledger.take_back(undoing, place)
        return place

    async def _keeps(self, fact: ChainEvent) -> bool:
        return await self._ledger.keeps(fact.mark.block, fact.mark.block_hash)

    async def count_anew(self) -> int:
        """Forget all sums and count everything that holds now; gives the number of facts.

        What came and went meanwhile is left out: it may be too long ago to be undone.
        """
        await self._ledger.wipe(self.rules)
        self._films = None
        ghosts = await self._ghosts()
        place, counted = await self._ledger.place(), 0
        while not self.halted:
            found = await self._changes(place.cursor)
            facts = [step.event for step in found.steps]
            gone = bool(facts) and not found.steps[0].added
            if not facts or (gone and not ghosts.expects(facts)):
                await self._ledger.put(replace(place, whole=True))
                return counted
            kept = [] if gone else ghosts.without(facts)
            place = replace(place, cursor=found.cursor)
            if kept:
                place = await self._add(kept, place, found.cursor)
            counted += len(kept)
            await asyncio.sleep(0)
        return counted

    async def _ghosts(self) -> Ghosts:
        """Read the whole feed for what was taken back in it."""
        gone: Counter[int] = Counter()
        cursor = 0
        while True:
            found = await self._chain.changes(cursor, kinds=KINDS, limit=LONG_STRETCH)
            gone.update(hash(step.event) for step in found.steps if not step.added)
            cursor = found.cursor
            if not found.steps:
                return Ghosts(gone)
            await asyncio.sleep(0)

    async def _known_films(self) -> FilmBook:
        if self._films is None:
            self._films = await FilmBook.read(self._tables)
        return self._films


@dataclass(frozen=True, slots=True)
class CountedTo:
    """Up to which block everything is counted; `complete` is false while there is more on the chain."""

    block: int | None
    complete: bool


async def counted_to(context: PluginContext) -> CountedTo:
    """Say how far the sums go."""
    place, state = await Ledger(context.tables).place(), await context.chain.state()
    waiting = (await context.chain.changes(place.cursor, kinds=KINDS, limit=1)).steps
    if place.whole and not waiting:
        return CountedTo(state.block, complete=True)
    return CountedTo(place.counted if place.counted >= 0 else None, complete=False)


def stretch_of(steps: Sequence[Change], *, more: bool) -> int:
    """Say how many steps from the first on are whole blocks that all came, or facts that all went.

    Where there are `more` steps behind these, the last block may go on there; then it is left for next time.
    """
    same = list(takewhile(lambda step: step.added == steps[0].added, steps))
    if len(same) == len(steps) and more and steps[0].added:
        last = same[-1].event.mark.block
        while same and same[-1].event.mark.block == last:
            same.pop()
    return len(same)


def blocks_of(facts: Sequence[ChainEvent]) -> list[Block]:
    """Gather facts into the blocks they happened in."""
    grouped = groupby(facts, key=lambda fact: (fact.mark.block, fact.mark.block_hash, fact.mark.at))
    return [Block(number, name, at, tuple(of_it)) for (number, name, at), of_it in grouped]


def _taken(left: Counter[int], fact: ChainEvent) -> bool:
    name = hash(fact)
    if not left[name]:
        return False
    left[name] -= 1
    return True
