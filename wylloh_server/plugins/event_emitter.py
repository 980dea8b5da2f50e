"""The events of one plugin: those it emits, and the bounded queue of those it listens to."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import Counter, deque
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from wylloh_server.domain.events import Event

_SLICE = 50
"""Events published before the server's loop does something else."""
_MINUTE = 60.0
QUEUE_FULL = "its queue was full"
"""Why an event was lost; see `EventQueue.lost`."""


def declared_only(
    plugin: str, event_types: Collection[type[Event]], emit: Callable[[Event], None]
) -> Callable[[Event], None]:
    """Return what emits a plugin's event, and raises PluginError for one of a type it has not declared."""

    def checked(event: Event) -> None:
        if type(event) not in event_types:
            raise PluginError(
                f"{plugin} has not declared the event {type(event).__name__}.",
                fix="Return it from the hook event_types.",
            )
        emit(event)

    return checked


class EventEmitter:
    """Publish events in order, a few at a time, so that many of them do not block the server's loop.

    Args:
        publish: publishes one event; called on the server's loop.
        most: most events within a minute.
        flooded: called once on the server's loop when there are more. Later events are dropped.
    """

    def __init__(self, publish: Callable[[Event], None], *, most: int, flooded: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._publish = publish
        self._most = most
        self._flooded = flooded
        self._lock = threading.Lock()
        self._waiting: deque[Event] = deque()
        self._scheduled = self._closed = False
        self._idle = asyncio.Event()
        self._minute_began, self._count = time.monotonic(), 0

    def put(self, event: Event) -> None:
        """Queue an event, from any thread. Never blocks; drops it after a flood or `close`."""
        with self._lock:
            if self._closed:
                return
            if self._is_flood():
                self._clear()
                self._schedule(self._flooded)
                return
            self._waiting.append(event)
            if not self._scheduled:
                self._scheduled = True
                self._idle.clear()
                self._schedule(self._publish_some)

    async def published(self) -> None:
        """Wait until every queued event is published; for tests."""
        if self._scheduled:
            await self._idle.wait()

    def close(self) -> None:
        """Drop the queued events and all later ones."""
        with self._lock:
            self._clear()

    def _clear(self) -> None:
        self._closed = True
        self._waiting.clear()

    def _is_flood(self) -> bool:
        now = time.monotonic()
        if now - self._minute_began > _MINUTE:
            self._minute_began, self._count = now, 0
        self._count += 1
        return self._count > self._most

    def _schedule(self, function: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the server's loop has closed
            self._loop.call_soon_threadsafe(function)

    def _publish_some(self) -> None:
        for _ in range(_SLICE):
            with self._lock:
                if not self._waiting:
                    self._scheduled = False
                    self._idle.set()
                    return
                event = self._waiting.popleft()
            self._publish(event)
        self._loop.call_soon(self._publish_some)


class EventQueue:
    """Pass events to a listener one at a time; drop the newest while the queue is full.

    `failed` is called with an event that the listener did not hear to its end, and returns the reason.

    Attributes:
        lost: number of events the listener did not hear to their end, by reason.
        missed: number of events dropped since the event that is being handled now.
    """

    def __init__(
        self,
        listener: Callable[[Event], Awaitable[object]],
        *,
        size: int,
        failed: Callable[[Event, BaseException], str],
    ) -> None:
        self.lost: Counter[str] = Counter()
        self.missed = 0
        self._listener = listener
        self._failed = failed
        self._queue: asyncio.Queue[Event] = asyncio.Queue(size)
        self._worker: asyncio.Task[None] | None = None

    def put(self, event: Event) -> bool:
        """Queue an event; never blocks. Return False if it was dropped."""
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            self.lost[QUEUE_FULL] += 1
            self.missed += 1
            return False
        return True

    def start(self) -> None:
        """Start to pass events to the listener."""
        self._worker = asyncio.create_task(self._work())

    async def join(self, seconds: float | None = None) -> None:
        """Wait until every queued event is handled, or until the time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._queue.join()

    async def stop(self, seconds: float) -> None:
        """Handle the queued events for at most that many seconds, then drop the rest."""
        if self._worker is None:
            return
        if seconds:
            await self.join(seconds)
        self._worker.cancel()
        await asyncio.wait({self._worker})
        while not self._queue.empty():
            self._queue.get_nowait()
            self._queue.task_done()
            self.lost["the plugin was stopped"] += 1

    async def _work(self) -> None:
        while True:
            event = await self._queue.get()
            self.missed = 0
            try:
                await self._listener(event)
            except asyncio.CancelledError:
                self.lost["the plugin was stopped"] += 1
                raise
            except Exception as error:  # noqa: BLE001 - a plugin may raise anything
                self.lost[self._failed(event, error)] += 1
            finally:
                self._queue.task_done()
