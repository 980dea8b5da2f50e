"""Follows the chain into the database, block by block, and back where a reorg took blocks away."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wylloh_server.domain.events import ChainAdvanced
from wylloh_server.domain.ports.chain import ChainHead
from wylloh_server.domain.types import BlockNumber

if TYPE_CHECKING:
    from collections.abc import Callable

    from wylloh_server.domain.ports.chain import BlockHeader, BlockRange, ChainLogs
    from wylloh_server.services.operations.event_bus import EventBus
    from wylloh_server.storage.chain_history import ChainHistoryRepository
    from wylloh_server.storage.chain_index import ChainIndexRepository

_log = logging.getLogger(__name__)

_FEW, _MANY = 16, 1024
"""Headers compared at once while looking for the fork: few for the usual reorg, more the deeper it is."""

_PATIENCE = 5
"""Looks at a chain that is shorter than what was read, before it is accepted: nodes lag behind each other."""

_TELL_SECONDS = 1.0
"""While a long history is read, plugins hear of it that often."""


@dataclass(kw_only=True, eq=False)
class Indexer:
    """Keeps the history in step with the chain.

    Each stretch of blocks is one transaction, so that `kill -9` loses nothing and doubles nothing. A stretch
    is added only if its parent is the last block read; else the last block that both have is looked for, and
    everything after it is taken back. What cannot be read is never passed over: it is asked for again.

    Attributes:
        logs: where the chain is read.
        history: what is known; also tells the state.
        index: where it is written.
        bus: is told of every advance.
        timer: counts seconds, whatever is done to the clock.
        subject: names chain and contracts. When it is another than before, reading begins anew.
        start_block: where the history begins.
    """

    logs: ChainLogs
    history: ChainHistoryRepository
    index: ChainIndexRepository
    bus: EventBus
    timer: Callable[[], float] = time.monotonic
    subject: str
    start_block: BlockNumber
    _noted: ChainHead | None = field(init=False, default=None)
    _short: int = field(init=False, default=0)
    _whole: bool = field(init=False, default=False)
    _untold: BlockNumber | None = field(init=False, default=None)
    _told: float | None = field(init=False, default=None)

    async def catch_up(self) -> None:
        """Read all there is.

        Raises:
            ChainError: the chain cannot be read further now; what was read stays.
            StorageError: it cannot be stored.
        """
        if self._noted is None:
            await self._begin()
        if not self._whole:
            self._whole = await self._add_absent_kinds()
        head = await self.logs.head()
        try:
            while await self._step(head):
                self._tell(at_once=False)
        finally:
            self._tell(at_once=True)

    async def _begin(self) -> None:
        taken = await self.index.set_source(self.subject)
        if taken:
            _log.warning("other contracts are configured: %d events were taken back, reading again", taken)
        # Plugins may not have heard of the last stretch before this process's predecessor ended.
        self._untold = (await self.history.state()).block

    async def _add_absent_kinds(self) -> bool:
        """Read events of kinds that an earlier version did not record, from the blocks that it had read.

        False if the chain no longer has the last of these, or not yet again: to be tried another time.
        """
        absent = await self.index.absent_kinds()
        last = next(iter(await self.index.newest(1)), None)
        if absent and last is not None:
            splitters = await self.index.splitters()
            found = await self.logs.read_kinds(absent, self.start_block, last, splitters)
            if found is None:
                return False
            await self.index.add_kinds(absent, found)
            names = ", ".join(sorted(kind.__name__ for kind in absent))
            _log.info("%d events were added of kinds that were not recorded before: %s", len(found), names)
            self._untold = last.number
        return True

    async def _step(self, head: ChainHead) -> bool:
        """Come one stretch nearer to the head, or go back to a fork; False when there is nothing to do."""
        last = next(iter(await self.index.newest(1)), None)
        if last is None:
            return await self._read_on(None, head)
        if last.number > head.newest.number:
            return await self._shorter(last, head.newest)
        self._short = 0
        if last.number < head.newest.number:
            return await self._read_on(last, head)
        if last.hash != head.newest.hash:
            return await self._go_back(last)
        if head != self._noted:
            await self.index.record_head(head)
            self._noted = head
        return False

    async def _read_on(self, last: BlockHeader | None, head: ChainHead) -> bool:
        first = self.start_block if last is None else BlockNumber(last.number + 1)
        stretch = await self.logs.read(first, await self.index.splitters())
        if stretch is None:
            return False
        if last is not None and stretch.parent != last.hash:
            return await self._go_back(last)
        if stretch.late is not None:
            return await self._read_again(stretch.late)
        await self._add(stretch, head)
        return True

    async def _add(self, stretch: BlockRange, head: ChainHead) -> None:
        if stretch.last.number > head.newest.number:
            head = ChainHead(stretch.last, head.final)
        await self.index.extend(stretch, head)
        self._noted = head
        self._untold = stretch.last.number

    async def _shorter(self, last: BlockHeader, newest: BlockHeader) -> bool:
        """Decide whether a chain that is shorter than what was read was cut, or its node only lags behind."""
        at_most = next(iter(await self.index.newest(1, BlockNumber(newest.number + 1))), None)
        if at_most is not None and not await self._differs(at_most):
            self._short += 1
            if self._short < _PATIENCE:
                return False
        self._short = 0
        return await self._go_back(last)

    async def _go_back(self, last: BlockHeader) -> bool:
        """Take back what the chain no longer has. False if nodes contradict each other: ask again later."""
        fork = await self._fork()
        if fork == last:
            return False
        final = (await self.history.state()).final
        if final is not None and (fork is None or fork.number < final):
            _log.error("the chain took back blocks that were final (up to %d); is it another chain?", final)
        to = None if fork is None else fork.number
        taken = await self.index.roll_back(to)
        _log.warning("a reorg: back from block %d to %s, %d facts taken back", last.number, to, taken)
        self._untold = to or self.start_block
        return True

    async def _read_again(self, late: BlockNumber) -> bool:
        taken = await self.index.roll_back(BlockNumber(late - 1))
        _log.warning("block %d was not told in full: %d facts taken back to read it again", late, taken)
        self._untold = late
        return True

    async def _fork(self) -> BlockHeader | None:
        """Find the last block read that the chain still has."""
        below, count = None, _FEW
        while kept := await self.index.newest(count, below):
            theirs = await self.logs.headers([block.number for block in kept])
            for block in kept:
                if theirs.get(block.number) == block:
                    return block
            below, count = kept[-1].number, min(4 * count, _MANY)
        return None

    async def _differs(self, block: BlockHeader) -> bool:
        return (await self.logs.headers([block.number])).get(block.number) != block

    def _tell(self, *, at_once: bool) -> None:
        now = self.timer()
        if self._untold is None or not (at_once or self._told is None or now - self._told >= _TELL_SECONDS):
            return
        self.bus.publish(ChainAdvanced(self._untold))
        self._untold, self._told = None, now
