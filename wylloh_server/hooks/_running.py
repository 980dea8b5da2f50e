"""Starts and stops one plugin, and puts away one that has to be stopped."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import PluginError
from wylloh_server.hooks._bridge import Bridge
from wylloh_server.hooks._calls import invoke
from wylloh_server.hooks._conduct import Conduct
from wylloh_server.hooks._lifespan import Lifespan
from wylloh_server.hooks._outbox import Outbox
from wylloh_server.hooks._queue import EventQueue
from wylloh_server.hooks._thread import PluginThread
from wylloh_server.hooks.context import PluginContext
from wylloh_server.hooks.live import OwnTopics
from wylloh_server.hooks.records import PluginStatus
from wylloh_server.hooks.tasks import OwnTasks
from wylloh_server.hooks.transactions import OwnTransactions

if TYPE_CHECKING:
    from collections.abc import Callable

    from wylloh_server.domain.events import Event
    from wylloh_server.hooks.context import PluginServices
    from wylloh_server.hooks.limits import Limits
    from wylloh_server.hooks.records import Plugin


async def start_plugin(plugin: Plugin, services: PluginServices, limits: Limits) -> None:
    """Bring a loaded plugin to life: its tables, its thread, its `lifespan`, its queue. Never raises."""
    try:
        await _come_up(plugin, services, limits)
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything
        plugin.fail(f"It could not start: {_told(error)}", error)
        await _put_away(plugin, limits)
        return
    plugin.status = PluginStatus.RUNNING
    if plugin.queue is not None:
        plugin.queue.start()
    if plugin.doomed:
        plugin.halt(plugin.doomed)


async def stop_plugin(plugin: Plugin, limits: Limits) -> None:
    """Let a plugin hear the rest of its queue, then run the second half of its `lifespan`. Never raises."""
    if plugin.queue is not None:
        await plugin.queue.stop(limits.stop)
    plugin.status = PluginStatus.LOADED
    await _put_away(plugin, limits)


async def _put_away(plugin: Plugin, limits: Limits) -> None:
    """End everything of a plugin that does not run any more. Never raises, never waits for long."""
    if plugin.outbox is not None:
        plugin.outbox.close()
    if plugin.queue is not None:
        await plugin.queue.stop(0)
    if plugin.thread is None:
        return
    if plugin.lifespan is not None and plugin.lifespan_begun and not plugin.thread.stuck:
        try:
            await plugin.ask("lifespan", plugin.lifespan.stop(), limits.stop)
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything
            plugin.blame("lifespan", error)
    if not await plugin.thread.stop(limits.stop):
        plugin.log.warning("the plugin's thread does not come back; it is left alone")
    plugin.thread = None
    if plugin.bridge is not None:
        await plugin.bridge.close()


async def _come_up(plugin: Plugin, services: PluginServices, limits: Limits) -> None:
    plugin.conduct = Conduct(limits)
    plugin.on_halt = partial(_end_soon, plugin, limits)
    await _prepare_tables(plugin, services, limits)
    plugin.thread = _thread(plugin, limits)
    plugin.bridge = Bridge()
    plugin.outbox = Outbox(
        services.publish,
        most=limits.emitted,
        flooded=lambda: plugin.halt(f"It emitted more than {limits.emitted:,} events within a minute."),
    )
    plugin.context = _context(plugin, services, plugin.bridge, plugin.outbox)
    plugin.queue = _queue(plugin, limits)
    await _begin_lifespan(plugin, limits)


async def _prepare_tables(plugin: Plugin, services: PluginServices, limits: Limits) -> None:
    database, migrations = services.database, plugin.declared.migrations
    if migrations:
        try:
            await asyncio.wait_for(database.migrate(plugin.name, migrations), limits.migrate)
        except TimeoutError:
            raise PluginError(
                f"Its migrations took longer than {limits.migrate:g} s. The data is as it was."
            ) from None
    strays = await database.strays(plugin.name, migrations)
    if strays:
        raise PluginError(leaked(strays), fix="Drop them, or ask the plugin's author.")


def leaked(tables: tuple[str, ...]) -> str:
    """Say which tables nobody accounts for."""
    return f"There are tables under its name that its migrations did not make: {', '.join(tables)}."


def _thread(plugin: Plugin, limits: Limits) -> PluginThread:
    def hung(where: str) -> None:
        plugin.halt(f"It hangs: {where} took too long and did not end when it was called off.")

    return PluginThread(
        plugin.name, patience=limits.hang, hung=hung, stray=partial(plugin.blame, "a task of its own")
    )


def _end_soon(plugin: Plugin, limits: Limits) -> None:
    plugin.ending = asyncio.get_running_loop().create_task(_put_away(plugin, limits))


def _context(plugin: Plugin, services: PluginServices, bridge: Bridge, outbox: Outbox) -> PluginContext:
    """Make the context. What the server's ports do, they do on the server's loop."""
    return PluginContext(
        name=plugin.name,
        settings=plugin.settings,
        log=plugin.log,
        tables=bridge.over(services.database.tables(plugin.name)),
        library=bridge.over(services.library),
        emit=_emitter(plugin, outbox),
        chain=bridge.over(services.chain),
        transactions=OwnTransactions(plugin.name, bridge.over(services.transactions)),
        tasks=OwnTasks(
            plugin.name,
            [task.kind for task in plugin.declared.background_tasks],
            bridge.over(services.tasks),
        ),
        live=OwnTopics(plugin.name, bridge.over(services.live)),
    )


def _emitter(plugin: Plugin, outbox: Outbox) -> Callable[[Event], None]:
    def emit(event: Event) -> None:
        if type(event) not in plugin.declared.event_types:
            raise PluginError(
                f"{plugin.name} has not declared the event {type(event).__name__}.",
                fix="Return it from the hook event_types.",
            )
        outbox.put(event)

    return emit


def _queue(plugin: Plugin, limits: Limits) -> EventQueue | None:
    implementation = plugin.hooks.get("on_event")
    if implementation is None:
        return None

    async def listen(event: Event) -> None:
        work = invoke(implementation, context=plugin.context, event=event)
        await plugin.ask(f"on_event({type(event).__name__})", work, limits.event)

    return EventQueue(listen, size=limits.queue, blame=plugin.blame)


async def _begin_lifespan(plugin: Plugin, limits: Limits) -> None:
    implementation = plugin.hooks.get("lifespan")
    if implementation is None:
        return
    plugin.lifespan = Lifespan(partial(invoke, implementation, context=plugin.context))
    await plugin.ask("lifespan", plugin.lifespan.start(), limits.start)
    plugin.lifespan_begun = True


def _told(error: BaseException) -> str:
    if isinstance(error, PluginError):
        return " ".join(filter(None, (str(error), error.fix)))
    return f"{type(error).__name__}: {error}"
