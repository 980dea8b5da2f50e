"""Start a plugin in its own process, and answer what it asks the server: what its context offers, no more."""

from __future__ import annotations

import asyncio
import inspect
import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from wylloh_server.domain.errors import PluginError
from wylloh_server.domain.plugin_scopes import ScopedTasks, ScopedTransactions
from wylloh_server.domain.ports.plugin_services import PluginChain, PluginLibrary
from wylloh_server.plugins.isolation.plugin_process import PluginProcess
from wylloh_server.plugins.isolation.remote_errors import rebuild_error, shortened

if TYPE_CHECKING:
    from wylloh_server.domain.plugin_limits import Limits
    from wylloh_server.plugins.context import PluginContext
    from wylloh_server.plugins.isolation.remote_plugin import RemotePlugin
    from wylloh_server.plugins.state import Plugin

_OFFERED = {
    target: frozenset(
        name
        for name, function in inspect.getmembers(kind, inspect.iscoroutinefunction)
        if not name.startswith("_")
    )
    for target, kind in {
        "library": PluginLibrary,
        "chain": PluginChain,
        "transactions": ScopedTransactions,
        "tasks": ScopedTasks,
    }.items()
}
"""What a process may ask of a context, by its attributes."""


async def start_process(
    plugin: Plugin, remote: RemotePlugin, context: PluginContext, limits: Limits, *, migrate: bool
) -> None:
    """Have the process that imported a plugin start it: its tables, then its context.

    Raises:
        PluginError: its tables could not be brought up to date, or its process ended.
        Exception: what it raised when it was imported again.
    """
    process = PluginProcess(
        await remote.take(),
        folder=plugin.candidate.folder,
        hang=limits.hang,
        hung=plugin.hang,
        died=plugin.restart_after_end,
        answer=partial(_answer, context),
        heard=partial(_hear, plugin, context),
    )
    plugin.thread = remote.process = process
    await process.open()
    given = {
        "settings": dict(plugin.settings),
        "server": context.server,
        "contracts": context.chain.contracts,
        "explorer": context.chain.explorer,
        "migrate": migrate,
    }
    try:
        async with asyncio.timeout(limits.migrate):
            await process.ask("start", given)
    except TimeoutError:
        raise PluginError(
            f"Its migrations took longer than {limits.migrate:g} s. The data is as it was."
        ) from None


async def _answer(context: PluginContext, method: str, arguments: tuple[Any, ...]) -> object:
    target, _, name = method.partition(".")
    if name not in _OFFERED.get(target, ()):
        raise PluginError(f"The server does not offer {method} to plugins.")
    given, named = arguments
    return await getattr(getattr(context, target), name)(*given, **named)


def _hear(plugin: Plugin, context: PluginContext, method: str, arguments: tuple[Any, ...]) -> None:
    """Do what the process says. What is wrong with it is a failure of the plugin."""
    try:
        match method:
            case "emit":
                _emit(plugin, context, *arguments)
            case "log":
                level, text = arguments
                plugin.log.log(min(int(level), logging.CRITICAL), shortened(text))
            case "changed":
                topics, wallet = arguments
                context.live.changed(*topics, wallet=wallet)
            case "notify":
                context.live.notify(*arguments)
            case "stray":
                plugin.record_failure("a task of its own", rebuild_error(*arguments))
            case _:
                plugin.log.warning("its process says what the server does not know", method=method)
    except Exception as error:  # noqa: BLE001 - a process may say anything
        plugin.record_failure("what it says", error)


def _emit(plugin: Plugin, context: PluginContext, name: str, fields: dict[str, Any]) -> None:
    kind = next((one for one in plugin.declared.event_types if one.__name__ == name), None)
    if kind is None:
        raise PluginError(f"{plugin.name} has not declared the event {name}.")
    context.emit(kind(**fields))
