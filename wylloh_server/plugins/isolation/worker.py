"""The other side: run a plugin in this process, for the server at the other end of a socket pair."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

from wylloh_server.domain.errors import PluginError
from wylloh_server.domain.plugin_pages import CardFragment, Fragment, Page
from wylloh_server.domain.sdk_version import checked_version
from wylloh_server.plugins.guarded_call import contain_exit
from wylloh_server.plugins.isolation.channel import Channel, served_call
from wylloh_server.plugins.isolation.remote_errors import describe_error
from wylloh_server.plugins.isolation.wire import from_pickle, to_json
from wylloh_server.plugins.isolation.worker_context import worker_context
from wylloh_server.plugins.lifecycle import Lifespan
from wylloh_server.plugins.loading import version_of

if TYPE_CHECKING:
    import socket
    from collections.abc import Coroutine, Sequence
    from types import ModuleType

    from wylloh_server.domain.ports.plugin_tables import Migration, PluginTables
    from wylloh_server.plugins.context import PluginContext
    from wylloh_server.plugins.declarations import BatchAction
    from wylloh_server.plugins.hook import Hook
    from wylloh_server.plugins.isolation.running_call import RunningCall
    from wylloh_server.plugins.loading import Candidate, Declared

Draw = Callable[[str, Mapping[str, object]], Awaitable[str]]

_KEPT_PAGES = 500
"""How many answers of the plugin that were not drawn yet keep their values."""
_KEPT = "_kept"


@dataclass(frozen=True, slots=True)
class WorkerParts:
    """What the process has of its own.

    Attributes:
        open_tables: open the plugin's tables, after running those of its migrations that have not run.
        templates: read the plugin's templates; return what draws one with values.
    """

    open_tables: Callable[[str, Sequence[Migration]], Awaitable[PluginTables]]
    templates: Callable[[], Draw]


def description(
    candidate: Candidate, code: ModuleType, hooks: Mapping[str, Hook], declared: Declared
) -> object:
    """Return what the server has to know of a plugin, in plain values. `RemotePlugin.load` reads it."""
    return {
        "version": version_of(candidate, code),
        "sdk": checked_version(code),
        "hooks": {
            name: {"takes": hook.takes, "first": hook.first, "last": hook.last}
            for name, hook in hooks.items()
        },
        "settings": declared.settings,
        "event_types": [
            (one.__module__, one.__name__, one.__doc__, [field.name for field in fields(one)])
            for one in declared.event_types
        ],
        "routes": [_plain(one, "handler") for one in declared.routes],
        "template_dirs": list(declared.template_dirs),
        "static_dirs": list(declared.static_dirs),
        "background_tasks": [_plain(one, "handler") for one in declared.background_tasks],
        "batch_actions": [
            {**_plain(one, "plan", "fields"), "has_fields": one.fields is not None}
            for one in declared.batch_actions
        ],
        "cli_commands": [_plain(one, "run") for one in declared.cli_commands],
    }


def _plain(declaration: Any, *functions: str) -> dict[str, object]:
    """Return a declaration without its functions."""
    return {
        field.name: getattr(declaration, field.name)
        for field in fields(declaration)
        if field.name not in functions
    }


class Worker:
    """A plugin that runs here, called by the server.

    Args:
        candidate: the plugin.
        hooks: its hooks, and what it has `declared`.
        running: where to note which call runs.
    """

    def __init__(
        self,
        candidate: Candidate,
        hooks: Mapping[str, Hook],
        declared: Declared,
        parts: WorkerParts,
        running: RunningCall,
    ) -> None:
        self._candidate = candidate
        self._hooks = hooks
        self._declared = declared
        self._parts = parts
        self._running = running
        self._context: PluginContext | None = None
        self._lifespan: Lifespan | None = None
        self._draw: Draw | None = None
        self._kept: OrderedDict[int, Mapping[str, object]] = OrderedDict()
        self._numbers = count(1)
        self._channel = Channel(
            to_json,
            partial(from_pickle, borrow=self._borrow),
            answer=self._answer,
            heard=self._hear,
            folder=candidate.folder,
            trusted=True,
        )

    async def run(self, line: socket.socket) -> None:
        """Answer the server until it closes the line or says that it is enough."""
        asyncio.get_running_loop().set_exception_handler(self._report_stray)
        await self._channel.serve(await self._channel.open(line))
        self._channel.close()

    def _borrow(self, number: int) -> Callable[..., Awaitable[object]]:
        async def call(*given: object, **named: object) -> object:
            return await self._channel.ask("function", number, given, named)

        return call

    async def _answer(self, method: str, arguments: tuple[Any, ...]) -> object:
        work = getattr(self, f"_do_{method}")(*arguments)
        return self._keep(await self._running.follow(served_call(), contain_exit(work)))

    def _hear(self, method: str, _: object) -> None:
        if method == "stop":
            self._channel.close()
        elif method == "reload_templates":
            self._draw = None

    async def _do_ping(self) -> None:
        """Show that the loop is not held."""

    async def _do_start(self, given: dict[str, Any]) -> None:
        migrate = given.pop("migrate")
        migrations = self._declared.migrations if migrate else ()
        tables = await self._parts.open_tables(self._candidate.name, migrations)
        self._context = worker_context(
            self._channel, self._candidate.name, tables, self._declared.event_types, **given
        )

    async def _do_begin(self) -> None:
        self._lifespan = Lifespan(partial(self._hooks["lifespan"], context=self._context))
        await self._lifespan.start()
        assert self._context is not None  # noqa: S101 - for the type checker: `start` came first
        self._context = replace(self._context, state=self._lifespan.state)

    async def _do_end(self) -> None:
        if self._lifespan is not None:
            await self._lifespan.stop()

    def _do_hook(self, name: str, given: Mapping[str, object]) -> Coroutine[Any, Any, object]:
        return self._hooks[name](context=self._context, **given)  # type: ignore[no-any-return]

    def _do_route(self, method: str, path: str, request: Any) -> Coroutine[Any, Any, object]:
        route = self._declared.route(method, path)
        assert route is not None  # noqa: S101 - for the type checker: it was declared to the server
        return route.handler(self._running_context, request)

    def _do_task(self, kind: str, progress: Any) -> Coroutine[Any, Any, object]:
        task = next(one for one in self._declared.background_tasks if one.kind == kind)
        return task.handler(self._running_context, progress)

    def _do_plan(self, name: str, request: Any) -> Coroutine[Any, Any, object]:
        return self._batch_action(name).plan(self._running_context, request)

    def _do_fields(self, name: str, viewer: Any) -> Coroutine[Any, Any, object]:
        action = self._batch_action(name)
        assert action.fields is not None  # noqa: S101 - for the type checker: the server knows that it has some
        return action.fields(self._running_context, viewer)

    def _do_command(self, name: str, arguments: Sequence[str]) -> Coroutine[Any, Any, object]:
        command = next(one for one in self._declared.cli_commands if one.name == name)
        return command.run(self._running_context, arguments)

    async def _do_draw(self, template: str, values: Mapping[str, object]) -> str:
        self._draw = self._draw or self._parts.templates()
        number = values.get(_KEPT)
        if not isinstance(number, int):
            return await self._draw(template, values)
        if number not in self._kept:
            raise PluginError("What was to be drawn is not kept any more.", fix="Reload the page.")
        return await self._draw(template, {**values, **self._kept.pop(number)})

    @property
    def _running_context(self) -> PluginContext:
        if self._context is None:
            raise PluginError("The plugin has not been started.")
        return self._context

    def _batch_action(self, name: str) -> BatchAction:
        return next(one for one in self._declared.batch_actions if one.name == name)

    def _keep(self, answer: Any) -> Any:
        """Keep here the values of what will be drawn here: they may be anything."""
        if isinstance(answer, Page | Fragment | CardFragment):
            number = next(self._numbers)
            self._kept[number] = answer.values
            if len(self._kept) > _KEPT_PAGES:
                self._kept.popitem(last=False)
            return replace(answer, values={_KEPT: number})
        return [self._keep(one) for one in answer] if isinstance(answer, list | tuple) else answer

    def _report_stray(self, _: asyncio.AbstractEventLoop, problem: dict[str, Any]) -> None:
        error = problem.get("exception") or PluginError(str(problem["message"]))
        self._channel.say("stray", describe_error(error, self._candidate.folder))
