"""Follows the chain into the database, block by block, and back where a reorg took blocks away."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from wylloh_server.domain.events import ChainAdvanced
from wylloh_server.domain.ports.chain import ChainHead
from wylloh_server.domain.types import BlockNumber
from wylloh_server.services.caretaker import repeat

if TYPE_CHECKING:
    from wylloh_server.domain.ports.chain import BlockHeader, ChainLogs, Stretch
    from wylloh_server.domain.ports.history import ChainIndex, History
    from wylloh_server.domain.ports.world import Clock
    from wylloh_server.domain.types import Seconds, Timestamp
    from wylloh_server.services.bus import Bus

_log = logging.getLogger(__name__)

INDEX = "index"
"""The kind of job that follows the chain; its key is always `chain`."""

_FEW, _MANY = 16, 1024
"""Headers compared at once while looking for the fork: few for the usual reorg, more the deeper it is."""

_PATIENCE = 5
"""Looks at a chain that is shorter than what was read, before it is believed: nodes lag behind each other."""

_TELL_SECONDS = 1.0
"""While a long history is read, plugins hear of it that often."""


class Indexer:
    """Keeps the history in step with the chain.

    Each stretch of blocks is one transaction, so that `kill -9` loses nothing and doubles nothing. A stretch
    is added only if its parent is the last block read; else the last block that both have is looked for, and
    everything after it is taken back. What cannot be read is never passed over: it is asked for again.
    """

    def __init__(
        self,
        *,
        logs: ChainLogs,
        history: History,
        index: ChainIndex,
        bus: Bus,
        clock: Clock,
        subject: str,
        start_block: BlockNumber,
    ) -> None:
        """Set up.

        Args:
            logs: where the chain is read.
            history: what is known; also tells the state.
            index: where it is written.
            bus: is told of every advance.
            clock: now.
            subject: names chain and contracts. When it is another than before, reading begins anew.
            start_block: where the history begins.
        """
        self._logs = logs
        self._history = history
        self._index = index
        self._bus = bus
        self._clock = clock
        self._subject = subject
        self._start_block = start_block
        self._noted: ChainHead | None = None
        self._short = 0
        self._untold: BlockNumber | None = None
        self._told: Timestamp | None = None

    async def follow(self, every: Seconds) -> None:
        """Follow the chain until cancelled, looking for new blocks again and again."""
        await repeat("following the chain", self.catch_up, every)

    async def catch_up(self) -> None:
        """Read all there is.

        Raises:
            ChainError: the chain cannot be read further now; what was read stays.
            StorageError: it cannot be stored.
        """
        if self._noted is None:
            await self._begin()
        head = await self._logs.head()
        try:
            while await self._step(head):
                self._tell(at_once=False)
        finally:
            self._tell(at_once=True)

    async def _begin(self) -> None:
        taken = await self._index.devote(self._subject)
        if taken:
            _log.warning("other contracts are configured: %d facts were taken back, reading anew", taken)
        # Plugins may not have heard of the last stretch before this process's predecessor ended.
        self._untold = (await self._history.state()).block

    async def _step(self, head: ChainHead) -> bool:
        """Come one stretch nearer to the head, or go back to a fork; False when there is nothing to do."""
        last = next(iter(await self._index.kept(1)), None)
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
            await self._index.look(head)
            self._noted = head
        return False

    async def _read_on(self, last: BlockHeader | None, head: ChainHead) -> bool:
        first = self._start_block if last is None else BlockNumber(last.number + 1)
        stretch = await self._logs.read(first, await self._index.splitters())
        if stretch is None:
            return False
        if last is not None and stretch.parent != last.hash:
            return await self._go_back(last)
        if stretch.late is not None:
            return await self._read_again(stretch.late)
        await self._add(stretch, head)
        return True

    async def _add(self, stretch: Stretch, head: ChainHead) -> None:
        if stretch.last.number > head.newest.number:
            head = ChainHead(stretch.last, head.final)
        await self._index.extend(stretch, head)
        self._noted = head
        self._untold = stretch.last.number

    async def _shorter(self, last: BlockHeader, newest: BlockHeader) -> bool:
        """Decide whether a chain that is shorter than what was read was cut, or its node only lags behind."""
        at_most = next(iter(await self._index.kept(1, BlockNumber(newest.number + 1))), None)
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
        final = (await self._history.state()).final
        if final is not None and (fork is None or fork.number < final):
            _log.error("the chain took back blocks that were final (up to %d); is it another chain?", final)
        to = None if fork is None else fork.number
        taken = await self._index.roll_back(to)
        _log.warning("a reorg: back from block %d to %s, %d facts taken back", last.number, to, taken)
        self._untold = to or self._start_block
        return True

    async def _read_again(self, late: BlockNumber) -> bool:
        taken = await self._index.roll_back(BlockNumber(late - 1))
        _log.warning("block %d was not told in full: %d facts taken back to read it again", late, taken)
        self._untold = late
        return True

    async def _fork(self) -> BlockHeader | None:
        """Find the last block read that the chain still has."""
        below, count = None, _FEW
        while kept := await self._index.kept(count, below):
            theirs = await self._logs.headers([block.number for block in kept])
            for block in kept:
                if theirs.get(block.number) == block:
                    return block
            below, count = kept[-1].number, min(4 * count, _MANY)
        return None

    async def _differs(self, block: BlockHeader) -> bool:
        return (await self._logs.headers([block.number])).get(block.number) != block

    def _tell(self, *, at_once: bool) -> None:
        now = self._clock()
        if self._untold is None or not (at_once or self._told is None or now - self._told >= _TELL_SECONDS):
            return
        self._bus.publish(ChainAdvanced(self._untold))
        self._untold, self._told = None, now
