"""Find plugins, import them, and check what they declare and how they are configured."""

from __future__ import annotations

import difflib
import importlib.util
import inspect
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, is_dataclass
from functools import partial
from importlib.metadata import entry_points
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy

from wylloh_server.domain.errors import PluginError
from wylloh_server.domain.events import Event
from wylloh_server.domain.plugin_settings import READ_AT_START, Setting
from wylloh_server.domain.ports.plugin_tables import Migration
from wylloh_server.domain.sdk_version import checked_version
from wylloh_server.plugins.declarations import BackgroundTask, BatchAction, Command, PluginRoute
from wylloh_server.plugins.guarded_call import call_within
from wylloh_server.plugins.hook import Hook
from wylloh_server.plugins.spec import ENTRY_POINT_GROUP, HOOKS, PREFIX, PROJECT, RUNNING_HOOKS, Hooks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from importlib.metadata import EntryPoint
    from types import ModuleType

    from wylloh_server.plugins.state import Plugin

_Item = TypeVar("_Item")

_NAME = re.compile(r"[a-z][a-z0-9]{0,30}")
"""No underscore: tables are named `plugin_<name>_…`, and no prefix may be the beginning of another one."""
_MINUTE = 60
_WORD = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_COMMAND_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_VOTE = r"(?m)^[ \t]*(async[ \t]+)?def[ \t]+access_vote\b"
_MEND_VOTE = "Mark it with @hookimpl and import it in __init__.py, or rename it if it locks nothing."


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible plugin. `load` imports it and may raise anything.

    Attributes:
        module: the entry point, or the path of the package.
        package: the name it is imported as; empty for one that is not there.
        folder: the folder of its code; None if it has none of its own.
        votes: whether it is known to have a say in who may watch.
        file: the file of a module without a folder; None if unknown.
    """

    name: str
    version: str
    module: str
    package: str
    folder: Path | None
    load: Callable[[], ModuleType]
    votes: bool = False
    file: Path | None = None

    def mentions(self, pattern: str) -> bool:
        """Whether its source, which may be impossible to import, contains an expression."""
        files = self.folder.rglob("*.py") if self.folder else filter(None, [self.file])
        return any(re.search(pattern, file.read_text("utf-8", "replace")) for file in files if file.is_file())


@dataclass(frozen=True, slots=True)
class Declared:
    """What a plugin declares once."""

    settings: tuple[Setting, ...] = ()
    migrations: tuple[Migration, ...] = ()
    event_types: tuple[type[Event], ...] = ()
    routes: tuple[PluginRoute, ...] = ()
    template_dirs: tuple[Path, ...] = ()
    static_dirs: tuple[Path, ...] = ()
    background_tasks: tuple[BackgroundTask, ...] = ()
    batch_actions: tuple[BatchAction, ...] = ()
    cli_commands: tuple[Command, ...] = ()

    def route(self, method: str, path: str) -> PluginRoute | None:
        """Return the route with this method and path pattern, if any."""
        return next((item for item in self.routes if (item.method, item.path) == (method, path)), None)


_DECLARED: dict[str, tuple[type[Any], Callable[[Any], object]]] = {
    "settings": (Setting, attrgetter("name")),
    "migrations": (Migration, attrgetter("name")),
    "event_types": (type, id),
    "routes": (PluginRoute, attrgetter("method", "path")),
    "template_dirs": (Path, id),
    "static_dirs": (Path, id),
    "background_tasks": (BackgroundTask, attrgetter("kind")),
    "batch_actions": (BatchAction, attrgetter("name")),
    "cli_commands": (Command, attrgetter("name")),
}
"""The hooks that are called once: what each returns a list of, and what of it is unique."""


def discovered(
    path: Iterable[Path] = (), points: Iterable[EntryPoint] | None = None
) -> tuple[Candidate, ...]:
    """Return the plugins of the entry points, by default all installed ones, then those in the folders."""
    given = entry_points(group=ENTRY_POINT_GROUP) if points is None else points
    folders = (folder for parent in path for folder in _folders(parent))
    return (*installed(given), *(found for folder in folders if (found := in_folder(folder)) is not None))


def absent(
    found: Iterable[Candidate], path: Iterable[Path], settings: Iterable[str], voters: Iterable[str]
) -> Iterator[Candidate]:
    """Return what should be here besides the plugins found, to be shown as failed, each with its reason.

    Args:
        found: the plugins that are here.
        path: the folders of the settings.
        settings: the plugins for which there are settings.
        voters: the plugins that had a say in who may watch when the server ran last.
    """
    here, voted = {candidate.name for candidate in found}, frozenset(voters)
    for folder in path:
        if not folder.is_dir():
            yield _missing(str(folder), "plugins.path names this folder, which is not there.")
    yield from absent_voters(voted - here)
    for name in sorted(set(settings) - here - voted):
        near = difflib.get_close_matches(name, here, 1)
        hint = f"Did you mean {near[0]}?" if near else "Install it, or remove them."
        reason = f"There are settings in plugins.settings.{name}, but no such plugin."
        yield _missing(name, f"{reason} {hint} {READ_AT_START}")


def absent_voters(names: Iterable[str]) -> Iterator[Candidate]:
    """Return plugins that had a say in who may watch and are gone, to be shown as failed."""
    for name in sorted(names):
        yield _missing(
            name,
            "It had a say in who may watch, and is gone, so nobody may. Bring it back, or add it to "
            f"plugins.disabled (wylloh plugin disable {name}).",
            votes=True,
        )


def _missing(name: str, reason: str, *, votes: bool = False) -> Candidate:
    def refuse() -> ModuleType:
        raise PluginError(reason)

    return Candidate(name, "", "", "", None, refuse, votes)


def installed(points: Iterable[EntryPoint]) -> Iterator[Candidate]:
    """Return the plugins of installed packages, by name."""
    for point in sorted(points, key=lambda point: point.name):
        version = point.dist.version if point.dist else ""
        package = point.module.partition(".")[0]
        folder, file = _places_of(package)
        yield Candidate(point.name, version, point.value, package, folder, point.load, file=file)


def in_folder(folder: Path) -> Candidate | None:
    """Return the plugin in a folder, which is the package itself or holds one `wylloh_*`; None if none is."""
    for package in (folder, *_folders(folder)):
        wanted = package == folder or package.name.startswith(PREFIX)
        if wanted and (package / "__init__.py").is_file():
            name = package.name.removeprefix(PREFIX)
            return Candidate(name, "", str(package), package.name, package, partial(import_package, package))
    return None


def _folders(path: Path) -> list[Path]:
    try:
        return sorted(entry for entry in path.iterdir() if entry.is_dir())
    except OSError:
        return []


def _places_of(package: str) -> tuple[Path | None, Path | None]:
    """Return the folder of a package, and the file of a module that is none."""
    try:
        found = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return None, None
    if found is not None and found.submodule_search_locations:
        return Path(next(iter(found.submodule_search_locations))), None
    return None, Path(found.origin) if found is not None and found.has_location and found.origin else None


def import_package(package: Path) -> ModuleType:
    """Import a package by its path. `sys.path` is not changed: a plugin's folder must not shadow anything."""
    name, file = package.name, package / "__init__.py"
    known = sys.modules.get(name)
    if known is not None and known.__file__ == str(file):
        return known
    other = importlib.util.find_spec(name) if known is None else None
    if known is not None or (other is not None and other.origin != str(file)):
        raise PluginError(f"Another Python package is called {name} already; rename the folder.")
    return import_file(name, file, package)


def import_file(name: str, file: Path, package: Path | None = None) -> ModuleType:
    """Import a module, or the package in a folder, from a file and by a name.

    Raises:
        PluginError: it is no Python file.
        BaseException: the error it raises.
    """
    folders = None if package is None else [str(package)]
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=folders)
    if spec is None or spec.loader is None:
        raise PluginError(f"{file} cannot be imported.")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        unload(name)
        raise
    return module


def unload(package: str) -> dict[str, ModuleType]:
    """Remove a package from the imported modules, so that it is imported again. Return what was removed."""
    known = list(sys.modules)  # at once: other plugins are imported side by side
    names = [key for key in known if key == package or key.startswith(f"{package}.")]
    return {name: sys.modules.pop(name) for name in names}


def load_plugin(plugin: Plugin, seconds: float) -> None:
    """Import a plugin and collect its declarations.

    Args:
        plugin: receives what is found.
        seconds: deadline for the import, and again for the declarations.

    Raises:
        PluginError: it breaks a rule, which the message names.
        TimeoutError: it took too long.
        BaseException: the error the plugin raises.
    """
    candidate = plugin.candidate
    # Until its hooks are known: a plugin that cannot be imported must not unlock what it has locked.
    plugin.votes = plugin.votes or candidate.mentions("access_vote")
    if candidate.package:
        check_name(candidate.name)
    if plugin.remote is not None:
        loaded = plugin.remote.load()
        plugin.version, plugin.sdk, plugin.hooks = loaded.version, loaded.sdk, loaded.hooks
        plugin.votes = _has_vote(plugin)
        plugin.declared = loaded.declared
        return
    plugin.code = call_within(seconds, candidate.folder, candidate.load)
    plugin.version = version_of(candidate, plugin.code)
    plugin.sdk = checked_version(plugin.code)
    plugin.hooks = hooks_of(plugin.code, plugin.name)
    plugin.votes = _has_vote(plugin)
    plugin.declared = call_within(seconds, candidate.folder, declare, plugin.hooks)


def version_of(candidate: Candidate, code: ModuleType) -> str:
    """Return the version of a plugin's package, or else the one that its code names."""
    return candidate.version or str(getattr(code, "__version__", ""))


def _has_vote(plugin: Plugin) -> bool:
    if "access_vote" not in plugin.hooks and plugin.candidate.mentions(_VOTE):
        raise PluginError("It has a function access_vote that is no hook of its package.", fix=_MEND_VOTE)
    return "access_vote" in plugin.hooks


def check_name(name: str) -> None:
    """Check that a name can be part of a URL and of table names.

    Raises:
        PluginError: it cannot.
    """
    if not _NAME.fullmatch(name):
        raise PluginError(f"A plugin's name is lower-case letters and digits, not {name!r}.")


def hooks_of(code: ModuleType, name: str) -> dict[str, Hook]:
    """Return the hooks that a plugin's module implements.

    Raises:
        PluginError: one is no hook, or of the wrong kind of function.
    """
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(Hooks)
    own = vars(code)
    unmarked = [one for one in HOOKS if callable(own.get(one)) and not manager.parse_hookimpl_opts(code, one)]
    if unmarked:
        mend = "Put @hookimpl above each of these functions, or rename it."
        raise PluginError(f"Not marked as hooks, so never called: {', '.join(unmarked)}.", fix=mend)
    manager.register(code, name)
    found: dict[str, Hook] = {}
    for caller in manager.get_hookcallers(code) or ():
        if caller.spec is None:
            near = difflib.get_close_matches(caller.name, HOOKS, 1, 0.0)[0]
            raise PluginError(f"This server has no hook {caller.name}. Did you mean {near}?")
        (implementation,) = caller.get_hookimpls()
        if implementation.opts["specname"]:
            hidden = f"@hookimpl(specname={caller.name!r}) hides what a function is."
            raise PluginError(hidden, fix=f"Call the function {caller.name}.")
        _check_kind(caller.name, implementation)
        function, takes = implementation.function, tuple(implementation.argnames)
        found[caller.name] = Hook(
            caller.name, function, takes, first=implementation.tryfirst, last=implementation.trylast
        )
    return found


def declare(hooks: Mapping[str, Hook]) -> Declared:
    """Call the declaring hooks of a plugin and check what they return.

    Raises:
        PluginError: a declaration breaks a rule, which the message names.
        Exception: the error a hook raises.
    """
    declared = Declared(**{hook: _items(hooks, hook, *items) for hook, items in _DECLARED.items()})
    check_declared(declared)
    return declared


def check_declared(declared: Declared) -> None:
    """Raise PluginError, which names the rule, if a declaration breaks one."""
    for rule, broken in _broken_rules(declared):
        if broken:
            raise PluginError(rule)


def _check_kind(name: str, implementation: pluggy.HookImpl) -> None:
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


def _items(
    hooks: Mapping[str, Hook], hook: str, kind: type[_Item], key: Callable[[_Item], object]
) -> tuple[_Item, ...]:
    found = checked_items(hooks[hook]() if hook in hooks else (), kind, f"The hook {hook}")
    keys = [key(item) for item in found]
    twice = next((one for one in keys if keys.count(one) > 1), None)
    if twice is not None:
        raise PluginError(f"The hook {hook} gives {twice} twice.")
    return found


def checked_items(items: object, kind: type[_Item], where: str) -> tuple[_Item, ...]:
    """Return the items of a plugin's answer. Raise PluginError if it is something else."""
    if not isinstance(items, Sequence) or not all(isinstance(item, kind) for item in items):
        raise PluginError(f"{where} must return a list of {kind.__name__}.")
    return tuple(items)


def _broken_rules(declared: Declared) -> Iterator[tuple[str, bool]]:
    """Return each rule about declarations with whether it is broken."""
    names = [item.name for item in declared.migrations]
    yield "The hook migrations must give its steps in the order of their names.", names != sorted(names)
    for event in declared.event_types:
        params = vars(event).get("__dataclass_params__") if is_dataclass(event) else None
        right = params and params.frozen and issubclass(event, Event)
        text, signature = f"The event type {event.__name__}", f"{event.__name__}("
        yield f"{text} must be a frozen dataclass derived from Event.", not right
        # A dataclass without a docstring gets its signature as one.
        yield f"{text} has no docstring.", (event.__doc__ or signature).startswith(signature)
    for hook, folders in (("template_dirs", declared.template_dirs), ("static_dirs", declared.static_dirs)):
        for folder in folders:
            yield f"The hook {hook} names {folder}, which is no folder.", not folder.is_dir()
    secrets = [one.name for one in declared.settings if one.secret and one.type is str]
    for route in declared.routes:
        yield f"The handler of the route {route.path!r} must be async def.", _is_plain(route.handler)
        known = not route.token or (route.token in secrets and route.role is None)
        yield f"The route {route.path!r} must have a secret setting as its token, and no role.", not known
    for command in declared.cli_commands:
        fits = _COMMAND_NAME.fullmatch(command.name)
        yield f"The command name {command.name!r} is not lower-case-with-hyphens.", not fits
        yield f"The command {command.name} must be async def.", _is_plain(command.run)
    for task in declared.background_tasks:
        yield f"The kind of task {task.kind!r} is not a lower-case word.", not _WORD.fullmatch(task.kind)
        yield f"The handler of the task {task.kind} must be async def.", _is_plain(task.handler)
        yield f"The task {task.kind} may run once a minute at most.", 0 < task.every < _MINUTE
    kinds = {task.kind for task in declared.background_tasks}
    for action in declared.batch_actions:
        yield f"The batch action {action.name!r} is not a lower-case word.", not _WORD.fullmatch(action.name)
        plain = _is_plain(action.plan) or (action.fields is not None and _is_plain(action.fields))
        yield f"Plan and fields of the batch action {action.name} must be async def.", plain
        rule = f"The batch action {action.name} wants the task {action.task!r}, which is not declared."
        yield f"{rule} Return it from the hook background_tasks.", action.task not in kinds


def _is_plain(function: object) -> bool:
    return not inspect.iscoroutinefunction(function)
