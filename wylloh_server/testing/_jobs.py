"""Background work for tests: the same port as the server's engine, without its file and its threads."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from wylloh_server.domain.ports.world import Job, JobState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wylloh_server.domain.ports.world import JobHandler


class MomentaryJobs:
    """The port `Jobs`: work begins at once as a task of the event loop, and nothing outlives the process."""

    def __init__(self) -> None:
        self._handlers: dict[str, JobHandler] = {}
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}

    def register(self, kind: str, handler: JobHandler) -> None:
        """Name a handler."""
        self._handlers[kind] = handler

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Interrupt what is unfinished when the context ends."""
        try:
            yield
        finally:
            for task in self._tasks.values():
                task.cancel()
            await self.settled()

    async def start(self, kind: str, key: str) -> None:
        """Start a job unless the same one is running."""
        before = self._tasks.get((kind, key))
        if before is None or before.done():
            self._tasks[kind, key] = asyncio.create_task(self._do(kind, key))

    async def cancel(self, kind: str, key: str) -> None:
        """Cancel a job for good."""
        task = self._tasks.get((kind, key))
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait({task})

    async def forget(self, kind: str, key: str) -> None:
        """Forget a job that has ended."""
        task = self._tasks.get((kind, key))
        if task is not None and task.done():
            del self._tasks[kind, key]

    async def all(self) -> tuple[Job, ...]:
        """Give every job, newest first."""
        found = reversed(self._tasks.items())
        return tuple(Job(kind, key, _state_of(task)) for (kind, key), task in found)

    async def settled(self) -> None:
        """Wait until no job runs."""
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _do(self, kind: str, key: str) -> None:
        await self._handlers[kind](key)


def _state_of(task: asyncio.Task[None]) -> JobState:
    if not task.done():
        return JobState.RUNNING
    if task.cancelled():
        return JobState.CANCELLED
    return JobState.FAILED if task.exception() else JobState.DONE
