"""The entries of the navigation: the library, the pages plugins add, and those that look after the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.access import Role
from wylloh_server.hooks import Dispatch
from wylloh_server.web.keys import PLUGINS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiohttp import web

    from wylloh_server.domain.access import Viewer


@dataclass(frozen=True, slots=True)
class NavEntry:
    """One entry; `current` is true on the page it leads to and on those below."""

    label: str
    path: str
    current: bool


async def navigation(request: web.Request, viewer: Viewer | None) -> tuple[NavEntry, ...]:
    """Give the entries this viewer has a use for, in order."""
    added = await Dispatch(request.app[PLUGINS]).nav_items(viewer)
    wanted = [("Library", "/"), *((item.label, item.path) for item in added), *_upkeep(viewer)]
    return tuple(_marked(wanted, request.path))


def _upkeep(viewer: Viewer | None) -> list[tuple[str, str]]:
    if viewer is None:
        return []
    titles = [("Titles", "/titles")] if viewer.role.includes(Role.PUBLISHER) else []
    approvals = [("Approvals", "/approvals")] if viewer.role is Role.OWNER else []
    admin = [("Admin", "/admin")] if viewer.role.includes(Role.ADMIN) else []
    return [*titles, *approvals, ("Devices", "/devices"), *admin]


def _marked(entries: Iterable[tuple[str, str]], here: str) -> Iterable[NavEntry]:
    for label, path in entries:
        below = here.startswith(path.rstrip("/") + "/") if path != "/" else here.startswith("/films/")
        yield NavEntry(label, path, here == path or below)
