"""Background jobs for tests: the port of the server's engine, without its database and its threads."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from wylloh_server.domain.ports.jobs import Job, JobHandler, JobQueue
    from wylloh_server.domain.types import JobId


class InstantJobs:
    """The port `JobEngine`: a job begins at once on the event loop, and nothing outlives the process."""

    def __init__(self) -> None:
        self._tasks: dict[JobId, asyncio.Task[None]] = {}
        self._delayed: set[JobId] = set()
        self._places: dict[tuple[str, str], asyncio.Semaphore] = {}
        self._queues: dict[str, JobQueue] = {}
        self._work: JobHandler

    @asynccontextmanager
    async def running(self, queues: Collection[JobQueue], work: JobHandler) -> AsyncIterator[None]:
        """Interrupt what is unfinished when the context ends."""
        self._queues, self._work = {queue.name: queue for queue in queues}, work
        try:
            yield
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def start(self, job: Job) -> None:
        """Begin a job as soon as its queue has a place."""
        if job.id not in self._tasks:
            self._tasks[job.id] = asyncio.create_task(self._do(job))

    async def cancel(self, job: JobId) -> None:
        """Cancel a job for good."""
        task = self._tasks.get(job)
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait({task})

    async def unfinished(self) -> frozenset[JobId]:
        """Return the jobs that have not ended."""
        return frozenset(job for job, task in self._tasks.items() if not task.done())

    async def settled(self) -> None:
        """Wait until no job runs; one that is delayed is not waited for."""
        while open_now := {
            task for job, task in self._tasks.items() if not task.done() and job not in self._delayed
        }:
            await asyncio.wait(open_now, timeout=0.01)

    async def _do(self, job: Job) -> None:
        if job.delay:
            self._delayed.add(job.id)
            await asyncio.sleep(job.delay)
            self._delayed.discard(job.id)
        queue = self._queues[job.queue]
        place = (queue.name, job.partition if queue.partitioned else "")
        async with self._places.setdefault(place, asyncio.Semaphore(queue.at_once)):
            await self._work(job.id)
