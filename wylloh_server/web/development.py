"""For authors of plugins, templates and themes: what changes on disk shows at once, and open pages reload.

Off unless somebody asks for it (`wylloh serve --dev`): looking at every file twice a second costs time.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import structlog

from wylloh_server.domain.errors import WyllohError
from wylloh_server.domain.plugin_record import PluginStatus
from wylloh_server.domain.topics import DEVELOPMENT
from wylloh_server.domain.types import Seconds
from wylloh_server.services.operations.scheduler import run_periodically
from wylloh_server.web.app_keys import DEVELOPING, LIVE, PLUGINS
from wylloh_server.web.application import static_folders
from wylloh_server.web.static_files import STATIC, read_static_files
from wylloh_server.web.templating import reload_templates
from wylloh_server.web.theme import THEME

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

    from aiohttp import web

    from wylloh_server.plugins import PluginRegistry
    from wylloh_server.web.theme import Theme

_EVERY = Seconds(0.5)
"""Seconds between two looks."""

_Stamp = frozenset[tuple[str, int]]

_log = structlog.get_logger("wylloh.web")


def develop(app: web.Application) -> None:
    """Reload changed plugins, templates and styles of an application while it runs."""
    # Python takes a compiled file for current when time, to the second, and size are those of the source.
    sys.dont_write_bytecode = True
    app[DEVELOPING] = True
    app.cleanup_ctx.append(_watching)


async def _watching(app: web.Application) -> AsyncIterator[None]:
    watcher = _Watcher(app)
    async with run_periodically("watching files for changes", watcher.look, _EVERY):
        yield


class _Watcher:
    """Remembers how the files were. What goes wrong in one round is logged, and tried in the next."""

    def __init__(self, app: web.Application) -> None:
        self._app = app
        self._known: dict[str, _Stamp] | None = None
        self._is_shown = True

    async def look(self) -> None:
        """Reload what has changed since the last look."""
        plugins = self._app[PLUGINS]
        theme, known = self._app[THEME], self._known
        now = await asyncio.to_thread(_stamps, plugins, theme)
        self._known = now
        known = now.copy() if known is None else known
        for name in [one for one in now if now[one] != known.get(one)]:
            if name and not await _reload(plugins, name):
                now[name] = known.get(name, frozenset())
            else:
                self._is_shown = False
        if not self._is_shown:
            await self._show()
            self._is_shown = True

    async def _show(self) -> None:
        folders, own = static_folders(self._app[THEME]), self._app[PLUGINS].static_dirs()
        self._app[STATIC].take(await asyncio.to_thread(read_static_files, folders, own))
        reload_templates(self._app)
        self._app[LIVE].changed(DEVELOPMENT)


async def _reload(plugins: PluginRegistry, name: str) -> bool:
    """Load a plugin's code again; what cannot be loaded is on the log, and what ran before goes on.

    Return False if it is still being loaded or started: then it has to be tried later.
    """
    plugin = plugins.plugin(name)
    if plugin is None or plugin.status is PluginStatus.DISABLED:
        return True
    if plugin.status in {PluginStatus.LOADING, PluginStatus.LOADED}:
        return False
    try:
        record = await plugins.restart(name)
    except WyllohError as error:
        _log.warning("plugin not reloaded", plugin=name, reason=str(error))
    else:
        if record.status is PluginStatus.RUNNING:
            _log.info("plugin reloaded", plugin=name, version=record.version)
    return True


def _stamps(plugins: PluginRegistry, theme: Theme) -> dict[str, _Stamp]:
    """Return the state of each plugin's Python code, by its name, and of all other files under no name."""
    files = (*theme.template_folders, *static_folders(theme))
    own = (*plugins.template_dirs().values(), *plugins.static_dirs().values())
    shown = _stamp([*files, *(folder for folders in own for folder in folders)], "*")
    return {"": shown} | {name: _stamp([folder], "*.py") for name, folder in plugins.code_folders().items()}


def _stamp(folders: Iterable[Path], pattern: str) -> _Stamp:
    """Return every file with the time of its last change, in nanoseconds. Files may come and go meanwhile."""
    found = set()
    for file in (file for folder in folders for file in folder.rglob(pattern)):
        try:
            found.add((str(file), file.stat().st_mtime_ns))
        except OSError:
            continue
    return frozenset(found)
