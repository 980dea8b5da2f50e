"""The two halves of a plugin's `lifespan`, held together by one task of its own."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from wylloh_server.hooks._calls import contained

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


class Lifespan:
    """Runs an async generator function up to its `yield`, and later the rest of it; in the plugin's thread.

    One task does both, because what a plugin opens (a task group, a timeout) may have to be closed by the
    task that opened it.
    """

    def __init__(self, halves: Callable[[], AsyncIterator[None]]) -> None:
        self._context = asynccontextmanager(halves)
        self._ready = asyncio.Event()
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Run the first half. Raises whatever it raises."""
        self._task = asyncio.create_task(contained(self._both()))
        ready = asyncio.create_task(self._ready.wait())
        try:
            await asyncio.wait({self._task, ready}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self._task.cancel()
            raise
        finally:
            ready.cancel()
        if self._task.done():
            self._task.result()

    async def stop(self) -> None:
        """Run the second half. Raises whatever it raises; whoever is cancelled while waiting cancels it."""
        self._stop.set()
        if self._task is not None:
            await self._task

    async def _both(self) -> None:
        async with self._context():
            self._ready.set()
            await self._stop.wait()
