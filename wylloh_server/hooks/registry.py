"""The plugins of one server: loaded, started, stopped, and accounted for."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING

import pluggy

from wylloh_server.domain.errors import InvalidValue, NotFound, PluginError, SettingsError, WyllohError
from wylloh_server.hooks._loading import load_plugin
from wylloh_server.hooks._running import leaked, start_plugin, stop_plugin
from wylloh_server.hooks._settings import settings_of
from wylloh_server.hooks.declarations import MountedRoute
from wylloh_server.hooks.discovery import discovered
from wylloh_server.hooks.limits import Limits
from wylloh_server.hooks.records import Plugin, PluginRecord, PluginStatus
from wylloh_server.hooks.spec import PROJECT, Hooks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping
    from importlib.metadata import EntryPoint
    from pathlib import Path

    from wylloh_server.domain.events import Event
    from wylloh_server.hooks._queue import EventQueue
    from wylloh_server.hooks.context import PluginServices
    from wylloh_server.hooks.declarations import Setting
    from wylloh_server.hooks.discovery import Candidate


_LIMITS = Limits()
_IDLE = (PluginStatus.STOPPED, PluginStatus.FAILED)


class PluginRegistry:
    """One server's plugins. Build it, `load()`, then enter `running()`. No plugin makes it raise.

    Args:
        path: folders whose sub-folders are plugins.
        disabled: names of plugins not to import.
        settings: what the settings file says for each plugin.
        points: entry points to load; None takes those of the installed packages.
        candidates: what to load instead of all these.
    """

    def __init__(
        self,
        *,
        path: Iterable[Path] = (),
        disabled: Collection[str] = (),
        settings: Mapping[str, Mapping[str, object]] = MappingProxyType({}),
        limits: Limits = _LIMITS,
        points: Iterable[EntryPoint] | None = None,
        candidates: Iterable[Candidate] | None = None,
    ) -> None:
        self.limits = limits
        self._path = tuple(path)
        self._disabled = frozenset(disabled)
        self._settings = settings
        self._points = points
        self._candidates = candidates
        self._plugins: list[Plugin] = []
        self._services: PluginServices | None = None
        self._restarting = asyncio.Lock()
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(Hooks)

    def load(self) -> None:
        """Import every plugin and collect its declarations. A broken one becomes a record."""
        found = discovered(self._path, self._points) if self._candidates is None else self._candidates
        for candidate in found:
            plugin = _new(candidate)
            if candidate.name in self._disabled:
                plugin.status, plugin.reason = PluginStatus.DISABLED, "Disabled in the settings."
            else:
                self._load(plugin, self.plugin(plugin.name))
            self._plugins.append(plugin)

    def _load(self, plugin: Plugin, other: Plugin | None) -> None:
        try:
            load_plugin(self._manager, plugin, other, self.limits.load)
            plugin.settings = settings_of(
                plugin.name, plugin.declared.settings, self._settings.get(plugin.name, {})
            )
        except (PluginError, SettingsError) as error:
            plugin.fail(" ".join(filter(None, (str(error), error.fix))))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - importing a plugin may raise anything
            plugin.fail(f"It could not be loaded: {type(error).__name__}: {error}", error)

    @asynccontextmanager
    async def running(self, services: PluginServices) -> AsyncIterator[None]:
        """Start every loaded plugin; stop them in reverse order when the context ends."""
        self._services = services
        loaded = self._with(PluginStatus.LOADED)
        await asyncio.gather(*(start_plugin(plugin, services, self.limits) for plugin in loaded))
        patrol = asyncio.create_task(self._patrol(services))
        try:
            yield
        finally:
            patrol.cancel()
            await asyncio.wait({patrol})
            for plugin in reversed(self._with(PluginStatus.RUNNING)):
                await stop_plugin(plugin, self.limits)
            await asyncio.gather(*(plugin.ending for plugin in self._plugins if plugin.ending))

    async def _patrol(self, services: PluginServices) -> None:
        """Look again and again whether there are tables that no migration made."""
        while True:
            await asyncio.sleep(self.limits.patrol)
            for plugin in self.at_work():
                try:
                    strays = await services.database.strays(plugin.name, plugin.declared.migrations)
                except WyllohError as error:
                    plugin.log.warning("its tables cannot be looked at", error=str(error))
                    continue
                if strays:
                    plugin.halt(leaked(strays))

    async def start_again(self, name: str) -> PluginRecord:
        """Load the code of a plugin anew that was stopped, or could not start, and start it.

        Its addresses stay those that were mounted when the server started.

        Raises:
            NotFound: there is no such plugin.
            InvalidValue: it is running, or disabled.
        """
        async with self._restarting:
            old = self._idle(name)
            if old.ending is not None:
                await old.ending
            fresh = _new(old.candidate)
            self._manager.unregister(name=name)
            old.candidate.forget()
            self._plugins[self._plugins.index(old)] = fresh
            await asyncio.to_thread(self._load, fresh, None)
            if fresh.status is PluginStatus.LOADED and self._services is not None:
                await start_plugin(fresh, self._services, self.limits)
            return fresh.record()

    def switch_off(self, name: str) -> PluginRecord:
        """Leave a plugin that was stopped, or could not start, out of everything until the next start.

        It has no vote any more, so what it locked is open.

        Raises:
            NotFound: there is no such plugin.
            InvalidValue: it is running, or disabled.
        """
        plugin = self._idle(name)
        plugin.status = PluginStatus.DISABLED
        plugin.reason = "Switched off until the server starts again."
        return plugin.record()

    def _idle(self, name: str) -> Plugin:
        plugin = self.plugin(name)
        if plugin is None:
            raise NotFound(f"There is no plugin {name} here.", fix="Reload the page.")
        if plugin.status not in _IDLE:
            raise InvalidValue(f"The plugin {name} is {plugin.status}.", fix="Reload the page.")
        return plugin

    def records(self) -> tuple[PluginRecord, ...]:
        """Give the state of every plugin, by name."""
        return tuple(plugin.record() for plugin in sorted(self._plugins, key=lambda plugin: plugin.name))

    def routes(self) -> tuple[MountedRoute, ...]:
        """Give every route to mount. Known after `load()`; answered through `Dispatch.answer`.

        Those of a plugin that fails to start stay, so that their answer says so.
        """
        return tuple(
            MountedRoute(plugin.name, route) for plugin in self._plugins for route in plugin.declared.routes
        )

    def template_dirs(self) -> dict[str, tuple[Path, ...]]:
        """Give each plugin's template folders; its templates are called `<plugin>/<file>`."""
        return {
            item.name: item.declared.template_dirs for item in self._plugins if item.declared.template_dirs
        }

    def static_dirs(self) -> dict[str, tuple[Path, ...]]:
        """Give each plugin's folders of files to serve below `/plugins/<plugin>/static/`."""
        return {item.name: item.declared.static_dirs for item in self._plugins if item.declared.static_dirs}

    def settings(self) -> dict[str, tuple[Setting, ...]]:
        """Give each plugin's declared settings."""
        return {item.name: item.declared.settings for item in self._plugins if item.declared.settings}

    def plugin(self, name: str) -> Plugin | None:
        """Find a plugin by name."""
        return next((plugin for plugin in self._plugins if plugin.name == name), None)

    def at_work(self) -> tuple[Plugin, ...]:
        """Give the plugins that run."""
        return tuple(self._with(PluginStatus.RUNNING))

    def implementations(self, hook: str) -> Iterator[tuple[Plugin, pluggy.HookImpl]]:
        """Give the running plugins' implementations of a hook, in pluggy's order."""
        caller: pluggy.HookCaller = getattr(self._manager.hook, hook)
        for implementation in reversed(caller.get_hookimpls()):
            plugin = self.plugin(implementation.plugin_name)
            if plugin is not None and plugin.status is PluginStatus.RUNNING:
                yield plugin, implementation

    def silenced(self) -> tuple[Plugin, ...]:
        """Give the plugins that have a say in who may watch, and cannot say it."""
        return tuple(plugin for plugin in self._with(*_IDLE) if plugin.votes)

    def publish(self, event: Event) -> None:
        """Queue an event for every plugin that listens. Never blocks, never raises."""
        for plugin in self._alive():
            if plugin.queue is not None and not plugin.queue.put(event):
                self._dropped(plugin, plugin.queue)

    def _dropped(self, plugin: Plugin, queue: EventQueue) -> None:
        if queue.dropped == 1:
            plugin.log.warning("events are dropped: the queue is full", size=self.limits.queue)
        if queue.missed > self.limits.missed:
            plugin.halt(f"Its queue flooded: it missed {queue.missed:,} events while it heard a single one.")

    async def settled(self) -> None:
        """Wait until every event was told and heard; for tests."""
        await asyncio.gather(*(plugin.outbox.told() for plugin in self._alive() if plugin.outbox))
        await asyncio.gather(*(plugin.queue.settled() for plugin in self._alive() if plugin.queue))

    def _with(self, *statuses: PluginStatus) -> list[Plugin]:
        return [plugin for plugin in self._plugins if plugin.status in statuses]

    def _alive(self) -> list[Plugin]:
        return self._with(PluginStatus.LOADED, PluginStatus.RUNNING)


def _new(candidate: Candidate) -> Plugin:
    return Plugin(candidate.name, candidate.version, candidate.module, candidate)
