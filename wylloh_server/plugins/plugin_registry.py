"""The plugins of one server: load, start, stop and restart them, and list them."""

from __future__ import annotations

import asyncio
import difflib
import sys
from collections import defaultdict
from concurrent.futures import FIRST_COMPLETED, wait
from contextlib import asynccontextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from wylloh_server.domain.error_location import located
from wylloh_server.domain.errors import InvalidValue, NotFound, PluginError, SettingsError
from wylloh_server.domain.failure_counter import FailureCounter
from wylloh_server.domain.plugin_limits import Limits
from wylloh_server.domain.plugin_record import PluginRecord, PluginStatus
from wylloh_server.domain.plugin_settings import READ_AT_START, checked_settings
from wylloh_server.plugins.declarations import MountedRoute
from wylloh_server.plugins.event_emitter import QUEUE_FULL
from wylloh_server.plugins.guarded_call import in_background
from wylloh_server.plugins.isolation.remote_plugin import RemotePlugin
from wylloh_server.plugins.lifecycle import start_plugin, stop_plugin
from wylloh_server.plugins.loading import Declared, absent, absent_voters, discovered, load_plugin, unload
from wylloh_server.plugins.state import Plugin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping
    from importlib.metadata import EntryPoint
    from pathlib import Path
    from types import ModuleType

    from wylloh_server.domain.events import Event
    from wylloh_server.domain.plugin_settings import Setting
    from wylloh_server.plugins.context import PluginServices
    from wylloh_server.plugins.event_emitter import EventQueue
    from wylloh_server.plugins.hook import Hook
    from wylloh_server.plugins.isolation.plugin_process import Spawn
    from wylloh_server.plugins.loading import Candidate

_LIMITS = Limits()
_IDLE, _GOES_BACK = (PluginStatus.STOPPED, PluginStatus.FAILED), (PluginStatus.RUNNING, PluginStatus.DISABLED)


class PluginRegistry:
    """The plugins of one server. Create it, `load()`, then enter `running()`. No plugin makes it raise.

    Args:
        path: folders whose sub-folders are plugins.
        disabled: names of plugins that are not imported.
        settings: the settings of each plugin in the settings file.
        points: entry points to load; None for those of the installed packages.
        candidates: plugins to load instead of these.
        spawner: returns what starts the process of a plugin that is to have one of its own; None for others.
        voters: plugins that had a say in who may watch when the server ran last.

    Attributes:
        listeners: called when plugins were loaded after the start, with what they have on disk.
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
        voters: Collection[str] = (),
        spawner: Callable[[Candidate], Spawn | None] = lambda _: None,
    ) -> None:
        self.limits = limits
        self.listeners: list[Callable[[], None]] = []
        self._path = tuple(path)
        self._disabled = frozenset(disabled)
        self._settings = settings
        self._points = None if points is None else tuple(points)
        self._candidates = candidates
        self._voters = frozenset(voters)
        self._spawner = spawner
        self._plugins: list[Plugin] = []
        self._services: PluginServices | None = None
        self._restarting: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def load(self, patience: float | None = None) -> None:
        """Import all plugins side by side and collect their declarations. A broken one is marked as failed.

        Args:
            patience: return when no further one has been loaded for this time; None to wait for all.
        """
        self._plugins = [self._new(candidate) for candidate in self._found()]
        for plugin in self._plugins:
            other = self.plugin(plugin.name)
            if plugin.name in self._disabled:
                plugin.status, plugin.reason = PluginStatus.DISABLED, "Disabled in the settings."
                plugin.votes = False
            elif other is not None and other is not plugin:
                plugin.fail(
                    f"A plugin of this name is loaded from {other.candidate.module} already. This one is in "
                    f"{plugin.candidate.module}; remove one of them."
                )
            else:
                plugin.loading, _ = in_background(self._load, plugin)
        pending = {plugin.loading for plugin in self._plugins if plugin.loading}
        while pending:
            done, pending = wait(pending, patience, FIRST_COMPLETED)
            if not done:
                return

    def _found(self) -> tuple[Candidate, ...]:
        if self._candidates is not None:
            return tuple(self._candidates)
        found = discovered(self._path, self._points)
        return (*found, *absent(found, self._path, self._settings, self._voters))

    def _new(self, candidate: Candidate) -> Plugin:
        voted = candidate.votes or candidate.name in self._voters
        given = self._settings.get(candidate.name, {})
        counters = (
            FailureCounter(self.limits),
            FailureCounter(replace(self.limits, failures=self.limits.ends)),
        )
        spawn = self._spawner(candidate)
        remote = RemotePlugin(candidate, spawn, 2 * self.limits.load) if spawn else None
        return Plugin(candidate, *counters, candidate.version, given, votes=voted, remote=remote)

    def recall(self, voters: Collection[str]) -> None:
        """Hold plugins to the vote that they had when the server ran last, before they are started.

        One that is gone, or could not be loaded, denies until it is back or disabled.
        """
        self._voters |= frozenset(voters)
        here = {plugin.name for plugin in self._plugins}
        for plugin in self._plugins:
            if plugin.name in self._voters - self._disabled and not plugin.hooks:
                plugin.votes = True
        for candidate in absent_voters(self._voters - here - self._disabled):
            self._plugins.append(self._new(candidate))
            self._load(self._plugins[-1])

    def _load(self, plugin: Plugin) -> None:
        try:
            load_plugin(plugin, self.limits.load)
            self._refuse_misnamed_settings(plugin)
            plugin.settings = checked_settings(plugin.name, plugin.declared.settings, plugin.given)
            plugin.status = PluginStatus.LOADED
        except (PluginError, SettingsError) as error:
            plugin.fail(" ".join(filter(None, (str(error), error.fix))))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - importing a plugin may raise anything
            plugin.fail(f"It could not be loaded: {located(error, plugin.candidate.folder)}", error)

    def _refuse_misnamed_settings(self, plugin: Plugin) -> None:
        """Keep a plugin with a vote from running on its defaults if its settings are there, mistyped."""
        strange = set(self._settings) - {one.name for one in self._plugins if one.candidate.package}
        if plugin.votes and plugin.name not in self._settings:
            for name in difflib.get_close_matches(plugin.name, strange, 1, 0.7):
                said = f"plugins.settings.{name} names no plugin. Did you mean {plugin.name}?"
                raise SettingsError(said, fix=READ_AT_START)

    @asynccontextmanager
    async def running(self, services: PluginServices) -> AsyncIterator[None]:
        """Start every loaded plugin; stop them in reverse order when the context ends."""
        self._services = services
        # Read once: those that are still being loaded change while they are looked at.
        found = [(plugin, plugin.status) for plugin in self._plugins]
        late = [
            asyncio.create_task(self._start_late(plugin))
            for plugin, status in found
            if status is PluginStatus.LOADING
        ]
        loaded = [plugin for plugin, status in found if status is PluginStatus.LOADED]
        await asyncio.gather(*(start_plugin(plugin, services, self.limits) for plugin in loaded))
        try:
            yield
        finally:
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            # First: one that hung may be about to start again.
            await asyncio.gather(*(plugin.stopping for plugin in self._plugins if plugin.stopping))
            for plugin in reversed(self._with(PluginStatus.RUNNING)):
                await stop_plugin(plugin, self.limits)
            self.close()

    def close(self) -> None:
        """End the processes of plugins that were loaded and not started."""
        for plugin in self._plugins:
            plugin.close()

    async def _start_late(self, plugin: Plugin) -> None:
        if plugin.loading is not None:
            await asyncio.wrap_future(plugin.loading)
        async with self._restarting[plugin.name]:
            await self._start(plugin)

    async def _start(self, plugin: Plugin, *, migrate: bool = True) -> None:
        if plugin.status is PluginStatus.LOADED and self._services is not None:
            await start_plugin(plugin, self._services, self.limits, migrate=migrate)
        for listener in self.listeners:
            listener()

    async def restart(self, name: str, given: Mapping[str, object] | None = None) -> PluginRecord:
        """Load a plugin again, maybe with other settings, and start it in place of what runs or has failed.

        Raises:
            NotFound: there is no such plugin.
            InvalidValue: it is loading, or cannot be loaded; what ran before goes on, what was off stays off.
        """
        async with self._restarting[self._known(name).name]:
            old = self._known(name, *_GOES_BACK, *_IDLE)
            found = (candidate for candidate in self._found() if candidate.name == name)
            fresh = self._new(next(found, old.candidate))
            fresh.votes, fresh.given = fresh.votes or old.votes, old.given if given is None else given
            former = unload(old.candidate.package)
            await asyncio.to_thread(self._load, fresh)
            if fresh.status is PluginStatus.FAILED and old.status in _GOES_BACK:
                fresh.close()
                sys.modules.update(former)
                raise _not_taken(old, fresh)
            await self._replace(old, fresh, former)
            return fresh.record()

    async def _replace(self, old: Plugin, fresh: Plugin, former: Mapping[str, ModuleType]) -> None:
        was, at = await self._stop(old), self._plugins.index(old)
        self._plugins[at] = fresh
        await self._start(fresh)
        if was in _GOES_BACK and fresh.status is PluginStatus.FAILED:
            sys.modules.update(former)
            self._plugins[at] = old
            # What the new code did to its tables stays, and is not in the list of the old one.
            await self._start(old, migrate=False)
            raise _not_taken(old, fresh)

    async def _stop(self, plugin: Plugin) -> PluginStatus:
        await asyncio.gather(*filter(None, [plugin.stopping]))  # it may start again
        if (was := plugin.status) is PluginStatus.RUNNING:
            await stop_plugin(plugin, self.limits)
        plugin.close()
        return was

    async def disable(self, name: str, reason: str) -> PluginRecord:
        """Stop a plugin and leave it out until it is started again. What it has locked is open from then on.

        Raises:
            NotFound, InvalidValue: there is no such plugin; it is loading, or disabled.
        """
        async with self._restarting[self._known(name).name]:
            plugin = self._known(name, PluginStatus.RUNNING, *_IDLE)
            await self._stop(plugin)
            plugin.status, plugin.reason, plugin.declared = PluginStatus.DISABLED, reason, Declared()
            await self._start(plugin)  # only so that it is listened to
            return plugin.record()

    def _known(self, name: str, *statuses: PluginStatus) -> Plugin:
        plugin = self.plugin(name)
        if plugin is None:
            raise NotFound(f"There is no plugin {name} here.", fix="Reload the page.")
        if statuses and plugin.status not in statuses:
            raise InvalidValue(f"The plugin {name} is {plugin.status}.", fix="Reload the page.")
        return plugin

    def records(self) -> tuple[PluginRecord, ...]:
        """Return the record of every plugin, by name."""
        return tuple(plugin.record() for plugin in sorted(self._plugins, key=lambda plugin: plugin.name))

    def routes(self) -> tuple[MountedRoute, ...]:
        """Return every route. `Dispatch.answer` calls their handlers.

        Routes of a plugin that fails to start are included; their answer is an error that says so.
        """
        return tuple(MountedRoute(one.name, route) for one in self._plugins for route in one.declared.routes)

    def template_dirs(self) -> dict[str, tuple[Path, ...]]:
        """Return each plugin's template folders; its templates are named `<plugin>/<file>`."""
        return {one.name: one.declared.template_dirs for one in self._plugins if one.declared.template_dirs}

    def reload_templates(self) -> None:
        """Have plugins with processes of their own read their templates again."""
        for plugin in self.running_plugins():
            if plugin.remote is not None:
                plugin.remote.reload_templates()

    def static_dirs(self) -> dict[str, tuple[Path, ...]]:
        """Return each plugin's folders of static files, served below `/plugins/<plugin>/static/`."""
        return {item.name: item.declared.static_dirs for item in self._plugins if item.declared.static_dirs}

    def settings(self) -> dict[str, tuple[Setting, ...]]:
        """Return each plugin's declared settings."""
        return {item.name: item.declared.settings for item in self._plugins if item.declared.settings}

    def plugin(self, name: str) -> Plugin | None:
        """Return the plugin with a name, if any."""
        return next((plugin for plugin in self._plugins if plugin.name == name), None)

    def running_plugins(self) -> tuple[Plugin, ...]:
        """Return the plugins that are running."""
        return tuple(self._with(PluginStatus.RUNNING))

    def implementations(self, hook: str) -> Iterator[tuple[Plugin, Hook]]:
        """Yield the running plugins' implementations of a hook, in pluggy's order."""
        found = [(one, one.hooks[hook]) for one in reversed(self.running_plugins()) if hook in one.hooks]
        yield from sorted(found, key=lambda each: each[1].last - each[1].first)

    def disabled_voters(self) -> tuple[Plugin, ...]:
        """Return the plugins with a vote that are not running, for another reason than being disabled."""
        silent = set(PluginStatus) - {PluginStatus.RUNNING, PluginStatus.DISABLED}
        return tuple(plugin for plugin in self._with(*silent) if plugin.votes)

    def code_folders(self) -> dict[str, Path]:
        """Return the folder of each plugin's code, as far as known."""
        return {one.name: one.candidate.folder for one in self._plugins if one.candidate.folder}

    async def is_down(self, name: str) -> bool:
        """Whether a plugin should run and does not; waits while this one is started again."""
        if name in self._restarting:  # a name that only an address mentions makes no lock
            async with self._restarting[name]:
                pass
        plugin = self.plugin(name)
        return plugin is not None and plugin.status not in {PluginStatus.RUNNING, PluginStatus.DISABLED}

    def publish(self, event: Event) -> None:
        """Queue an event for every plugin with a listener. Never blocks, never raises."""
        for plugin in self._alive():
            if plugin.queue is not None and not plugin.queue.put(event):
                self._dropped(plugin, plugin.queue)

    def _dropped(self, plugin: Plugin, queue: EventQueue) -> None:
        if queue.lost[QUEUE_FULL] == 1:
            plugin.log.warning("events are dropped: the queue is full", size=self.limits.queue)
        if queue.missed > self.limits.missed:
            plugin.stop(
                f"Its queue flooded: {queue.missed:,} events were dropped while it handled a single one."
            )

    async def settled(self) -> None:
        """Wait until every event is published and handled; for tests."""
        await asyncio.gather(*(plugin.emitter.published() for plugin in self._alive() if plugin.emitter))
        await asyncio.gather(*(plugin.queue.join() for plugin in self._alive() if plugin.queue))

    def _with(self, *statuses: PluginStatus) -> list[Plugin]:
        return [plugin for plugin in self._plugins if plugin.status in statuses]

    def _alive(self) -> list[Plugin]:
        return self._with(PluginStatus.LOADED, PluginStatus.RUNNING)


def _not_taken(old: Plugin, fresh: Plugin) -> InvalidValue:
    how = "goes on as it was" if old.status is PluginStatus.RUNNING else "does not run"
    what = "its new code was" if fresh.given is old.given else "its new settings were"
    told = f"{old.name} {how}: {what} not taken. {fresh.reason}"
    if fresh.given is old.given and old.status is PluginStatus.RUNNING:
        old.not_taken = told
    return InvalidValue(f"{told} {old.reason}".rstrip())
