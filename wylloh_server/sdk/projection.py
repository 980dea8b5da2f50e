"""Tables that follow the chain: read new on-chain events, apply them, undo what a reorganisation removed.

A plugin subclasses `ChainProjection`, names the event classes it needs and the table with its cursor, and
returns SQLAlchemy statements from `apply` and `undo`:

    class Transfers(ChainProjection):
        kinds = (TokensTransferred,)
        cursors = tables.cursors

        async def apply(self, events):
            return [(insert(tables.transfers), [row_of(event) for event in events])]

        async def undo(self, events):
            return [(tables.delete_transfer, [key_of(event) for event in events])]

`PollLoop` calls `catch_up` in the background, each time `wake` is called, and retries with back-off.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from contextlib import asynccontextmanager, suppress
from itertools import takewhile
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import delete, insert, select

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence

    from sqlalchemy import Table

    from wylloh_server.domain.chain_events import ChainEvent, EventChange, EventPage
    from wylloh_server.domain.plugin_log import PluginLog
    from wylloh_server.plugins.context import PluginContext

_CURSOR_NAME = "chain"
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
"""Seconds before a failed poll is retried: doubled after each failure, up to the second value."""
_STOP_SECONDS = 0.8
"""Seconds that a batch in progress may take to end when the plugin stops, before it is cancelled."""


class RebuildNeeded(Exception):
    """Raised by `ChainProjection.undo` if the events can no longer be undone one by one."""


class ChainProjection(ABC):
    """Keeps a plugin's tables equal to what the on-chain events so far add up to.

    Events are processed in batches. A batch holds whole blocks that were added, or events that were removed,
    never both. The statements of a batch and the new cursor are one transaction, so no event counts twice.
    Only one task at a time may call `catch_up` or `rebuild`.

    Attributes:
        kinds: the event classes to read.
        cursors: table of the plugin with the columns `name` (primary key) and `cursor`.
        batch_size: most events of a batch, unless a single block has more.
        halted: whether `halt` was called.
    """

    kinds: ClassVar[Collection[type[ChainEvent]]]
    cursors: ClassVar[Table]
    batch_size = 1000

    def __init__(self, context: PluginContext) -> None:
        self.halted = False
        self._tables = context.tables
        self._chain = context.chain

    def halt(self) -> None:
        """Return from `catch_up` after the batch in progress."""
        self.halted = True

    @abstractmethod
    async def apply(self, events: Sequence[ChainEvent]) -> Sequence[object]:
        """Return the statements that add events, in chain order, as `PluginTables.change` takes them."""

    @abstractmethod
    async def undo(self, events: Sequence[ChainEvent]) -> Sequence[object]:
        """Return the statements that take back events that were applied before, in the order of removal.

        Raises:
            RebuildNeeded: that is not possible; `rebuild` is called instead.
        """

    async def rebuild(self) -> int:
        """Delete the tables and process the whole feed again; return the number of events.

        Only of projections whose `undo` raises RebuildNeeded, which override it.

        Raises:
            RebuildNeeded: this projection cannot be rebuilt.
        """
        raise RebuildNeeded

    def checkpoint(self) -> Mapping[str, Any]:
        """Return values for further columns of `cursors`, stored with the cursor. None by default."""
        return {}

    async def cursor(self) -> int:
        """Return the position in the feed up to which events are in the tables; 0 before the first."""
        wanted = select(self.cursors.c.cursor).where(self.cursors.c.name == _CURSOR_NAME)
        rows = (await self._tables.fetch(wanted)).rows
        return int(str(rows[0][0])) if rows else 0

    async def catch_up(self) -> bool:
        """Process all new events; return whether there were any."""
        changed = False
        while not self.halted and (events := await self.advance()) is not None:
            changed = changed or bool(events)
            await asyncio.sleep(0)
        return changed

    async def advance(self) -> Sequence[ChainEvent] | None:
        """Process one batch and return its events, applied or undone; None if there is nothing new."""
        cursor = await self.cursor()
        page = await self.read(cursor)
        if page.cursor == cursor:
            return None
        events = [step.event for step in page.steps]
        try:
            statements = await self._statements(page)
        except RebuildNeeded:
            await self.rebuild()
        else:
            await self._tables.change([*statements, *self.save(page.cursor)])
        return events

    async def read(self, after: int) -> EventPage:
        """Return the next batch after a cursor: whole blocks that were added, or events that were removed."""
        limit = self.batch_size
        while True:
            page = await self._chain.changes(after, kinds=self.kinds, limit=limit)
            size = batch_length(page.steps, more=len(page.steps) == limit)
            if size == len(page.steps):
                return page
            if size:  # ask again for the cursor after exactly these steps
                return await self._chain.changes(after, kinds=self.kinds, limit=size)
            limit *= 2  # to see the end of a long block

    def save(self, cursor: int) -> list[object]:
        """Return the statements that store the cursor and `checkpoint`."""
        return [
            delete(self.cursors).where(self.cursors.c.name == _CURSOR_NAME),
            insert(self.cursors).values(name=_CURSOR_NAME, cursor=cursor, **self.checkpoint()),
        ]

    async def _statements(self, page: EventPage) -> Sequence[object]:
        if not page.steps:  # events of other kinds only
            return ()
        events = [step.event for step in page.steps]
        return await (self.apply(events) if page.steps[0].added else self.undo(events))


def batch_length(steps: Sequence[EventChange], *, more: bool) -> int:
    """Return how many of the first steps are whole blocks that were added, or events that were removed.

    With `more` steps behind these, the last added block may continue there and is left for the next batch.
    """
    same = list(takewhile(lambda step: step.added == steps[0].added, steps))
    if len(same) == len(steps) and more and steps[0].added:
        last = same[-1].event.mark.block
        while same and same[-1].event.mark.block == last:
            same.pop()
    return len(same)


class PollLoop:
    """Calls a coroutine function in the background whenever it is woken; retries with exponential back-off.

    What is woken during a poll is done by one more poll afterwards.
    """

    def __init__(self, poll: Callable[[], Awaitable[object]], log: PluginLog, message: str) -> None:
        """Create a loop that is woken once already.

        Args:
            poll: does the work; whatever it raises is logged and retried.
            log: where failures go.
            message: the log line of a failure, such as "the store is behind".
        """
        self._poll = poll
        self._log = log
        self._message = message
        self._wake = asyncio.Event()
        self._wake.set()
        self._settled = asyncio.Event()
        self._stopping = False
        self._failure: Exception | None = None

    @property
    def idle(self) -> bool:
        """Whether everything that `wake` announced so far has been polled."""
        return self._settled.is_set() and self._failure is None

    def wake(self) -> None:
        """Poll as soon as possible. Never waits."""
        self._settled.clear()
        self._wake.set()

    async def wait(self, seconds: float) -> None:
        """Wait until idle, at most so many seconds. Raises what the last poll raised, if it failed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._settled.wait()
        if self._failure is not None:
            raise self._failure

    @asynccontextmanager
    async def running(self, halt: Callable[[], None] | None = None) -> AsyncIterator[None]:
        """Poll in a task of its own until the context ends; `halt` asks a poll in progress to end early."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            self._stopping = True
            if halt is not None:
                halt()
            self._wake.set()
            await asyncio.wait({task}, timeout=_STOP_SECONDS)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._stopping:
                return
            if await self._succeeded(pause):
                pause = _FIRST_PAUSE
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()
            self._wake.set()
            pause = min(_LONGEST_PAUSE, 2 * pause)

    async def _succeeded(self, pause: float) -> bool:
        try:
            await self._poll()
        except Exception as error:  # noqa: BLE001 - nothing may end the loop
            self._failure = error
            self._log.warning(self._message, reason=str(error), again_in_seconds=pause)
            self._settled.set()
            return False
        self._failure = None
        if not self._wake.is_set():
            self._settled.set()
        return True
