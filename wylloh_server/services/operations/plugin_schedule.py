"""Start the plugins' background tasks that run by themselves, such as once a day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.domain.task import TaskSubject

if TYPE_CHECKING:
    from wylloh_server.domain.ports.clock import Clock
    from wylloh_server.plugins.declarations import BackgroundTask
    from wylloh_server.plugins.plugin_registry import PluginRegistry
    from wylloh_server.services.operations.task_service import TaskService
    from wylloh_server.storage.cursors import CursorRepository

_SUBJECT = "schedule"


class PluginSchedule:
    """Starts tasks that are due. When each began last is remembered: a restart repeats nothing.

    Not by the tasks themselves, which people clear away.
    """

    def __init__(
        self, registry: PluginRegistry, tasks: TaskService, cursors: CursorRepository, clock: Clock
    ) -> None:
        self._registry = registry
        self._tasks = tasks
        self._cursors = cursors
        self._clock = clock

    async def start_due(self) -> None:
        """Start each task with `every` that has not begun for that long, or never."""
        for plugin in self._registry.running_plugins():
            for task in plugin.declared.background_tasks:
                if task.every:
                    await self._start_if_due(plugin.name, task)

    async def _start_if_due(self, plugin: str, task: BackgroundTask) -> None:
        kind = f"{plugin}.{task.kind}"
        cursor, now = f"{_SUBJECT}:{kind}", int(self._clock())
        begun = await self._cursors.get(cursor)
        # A clock that was set back by much must not put the next start off by as much.
        if begun is None or abs(now - begun) >= task.every:
            await self._tasks.start(kind, task.title or kind, {}, subject=TaskSubject(_SUBJECT, kind))
            await self._cursors.put(cursor, now)
