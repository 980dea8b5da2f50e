"""Background tasks and batch actions for plugin tests, run by the server's own services."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from wylloh_server.adapters.system_clock import system_clock
from wylloh_server.sdk.testing.instant_jobs import InstantJobs
from wylloh_server.sdk.testing.samples import sample_role
from wylloh_server.services.library.batch_actions import BatchActionService
from wylloh_server.services.library.plugin_batch_actions import PluginBatchActions
from wylloh_server.services.operations.event_bus import EventBus
from wylloh_server.services.operations.plugin_task_runner import PluginTaskRunner
from wylloh_server.services.operations.task_service import TaskService

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wylloh_server.domain.access import Role
    from wylloh_server.domain.types import Wallet
    from wylloh_server.plugins import PluginRegistry
    from wylloh_server.services.operations.live_updates import LiveUpdates
    from wylloh_server.storage.database import Storage


class TaskHarness:
    """Background tasks over a real database. `bus` publishes their events."""

    def __init__(self, registry: PluginRegistry, storage: Storage, live: LiveUpdates) -> None:
        self.bus = EventBus()
        self._accounts = storage.accounts
        self.jobs = InstantJobs()
        self.tasks = TaskService(
            tasks=storage.tasks,
            jobs=self.jobs,
            plugins=PluginTaskRunner(registry, self._role_of),
            bus=self.bus,
            live=live,
            clock=system_clock,
        )
        offers = PluginBatchActions(registry)
        self.batch = BatchActionService(offers=offers, films=storage.films, tasks=self.tasks)

    async def _role_of(self, wallet: Wallet) -> Role | None:
        """Return what an account may do; sample viewers have none, and their wallets tell."""
        return await self._accounts.role(wallet) or sample_role(wallet)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run tasks until the context ends."""
        async with self.tasks.running():
            yield
