"""For who writes templates and styles: what changes on disk shows at once, and open pages reload themselves.

Off unless somebody asks for it (`wylloh serve --dev`): looking at every file twice a second costs time.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from wylloh_server.domain.topics import DEVELOPMENT
from wylloh_server.web.assembly import static_folders
from wylloh_server.web.keys import DEVELOPING, LIVE, PLUGINS
from wylloh_server.web.static_files import STATIC, read_static_files
from wylloh_server.web.templating import read_templates_anew, template_folders

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

    from aiohttp import web

_EVERY = 0.5
"""Seconds between two looks."""

_Stamp = frozenset[tuple[str, int]]


def develop(app: web.Application) -> None:
    """Let an application, whose pages have been set up, look at its files again and again while it runs."""
    app[DEVELOPING] = True
    app.cleanup_ctx.append(_watching)


async def _watching(app: web.Application) -> AsyncIterator[None]:
    task = asyncio.create_task(_watch(app))
    yield
    task.cancel()
    await asyncio.wait({task})


async def _watch(app: web.Application) -> None:
    plugins = app[PLUGINS]
    templates = [*template_folders(), *(folder for own in plugins.template_dirs().values() for folder in own)]
    static = [*static_folders(), *(folder for own in plugins.static_dirs().values() for folder in own)]
    known = await asyncio.to_thread(_stamp, [*templates, *static])
    while True:
        await asyncio.sleep(_EVERY)
        now = await asyncio.to_thread(_stamp, [*templates, *static])
        if now == known:
            continue
        known = now
        app[STATIC].take(await asyncio.to_thread(read_static_files, static_folders(), plugins.static_dirs()))
        read_templates_anew(app)
        app[LIVE].changed(DEVELOPMENT)


def _stamp(folders: Iterable[Path]) -> _Stamp:
    """Give every file with the time of its last change, in nanoseconds. Files may come and go meanwhile."""
    found = set()
    for file in (file for folder in folders for file in folder.rglob("*")):
        try:
            found.add((str(file), file.stat().st_mtime_ns))
        except OSError:
            continue
    return frozenset(found)
