"""What does a plugin's background tasks and batch actions in a test: the server's own parts."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from wylloh_server.adapters.clock import system_clock
from wylloh_server.hooks.batch import BatchAsker
from wylloh_server.hooks.tasks import PluginWork
from wylloh_server.services.batch import BatchDesk
from wylloh_server.services.bus import Bus
from wylloh_server.services.tasks import JOB, TaskDesk
from wylloh_server.testing._jobs import MomentaryJobs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wylloh_server.domain.ports.storage import Storage
    from wylloh_server.hooks import PluginRegistry
    from wylloh_server.services.tasks import TaskNews


class Work:
    """Background tasks over a real database; what ends is told on `bus`."""

    def __init__(self, registry: PluginRegistry, storage: Storage, live: TaskNews) -> None:
        self.bus = Bus()
        self.jobs = MomentaryJobs()
        self.tasks = TaskDesk(
            tasks=storage.tasks,
            jobs=self.jobs,
            plugins=PluginWork(registry),
            bus=self.bus,
            live=live,
            clock=system_clock,
        )
        self.batch = BatchDesk(asker=BatchAsker(registry), films=storage.films, tasks=self.tasks)
        self.jobs.register(JOB, self.tasks.work)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Do tasks until the context ends."""
        async with self.jobs.running(), self.tasks.running():
            yield
