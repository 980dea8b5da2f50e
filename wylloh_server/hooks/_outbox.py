"""The events one plugin emits, on their way from its thread to the server's loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from wylloh_server.domain.events import Event

_SLICE = 50
"""Events told before the server's loop does something else."""
_MINUTE = 60.0


class Outbox:
    """Tells events in order, a few at a time, so that a flood of them delays nothing else.

    Args:
        publish: tells one event, on the server's loop.
        most: events within a minute that are no flood.
        flooded: told once, on the server's loop, when there are more. Nothing is told from then on.
    """

    def __init__(self, publish: Callable[[Event], None], *, most: int, flooded: Callable[[], None]) -> None:
        self._home = asyncio.get_running_loop()
        self._publish = publish
        self._most = most
        self._flooded = flooded
        self._lock = threading.Lock()
        self._waiting: deque[Event] = deque()
        self._awake = self._closed = False
        self._listening: list[asyncio.Future[None]] = []
        self._since, self._count = time.monotonic(), 0

    def put(self, event: Event) -> None:
        """Take an event, from any thread. Never blocks; drops it after a flood, and when the server stops."""
        with self._lock:
            if self._closed:
                return
            if self._too_many():
                self._close()
                self._call(self._flooded)
                return
            self._waiting.append(event)
            if not self._awake:
                self._awake = True
                self._call(self._tell)

    async def told(self) -> None:
        """Wait until everything taken so far was told; for tests."""
        if self._waiting:
            done = self._home.create_future()
            self._listening.append(done)
            await done

    def close(self) -> None:
        """Take nothing more, and forget what waits."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        self._closed = True
        self._waiting.clear()

    def _rest(self) -> None:
        for done in self._listening:
            done.set_result(None)
        self._listening.clear()

    def _too_many(self) -> bool:
        now = time.monotonic()
        if now - self._since > _MINUTE:
            self._since, self._count = now, 0
        self._count += 1
        return self._count > self._most

    def _call(self, function: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the server's loop has closed
            self._home.call_soon_threadsafe(function)

    def _tell(self) -> None:
        for _ in range(_SLICE):
            with self._lock:
                if not self._waiting:
                    self._awake = False
                    self._rest()
                    return
                event = self._waiting.popleft()
            self._publish(event)
        self._home.call_soon(self._tell)
