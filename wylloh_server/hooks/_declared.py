"""What a plugin declares once, collected and checked."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from wylloh_server.domain.errors import PluginError
from wylloh_server.domain.events import Event
from wylloh_server.domain.ports.storage import Migration
from wylloh_server.hooks._calls import invoke
from wylloh_server.hooks.declarations import Route, Setting
from wylloh_server.hooks.spec import RUNNING_HOOKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pluggy import HookImpl

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Declared:
    """A plugin's declarations."""

    settings: tuple[Setting, ...] = ()
    migrations: tuple[Migration, ...] = ()
    event_types: tuple[type[Event], ...] = ()
    routes: tuple[Route, ...] = ()
    template_dirs: tuple[Path, ...] = ()
    static_dirs: tuple[Path, ...] = ()


def declare(hooks: Mapping[str, HookImpl]) -> Declared:
    """Call the declaring hooks of one plugin, given its implementations by hook name.

    Raises:
        PluginError: a declaration breaks a rule, which the message names.
        Exception: whatever a hook raises.
    """
    for name, implementation in hooks.items():
        _check_kind(name, implementation)
    return Declared(
        settings=_unique("settings", _items(hooks, "settings", Setting), lambda item: item.name),
        migrations=_migrations(_items(hooks, "migrations", Migration)),
        event_types=_event_types(_items(hooks, "event_types", type)),
        routes=_routes(_items(hooks, "routes", Route)),
        template_dirs=_folders("template_dirs", _items(hooks, "template_dirs", Path)),
        static_dirs=_folders("static_dirs", _items(hooks, "static_dirs", Path)),
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


def _folders(hook: str, items: tuple[Path, ...]) -> tuple[Path, ...]:
    for item in items:
        if not item.is_dir():
            raise PluginError(f"The hook {hook} names {item}, which is no folder.")
    return items
