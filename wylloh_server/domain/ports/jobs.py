"""The engine that runs durable background jobs: queues, delays, recovery after a crash."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from wylloh_server.domain.types import JobId, Seconds

if TYPE_CHECKING:
    from collections.abc import Collection
    from contextlib import AbstractAsyncContextManager


@dataclass(frozen=True, slots=True)
class JobQueue:
    """A queue of jobs.

    Attributes:
        name: unique in the engine.
        at_once: jobs of it that run side by side in one server.
        partitioned: whether `at_once` holds for each `Job.partition` instead of for the whole queue.
    """

    name: str
    at_once: int
    partitioned: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """One job to run.

    Attributes:
        id: unique for ever; an id that was enqueued before is not enqueued again.
        queue: the name of a `JobQueue`.
        partition: in a partitioned queue, the part it belongs to.
        priority: 1 is taken first; jobs of the same priority in the order in which they came.
        delay: how long it waits before it is put into the queue.
    """

    id: JobId
    queue: str
    partition: str = ""
    priority: int = 1
    delay: Seconds = Seconds(0)


JobHandler = Callable[[JobId], Awaitable[None]]
"""Runs a job. It must be able to go on where it was after `kill -9`."""


class JobEngine(Protocol):
    """Runs durable jobs: each to its end once, in one server at a time, whatever happens in between."""

    def running(self, queues: Collection[JobQueue], work: JobHandler) -> AbstractAsyncContextManager[None]:
        """Resume what an earlier process left, and take new jobs until the context ends.

        Jobs that are unfinished then are interrupted, and resume at the next start.
        """

    async def start(self, job: Job) -> None:
        """Store a job and enqueue it."""

    async def cancel(self, job: JobId) -> None:
        """Cancel a job for good; one that has ended or is unknown stays as it is."""

    async def unfinished(self) -> frozenset[JobId]:
        """Return the jobs that run, are enqueued or delayed."""
