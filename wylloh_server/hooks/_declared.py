"""What a plugin declares once, collected and checked."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from wylloh_server.domain.errors import PluginError
from wylloh_server.domain.events import Event
from wylloh_server.domain.ports.storage import Migration
from wylloh_server.hooks._calls import invoke
from wylloh_server.hooks.declarations import BackgroundTask, BatchAction, Command, Route, Setting
from wylloh_server.hooks.spec import RUNNING_HOOKS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from pluggy import HookImpl

_Item = TypeVar("_Item")
_WORD = re.compile(r"[a-z][a-z0-9_-]{0,39}")

_COMMAND_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Declared:
    """A plugin's declarations."""

    settings: tuple[Setting, ...] = ()
    migrations: tuple[Migration, ...] = ()
    event_types: tuple[type[Event], ...] = ()
    routes: tuple[Route, ...] = ()
    template_dirs: tuple[Path, ...] = ()
    static_dirs: tuple[Path, ...] = ()
    background_tasks: tuple[BackgroundTask, ...] = ()
    batch_actions: tuple[BatchAction, ...] = ()
    commands: tuple[Command, ...] = ()

    def route(self, method: str, path: str) -> Route | None:
        """Find a route by its method and path pattern."""
        return next((item for item in self.routes if (item.method, item.path) == (method, path)), None)


def declare(hooks: Mapping[str, HookImpl]) -> Declared:
    """Call the declaring hooks of one plugin, given its implementations by hook name.

    Raises:
        PluginError: a declaration breaks a rule, which the message names.
        Exception: whatever a hook raises.
    """
    for name, implementation in hooks.items():
        _check_kind(name, implementation)
    tasks = _tasks(_items(hooks, "background_tasks", BackgroundTask))
    return Declared(
        settings=_unique("settings", _items(hooks, "settings", Setting), lambda item: item.name),
        migrations=_migrations(_items(hooks, "migrations", Migration)),
        event_types=_event_types(_items(hooks, "event_types", type)),
        routes=_routes(_items(hooks, "routes", Route)),
        template_dirs=_folders("template_dirs", _items(hooks, "template_dirs", Path)),
        static_dirs=_folders("static_dirs", _items(hooks, "static_dirs", Path)),
        background_tasks=tasks,
        batch_actions=_batch(_items(hooks, "batch_actions", BatchAction), {task.kind for task in tasks}),
        commands=_commands(_items(hooks, "cli_commands", Command)),
    )


def _check_kind(name: str, implementation: HookImpl) -> None:
    function = implementation.function
    if implementation.wrapper or implementation.hookwrapper:
        raise PluginError(f"The hook {name} may not wrap what other plugins answer.")
    if name in RUNNING_HOOKS:
        right, kind = inspect.iscoroutinefunction(function), "async def"
    elif name == "lifespan":
        right, kind = inspect.isasyncgenfunction(function), "async def with one yield"
    else:
        right, kind = not inspect.iscoroutinefunction(function), "a plain function"
    if not right:
        raise PluginError(f"The hook {name} must be {kind}.")


def _items(hooks: Mapping[str, HookImpl], name: str, kind: type[_Item]) -> tuple[_Item, ...]:
    if name not in hooks:
        return ()
    found = invoke(hooks[name])
    if not isinstance(found, Sequence) or not all(isinstance(item, kind) for item in found):
        raise PluginError(f"The hook {name} must return a list of {kind.__name__}.")
    return tuple(found)


def _unique(hook: str, items: tuple[_Item, ...], key: Callable[[_Item], object]) -> tuple[_Item, ...]:
    seen: set[object] = set()
    for item in items:
        if key(item) in seen:
            raise PluginError(f"The hook {hook} gives {key(item)} twice.")
        seen.add(key(item))
    return items


def _migrations(items: tuple[Migration, ...]) -> tuple[Migration, ...]:
    names = [item.name for item in items]
    if names != sorted(names):
        raise PluginError("The hook migrations must give its steps in the order of their names.")
    return _unique("migrations", items, lambda item: item.name)


def _event_types(items: Iterable[type]) -> tuple[type[Event], ...]:
    for item in items:
        frozen = is_dataclass(item) and vars(item).get("__dataclass_params__")
        if not issubclass(item, Event) or not frozen or not frozen.frozen:
            raise PluginError(
                f"The event type {item.__name__} must be a frozen dataclass derived from Event."
            )
        # A dataclass without a docstring is given its signature as one.
        if not item.__doc__ or item.__doc__.startswith(f"{item.__name__}("):
            raise PluginError(f"The event type {item.__name__} has no docstring.")
    return tuple(items)


def _routes(items: tuple[Route, ...]) -> tuple[Route, ...]:
    for item in items:
        if not inspect.iscoroutinefunction(item.handler):
            raise PluginError(f"The handler of the route {item.path!r} must be async def.")
    return _unique("routes", items, lambda item: (item.method, item.path))


def _commands(items: tuple[Command, ...]) -> tuple[Command, ...]:
    for item in items:
        if not _COMMAND_NAME.fullmatch(item.name):
            raise PluginError(f"The command name {item.name!r} is not lower-case-with-hyphens.")
        if not inspect.iscoroutinefunction(item.run):
            raise PluginError(f"The command {item.name} must be async def.")
    return _unique("cli_commands", items, lambda item: item.name)


def _tasks(items: tuple[BackgroundTask, ...]) -> tuple[BackgroundTask, ...]:
    for item in items:
        if not _WORD.fullmatch(item.kind):
            raise PluginError(f"The kind of task {item.kind!r} is not a lower-case word.")
        if not inspect.iscoroutinefunction(item.handler):
            raise PluginError(f"The handler of the task {item.kind} must be async def.")
    return _unique("background_tasks", items, lambda item: item.kind)


def _batch(items: tuple[BatchAction, ...], kinds: Collection[str]) -> tuple[BatchAction, ...]:
    for item in items:
        if not _WORD.fullmatch(item.name):
            raise PluginError(f"The batch action {item.name!r} is not a lower-case word.")
        if not all(inspect.iscoroutinefunction(part) for part in (item.plan, item.fields) if part):
            raise PluginError(f"Plan and fields of the batch action {item.name} must be async def.")
        if item.task not in kinds:
            raise PluginError(
                f"The batch action {item.name} wants the task {item.task!r}, which is not declared.",
                fix="Return it from the hook background_tasks.",
            )
    return _unique("batch_actions", items, lambda item: item.name)


def _folders(hook: str, items: tuple[Path, ...]) -> tuple[Path, ...]:
    for item in items:
        if not item.is_dir():
            raise PluginError(f"The hook {hook} names {item}, which is no folder.")
    return items
