"""One plugin's events: a bounded queue, so that a slow listener delays nobody."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wylloh_server.domain.events import Event


class EventQueue:
    """Keeps events in order for one listener; drops the newest while it is full.

    Attributes:
        dropped: how many events were dropped.
        missed: how many of them while the event was heard that is being heard now.
    """

    def __init__(
        self,
        listener: Callable[[Event], Awaitable[object]],
        *,
        size: int,
        blame: Callable[[str, BaseException], None],
    ) -> None:
        self.dropped = self.missed = 0
        self._listener = listener
        self._blame = blame
        self._queue: asyncio.Queue[Event] = asyncio.Queue(size)
        self._worker: asyncio.Task[None] | None = None

    def put(self, event: Event) -> bool:
        """Queue an event; never blocks. False if it was dropped."""
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            self.dropped += 1
            self.missed += 1
            return False
        return True

    def start(self) -> None:
        """Begin to hand events to the listener."""
        self._worker = asyncio.create_task(self._work())

    async def settled(self) -> None:
        """Wait until every queued event was heard."""
        await self._queue.join()

    async def stop(self, seconds: float) -> None:
        """Let the listener hear what is queued, for at most so many seconds."""
        if self._worker is None:
            return
        if seconds:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.settled(), seconds)
        self._worker.cancel()
        await asyncio.wait({self._worker})
        self._forget()

    def _forget(self) -> None:
        while not self._queue.empty():
            self._queue.get_nowait()
            self._queue.task_done()

    async def _work(self) -> None:
        while True:
            event = await self._queue.get()
            self.missed = 0
            try:
                await self._listener(event)
            except Exception as error:  # noqa: BLE001 - a plugin may raise anything
                self._blame(f"on_event({type(event).__name__})", error)
            finally:
                self._queue.task_done()
