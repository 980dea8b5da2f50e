"""Start and stop one plugin."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from wylloh_server.domain.error_location import located
from wylloh_server.domain.errors import PluginError
from wylloh_server.domain.plugin_record import PluginStatus
from wylloh_server.domain.plugin_scopes import ScopedTasks, ScopedTopics, ScopedTransactions
from wylloh_server.plugins.context import PluginContext
from wylloh_server.plugins.event_emitter import EventEmitter, EventQueue, declared_only
from wylloh_server.plugins.guarded_call import PluginBusy, PluginThread, contain_exit
from wylloh_server.plugins.isolation.process_start import start_process
from wylloh_server.plugins.loop_proxy import LoopProxy
from wylloh_server.plugins.state import PlaceClosed, Plugin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from wylloh_server.domain.events import Event
    from wylloh_server.domain.plugin_limits import Limits
    from wylloh_server.plugins.context import PluginServices


class Lifespan:
    """Run an async generator function up to its `yield`, and the rest later, in the plugin's thread.

    Both halves run in one task, because a task group or a timeout must be closed by the task that opened it.

    Attributes:
        state: what the generator yielded; None before.
    """

    def __init__(self, function: Callable[[], AsyncIterator[object]]) -> None:
        self.state: object = None
        self._context = asynccontextmanager(function)
        self._ready = asyncio.Event()
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Run the first half. Raises what it raises."""
        self._task = asyncio.create_task(contain_exit(self._run()))
        self._task.add_done_callback(lambda _: self._ready.set())
        try:
            await self._ready.wait()
        except asyncio.CancelledError:
            self._task.cancel()
            raise
        if self._task.done():
            self._task.result()

    async def stop(self) -> None:
        """Run the second half. Raises what it raises; cancelling this call cancels it."""
        self._stop.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        async with self._context() as self.state:
            self._ready.set()
            await self._stop.wait()


async def start_plugin(
    plugin: Plugin, services: PluginServices, limits: Limits, *, migrate: bool = True
) -> None:
    """Start a loaded plugin: its tables, its thread, its `lifespan`, its event queue. Never raises.

    One that takes its place back from newer code starts without `migrate`.
    """
    try:
        plugin.on_hang = partial(_start_again_soon, plugin, services, limits)
        await services.place_tables(plugin.name, plugin.remote is not None)
        if migrate and plugin.remote is None:
            await _migrate(plugin, services, limits)
        await _start(plugin, services, limits, migrate=migrate)
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything
        plugin.fail(f"It could not start: {_message(plugin, error)}", error)
        await _release(plugin, limits)
        return
    plugin.status, plugin.reason = PluginStatus.RUNNING, ""
    if plugin.queue is not None:
        plugin.queue.start()
    if plugin.stop_on_start:
        plugin.stop(plugin.stop_on_start)


async def stop_plugin(plugin: Plugin, limits: Limits) -> None:
    """Handle the queued events, then run the second half of `lifespan`. Never raises."""
    if plugin.queue is not None:
        await plugin.queue.stop(limits.stop)
    plugin.status = PluginStatus.LOADED
    await _release(plugin, limits)


async def _release(plugin: Plugin, limits: Limits) -> None:
    """End everything that runs of a plugin. Never raises, and never waits long."""
    if plugin.emitter is not None:
        plugin.emitter.close()
    if plugin.queue is not None:
        await plugin.queue.stop(0)
    if plugin.thread is None:
        return
    if plugin.lifespan is not None and not plugin.thread.blocked:
        try:
            await plugin.call("lifespan", plugin.lifespan.stop(), limits.stop)
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything
            plugin.record_failure("lifespan", error)
    if not await plugin.thread.stop(limits.stop):
        plugin.log.warning("the plugin's thread does not end; the server no longer waits for it")
    plugin.thread = None
    if plugin.remote is not None:
        plugin.remote.process = None
    if plugin.proxy is not None:
        await plugin.proxy.close()


async def _start(plugin: Plugin, services: PluginServices, limits: Limits, *, migrate: bool) -> None:
    plugin.on_stop = partial(_release_soon, plugin, limits)
    plugin.proxy = LoopProxy()
    plugin.emitter = EventEmitter(
        services.publish,
        most=limits.emitted,
        flooded=lambda: plugin.stop(f"It emitted more than {limits.emitted:,} events within a minute."),
    )
    plugin.context = _context(plugin, services, plugin.proxy, plugin.emitter)
    if plugin.remote is None:
        plugin.thread = _thread(plugin, limits)
    else:
        await start_process(plugin, plugin.remote, plugin.context, limits, migrate=migrate)
    plugin.queue = _queue(plugin, limits)
    await _start_lifespan(plugin, plugin.context, limits)


def _thread(plugin: Plugin, limits: Limits) -> PluginThread:
    return PluginThread(
        plugin.name,
        folder=plugin.candidate.folder,
        hang=limits.hang,
        hung=plugin.hang,
        stray=partial(plugin.record_failure, "a task of its own"),
    )


async def _migrate(plugin: Plugin, services: PluginServices, limits: Limits) -> None:
    migrations = plugin.declared.migrations
    if not migrations:
        return
    try:
        async with asyncio.timeout(limits.migrate):
            await services.migrate(plugin.name, migrations)
    except TimeoutError:
        raise PluginError(
            f"Its migrations took longer than {limits.migrate:g} s. The data is as it was."
        ) from None


def _release_soon(plugin: Plugin, limits: Limits) -> None:
    plugin.stopping = asyncio.get_running_loop().create_task(_release(plugin, limits))


def _start_again_soon(plugin: Plugin, services: PluginServices, limits: Limits) -> None:
    plugin.stopping = asyncio.get_running_loop().create_task(_start_again(plugin, services, limits))


async def _start_again(plugin: Plugin, services: PluginServices, limits: Limits) -> None:
    """Start a plugin in another thread, as it was loaded, or in another process.

    What hung goes on in the old thread, if it must.
    """
    await _release(plugin, limits)
    plugin.lifespan = None
    await start_plugin(plugin, services, limits, migrate=False)


def _context(
    plugin: Plugin, services: PluginServices, proxy: LoopProxy, emitter: EventEmitter
) -> PluginContext:
    """Return the plugin's context. The server's parts of it run on the server's loop."""
    kinds = frozenset(task.kind for task in plugin.declared.background_tasks)
    return PluginContext(
        name=plugin.name,
        settings=plugin.settings,
        log=plugin.log,
        tables=proxy.wrap(services.tables(plugin.name)),
        library=proxy.wrap(services.library),
        emit=declared_only(plugin.name, plugin.declared.event_types, emitter.put),
        chain=proxy.wrap(services.chain),
        transactions=ScopedTransactions(plugin.name, proxy.wrap_function(services.propose)),
        tasks=ScopedTasks(plugin.name, kinds, proxy.wrap_function(services.start_task)),
        live=ScopedTopics(
            plugin.name, proxy.wrap_function(services.changed), proxy.wrap_function(services.notify)
        ),
        server=services.server,
    )


def _queue(plugin: Plugin, limits: Limits) -> EventQueue | None:
    implementation = plugin.hooks.get("on_event")
    if implementation is None:
        return None

    async def listen(event: Event) -> None:
        where = _place(event)
        while plugin.thread is not None:
            await plugin.thread.free.wait()  # one slow event loses no other
            plugin.check_open(where)
            with contextlib.suppress(PluginBusy):
                work = implementation(context=plugin.context, event=event)
                await plugin.call(where, work, limits.event)
                return

    def failed(event: Event, error: BaseException) -> str:
        if isinstance(error, PlaceClosed):
            return "it failed again and again"
        plugin.record_failure(_place(event), error)
        return "it took too long" if isinstance(error, TimeoutError) else "it failed"

    return EventQueue(listen, size=limits.queue, failed=failed)


def _place(event: Event) -> str:
    return f"on_event({type(event).__name__})"


async def _start_lifespan(plugin: Plugin, context: PluginContext, limits: Limits) -> None:
    implementation = plugin.hooks.get("lifespan")
    if implementation is None:
        return
    lifespan = Lifespan(partial(implementation, context=context))
    await plugin.call("lifespan", lifespan.start(), limits.start)
    plugin.lifespan = lifespan
    plugin.context = replace(context, state=lifespan.state)


def _message(plugin: Plugin, error: BaseException) -> str:
    if isinstance(error, PluginError):
        return " ".join(filter(None, (str(error), error.fix)))
    return located(error, plugin.candidate.folder)
