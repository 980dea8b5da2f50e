"""Plugins' background tasks: a plugin starts its own, the server has them done."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

from wylloh_server.domain.errors import AccessRefused, ChainError, InvalidValue, NotFound, PluginError
from wylloh_server.hooks.declarations import TaskResult
from wylloh_server.hooks.records import PluginStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.task import TaskId
    from wylloh_server.hooks.context import TaskStarter
    from wylloh_server.hooks.declarations import BackgroundTask, TaskProgress
    from wylloh_server.hooks.records import Plugin
    from wylloh_server.hooks.registry import PluginRegistry

_FOR_PEOPLE = (InvalidValue, AccessRefused, NotFound, ChainError)
"""Errors whose sentence is meant for whoever started the task, and no fault of the plugin."""

_EVERY = 0.5
"""Seconds between two looks at whether a plugin at work is still there."""

_PATH = re.compile(r"|/(?![/\\])[^\\\x00-\x20\x7f]*")
_LOOK = "Whoever runs this server finds the reason on the admin page."


class _Stopped(PluginError):
    """The plugin was stopped in the middle of it. Why is known, and counted."""


class OwnTasks:
    """One plugin's way to start tasks of the kinds it has declared. See `context.PluginTasks`."""

    def __init__(self, plugin: str, kinds: Collection[str], desk: TaskStarter) -> None:
        self._plugin = plugin
        self._kinds = frozenset(kinds)
        self._desk = desk

    async def start(
        self, kind: str, title: str, arguments: Mapping[str, Any], viewer: Viewer | None = None
    ) -> TaskId:
        """Start a task.

        Raises:
            PluginError: the plugin has not declared this kind, or the arguments are no JSON.
        """
        if kind not in self._kinds:
            raise PluginError(
                f"{self._plugin} has not declared the task {kind!r}.",
                fix="Return it from the hook background_tasks.",
            )
        wallet = viewer.wallet if viewer else None
        return await self._desk.start(f"{self._plugin}.{kind}", title, arguments, wallet)


class PluginWork:
    """Has a registry's plugins do their background tasks. It keeps no state: make one anywhere."""

    def __init__(self, registry: PluginRegistry) -> None:
        self._registry = registry

    async def run(self, kind: str, progress: TaskProgress) -> TaskResult:
        """Do a task `<plugin>.<kind>` to its end. A handler that is cancelled has a moment to clean up.

        Raises:
            InvalidValue, AccessRefused, NotFound, ChainError: the plugin says why it cannot be done.
            PluginError: the plugin is gone, does not run, or made a mistake.
        """
        name, _, word = kind.partition(".")
        plugin = self._running(name)
        task = self._declared(plugin, word)
        try:
            return _checked(await self._done(plugin, task, progress))
        except (*_FOR_PEOPLE, _Stopped):
            raise
        except Exception as error:
            plugin.blame(f"the task {word}", error)
            raise PluginError(
                f"The plugin {name} made a mistake and could not finish this.", fix=_LOOK
            ) from error

    async def _done(self, plugin: Plugin, task: BackgroundTask, progress: TaskProgress) -> TaskResult:
        if plugin.context is None or plugin.bridge is None:
            raise PluginError("is not running")
        work = task.handler(plugin.context, plugin.bridge.over(progress))
        doing = asyncio.create_task(
            plugin.finish(f"the task {task.kind}", work, self._registry.limits.stop), name=task.kind
        )
        try:
            return await _while_at_work(plugin, doing)
        finally:
            doing.cancel()
            await asyncio.wait({doing})

    def _running(self, name: str) -> Plugin:
        plugin = self._registry.plugin(name)
        if plugin is None:
            raise PluginError(
                f"The plugin {name}, which began this, is gone.",
                fix="Have it installed again, then start this anew.",
            )
        if plugin.status is not PluginStatus.RUNNING:
            raise PluginError(f"The plugin {name}, which began this, is not running.", fix=_LOOK)
        return plugin

    def _declared(self, plugin: Plugin, word: str) -> BackgroundTask:
        for task in plugin.declared.background_tasks:
            if task.kind == word:
                return task
        raise PluginError(
            f"This version of the plugin {plugin.name} no longer does this.",
            fix="Start it anew from its page.",
        )


async def _while_at_work(plugin: Plugin, doing: asyncio.Task[TaskResult]) -> TaskResult:
    """Wait for a task, but not for a plugin that was stopped: its thread may never answer."""
    thread = plugin.thread
    while not doing.done() and plugin.thread is thread:
        await asyncio.wait({doing}, timeout=_EVERY)
    error = doing.exception() if doing.done() else None
    stopped = plugin.thread is not thread or plugin.status is not PluginStatus.RUNNING
    if stopped and (error or not doing.done()):
        raise _Stopped(f"The plugin {plugin.name} was stopped before it could finish this.", fix=_LOOK)
    return doing.result()


def _checked(result: TaskResult) -> TaskResult:
    if not isinstance(result, TaskResult):
        raise PluginError(f"a task must return a TaskResult, not {type(result).__name__}")
    if not _PATH.fullmatch(result.link):
        raise PluginError(f"the result's link {result.link!r} is not a path on this server")
    return result
