"""Starts and stops one plugin."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import PluginError
from wylloh_server.hooks._calls import answered, invoke
from wylloh_server.hooks._lifespan import Lifespan
from wylloh_server.hooks._queue import EventQueue
from wylloh_server.hooks.context import PluginContext
from wylloh_server.hooks.live import OwnTopics
from wylloh_server.hooks.records import PluginStatus
from wylloh_server.hooks.tasks import OwnTasks

if TYPE_CHECKING:
    from wylloh_server.domain.events import Event
    from wylloh_server.hooks.context import PluginServices
    from wylloh_server.hooks.limits import Limits
    from wylloh_server.hooks.records import Plugin


async def start_plugin(plugin: Plugin, services: PluginServices, limits: Limits) -> None:
    """Bring a loaded plugin to life: its tables, its context, its `lifespan`, its queue. Never raises."""
    try:
        await answered(_come_up(plugin, services, limits), limits.start)
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything
        plugin.queue = None
        plugin.fail(f"It could not start: {_told(error)}", error)
        return
    plugin.status = PluginStatus.RUNNING
    if plugin.queue is not None:
        plugin.queue.start()


async def stop_plugin(plugin: Plugin, limits: Limits) -> None:
    """Let a plugin hear the rest of its queue, then run the second half of its `lifespan`. Never raises."""
    if plugin.queue is not None:
        await plugin.queue.stop(limits.stop)
    plugin.status = PluginStatus.LOADED
    try:
        if plugin.lifespan is not None:
            await plugin.lifespan.stop(limits.stop)
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything
        plugin.blame("lifespan", error)


async def _come_up(plugin: Plugin, services: PluginServices, limits: Limits) -> None:
    if plugin.declared.migrations:
        await services.database.migrate(plugin.name, plugin.declared.migrations)
    plugin.context = _context(plugin, services)
    plugin.queue = _queue(plugin, limits)
    plugin.lifespan = _lifespan(plugin)
    if plugin.lifespan is not None:
        await plugin.lifespan.start()


def _context(plugin: Plugin, services: PluginServices) -> PluginContext:
    def emit(event: Event) -> None:
        if type(event) not in plugin.declared.event_types:
            raise PluginError(
                f"{plugin.name} has not declared the event {type(event).__name__}.",
                fix="Return it from the hook event_types.",
            )
        services.publish(event)

    return PluginContext(
        name=plugin.name,
        settings=plugin.settings,
        log=plugin.log,
        tables=services.database.tables(plugin.name),
        library=services.library,
        emit=emit,
        chain=services.chain,
        tasks=OwnTasks(plugin.name, [task.kind for task in plugin.declared.background_tasks], services.tasks),
        live=OwnTopics(plugin.name, services.live),
    )


def _queue(plugin: Plugin, limits: Limits) -> EventQueue | None:
    implementation = plugin.hooks.get("on_event")
    if implementation is None:
        return None
    return EventQueue(
        lambda event: invoke(implementation, context=plugin.context, event=event),
        size=limits.queue,
        seconds=limits.event,
        blame=plugin.blame,
    )


def _lifespan(plugin: Plugin) -> Lifespan | None:
    implementation = plugin.hooks.get("lifespan")
    return Lifespan(partial(invoke, implementation, context=plugin.context)) if implementation else None


def _told(error: BaseException) -> str:
    return str(error) if isinstance(error, PluginError) else f"{type(error).__name__}: {error}"
