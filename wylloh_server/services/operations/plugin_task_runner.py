"""Run the background tasks of plugins."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import PluginError
from wylloh_server.domain.plugin_pages import LOCAL_PATH
from wylloh_server.domain.plugin_record import PluginStatus
from wylloh_server.domain.task import TaskProgress, TaskResult
from wylloh_server.plugins.dispatch import FOR_PEOPLE, SEE_ADMIN_PAGE, recording

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from typing import Any

    from wylloh_server.domain.access import Role
    from wylloh_server.domain.types import Wallet
    from wylloh_server.plugins.plugin_registry import PluginRegistry
    from wylloh_server.plugins.state import Plugin
    from wylloh_server.services.operations.task_run import TaskRun

    RoleOf = Callable[[Wallet], Awaitable[Role | None]]

_CHECK_SECONDS = 0.5
"""Interval of the checks whether the plugin of a task has been stopped."""
_MOST_CALLS = 10
"""How often a handler is called in all, if its plugin is started again each time before it has ended."""


class PluginTaskRunner:
    """Runs the background tasks of a registry's plugins. Keeps no state; `role_of` is who may do what now."""

    def __init__(self, registry: PluginRegistry, role_of: RoleOf) -> None:
        self._registry = registry
        self._role_of = role_of

    async def run(self, run: TaskRun) -> TaskResult:
        """Run a plugin's task to its end. A cancelled handler has `Limits.stop` to clean up.

        Where its plugin is started again meanwhile, the handler is called again with the same arguments.

        Raises:
            InvalidValue, AccessRefused, NotFound, ChainError: it cannot be done, and why.
            PluginError: the plugin is gone, does not run, or failed.
        """
        name, _, word = run.task.kind.partition(".")
        plugin = await self._when_ready(name)
        for _ in range(_MOST_CALLS - 1):
            try:
                return await self._call(plugin, name, word, run)
            except _TaskStopped:
                plugin = await self._when_ready(name)
                if plugin is None or not _may_call(plugin, word):
                    raise
        return await self._call(plugin, name, word, run)

    async def _when_ready(self, name: str) -> Plugin | None:
        """Return a plugin, when it is not being loaded or started again; None if there is none."""
        plugin = self._registry.plugin(name)
        if plugin is not None and plugin.loading is not None:
            await asyncio.shield(asyncio.wrap_future(plugin.loading))
        if plugin is not None and plugin.stopping is not None:
            await asyncio.wait({plugin.stopping})
        await self._registry.is_down(name)
        return self._registry.plugin(name)

    async def _call(self, plugin: Plugin | None, name: str, word: str, run: TaskRun) -> TaskResult:
        if plugin is None:
            raise PluginError(
                f"The plugin {name}, which began this, is gone.",
                fix="Have it installed again, then start this anew.",
            )
        context, proxy = plugin.context, plugin.proxy
        if plugin.status is not PluginStatus.RUNNING or context is None or proxy is None:
            raise PluginError(f"The plugin {name}, which began this, is not running.", fix=SEE_ADMIN_PAGE)
        handler = next((one.handler for one in plugin.declared.background_tasks if one.kind == word), None)
        if handler is None:
            raise PluginError(
                f"This version of the plugin {name} no longer does this.", fix="Start it anew from its page."
            )
        with recording(plugin, _place(word), (*FOR_PEOPLE, _TaskStopped), action="finish this"):
            wallet = run.task.wallet
            role = None if wallet is None else await self._role_of(wallet)
            progress = TaskProgress(run.arguments, wallet, proxy.wrap_function(run.update), role)
            work = handler(context, progress)
            return _checked_result(await self._run(plugin, word, work))

    async def _run(self, plugin: Plugin, kind: str, work: Coroutine[Any, Any, TaskResult]) -> TaskResult:
        """Wait for a task, unless its plugin is stopped: its thread may never answer."""
        thread = plugin.thread
        call = plugin.call(_place(kind), work, None, self._registry.limits.stop)
        running = asyncio.create_task(call, name=kind)
        try:
            while not running.done() and plugin.thread is thread:
                await asyncio.wait({running}, timeout=_CHECK_SECONDS)
            failed = not running.done() or running.exception() is not None
            if failed and (plugin.thread is not thread or plugin.status is not PluginStatus.RUNNING):
                raise _TaskStopped(
                    f"The plugin {plugin.name} was stopped before it could finish this.", fix=SEE_ADMIN_PAGE
                )
            return running.result()
        finally:
            running.cancel()
            await asyncio.wait({running})


class _TaskStopped(PluginError):
    """The plugin was stopped during the task; the reason is recorded."""


def _place(word: str) -> str:
    return f"the task {word}"


def _may_call(plugin: Plugin, word: str) -> bool:
    return plugin.status is PluginStatus.RUNNING and not plugin.failures.is_closed(_place(word))


def _checked_result(result: TaskResult) -> TaskResult:
    if not isinstance(result, TaskResult):
        raise PluginError(f"a task must return a TaskResult, not {type(result).__name__}")
    if result.link and not LOCAL_PATH.fullmatch(result.link):
        raise PluginError(f"the result's link {result.link!r} is not a path on this server")
    return result
