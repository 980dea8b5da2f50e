"""Finds plugins: entry points of installed packages, and folders on `plugins.path`."""

from __future__ import annotations

import importlib.util
import re
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import PluginError
from wylloh_server.hooks.spec import ENTRY_POINT_GROUP, PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from importlib.metadata import EntryPoint
    from types import ModuleType

_NAME = re.compile(r"[a-z][a-z0-9]{0,30}")
"""No underscore: tables are named `plugin_<name>_…`, and no plugin's prefix may begin another's."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that may be a plugin. `load` imports it and may raise anything.

    Attributes:
        module: the Python module it is, or where it was looked for.
        package: what it is imported as.
        folder: where its code is; None if that is unknown.
    """

    name: str
    version: str
    module: str
    package: str
    folder: Path | None
    load: Callable[[], ModuleType]

    def mentions(self, pattern: str) -> bool:
        """Say whether a regular expression is found in its code, imported or not."""
        files = self.folder.rglob("*.py") if self.folder else ()
        return any(re.search(pattern, _text(file), re.MULTILINE) for file in files)

    def forget(self) -> None:
        """Have the next `load` import it anew."""
        _forget(self.package)


def check_name(name: str) -> None:
    """Refuse a name that cannot stand in an address and in table names.

    Raises:
        PluginError: what a name looks like.
    """
    if not _NAME.fullmatch(name):
        raise PluginError(f"A plugin's name is lower-case letters and digits, not {name!r}.")


def discovered(
    path: Iterable[Path] = (), points: Iterable[EntryPoint] | None = None
) -> tuple[Candidate, ...]:
    """Give the plugins of the entry points, by default all that are installed, then those in the folders."""
    given = entry_points(group=ENTRY_POINT_GROUP) if points is None else points
    return (*installed(given), *in_folders(path))


def installed(points: Iterable[EntryPoint]) -> Iterator[Candidate]:
    """Give the plugins of installed packages, by name."""
    for point in sorted(points, key=lambda point: point.name):
        version = point.dist.version if point.dist else ""
        package = point.module.partition(".")[0]
        yield Candidate(point.name, version, point.value, package, _place(package), point.load)


def in_folders(paths: Iterable[Path]) -> Iterator[Candidate]:
    """Give the plugins below each path: sub-folders that are a package, or that hold one `wylloh_*`."""
    for path in paths:
        for folder in _folders(path):
            found = in_folder(folder)
            if found is not None:
                yield found


def in_folder(folder: Path) -> Candidate | None:
    """Give the plugin that a folder is, or holds; None if there is none."""
    package = next((inner for inner in [folder, *_folders(folder)] if _is_plugin(inner, folder)), None)
    if package is None:
        return None
    name = package.name.removeprefix(PREFIX)
    return Candidate(name, "", str(package), package.name, package, _loader(package))


def _folders(path: Path) -> list[Path]:
    try:
        return sorted(entry for entry in path.iterdir() if entry.is_dir())
    except OSError:
        return []


def _is_plugin(package: Path, folder: Path) -> bool:
    wanted = package == folder or package.name.startswith(PREFIX)
    return wanted and (package / "__init__.py").is_file()


def _place(package: str) -> Path | None:
    try:
        found = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return None
    places = found.submodule_search_locations if found else None
    return Path(next(iter(places))) if places else None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _loader(package: Path) -> Callable[[], ModuleType]:
    return lambda: _import(package)


def _import(package: Path) -> ModuleType:
    """Import one package by its path. `sys.path` stays as it is: a plugin folder must shadow nothing."""
    name, file = package.name, package / "__init__.py"
    known = sys.modules.get(name)
    if known is not None and known.__file__ == str(file):
        return known
    if known is not None or _elsewhere(name, file):
        raise PluginError(f"Another Python package is called {name} already; rename the folder.")
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=[str(package)])
    if spec is None or spec.loader is None:
        raise PluginError(f"{file} cannot be imported.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        _forget(name)
        raise
    return module


def _elsewhere(name: str, file: Path) -> bool:
    """Say whether a package of that name would be imported from somewhere else."""
    found = importlib.util.find_spec(name)
    return found is not None and found.origin != str(file)


def _forget(name: str) -> None:
    for known in [key for key in sys.modules if key == name or key.startswith(f"{name}.")]:
        del sys.modules[known]
