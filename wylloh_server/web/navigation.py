"""The entries of the navigation: the library, the pages plugins add, and those that look after the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.domain.access import DeviceKind, Role
from wylloh_server.web.app_keys import DISPATCH, PLUGINS
from wylloh_server.web.reminders import TITLES_PATH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

    from wylloh_server.domain.access import Viewer


async def navigation(
    request: web.Request, viewer: Viewer | None, badges: Mapping[str, int]
) -> list[tuple[str, str, bool]]:
    """Return the entries this viewer has a use for, in order: label, path, whether it leads to this page.

    Who is no publisher finds the way to become one under Devices, and here while an answer waits to be read.
    """
    added = await request.app[DISPATCH].nav_items(viewer)
    if viewer is not None and viewer.kind is DeviceKind.TV:
        for_tvs = {mounted.url.rstrip("/") for mounted in request.app[PLUGINS].routes() if mounted.route.tv}
        added = tuple(item for item in added if item.path.rstrip("/") in for_tvs)
    wanted = [("Library", "/"), *((item.label, item.path) for item in added), *_upkeep(viewer, badges)]
    return [(label, path, _is_current(path, request.path)) for label, path in wanted]


def _upkeep(viewer: Viewer | None, badges: Mapping[str, int]) -> list[tuple[str, str]]:
    if viewer is None:
        return []
    publishes = viewer.role.includes(Role.PUBLISHER)
    titles = (
        [("Titles" if publishes else "Publish", TITLES_PATH)] if publishes or badges.get(TITLES_PATH) else []
    )
    # The wallet in the bar leads to the devices, too; a TV's bar is walked through with arrow keys.
    devices = [] if viewer.kind is DeviceKind.TV else [("Devices", "/devices")]
    approvals = [("Approvals", "/approvals")] if viewer.role is Role.OWNER else []
    admin = [("Admin", "/admin")] if viewer.role.includes(Role.ADMIN) else []
    return [*titles, *approvals, *devices, *admin]


def _is_current(path: str, here: str) -> bool:
    """Return whether an entry leads to the page that is shown, or to one above it."""
    below = "/films/" if path == "/" else path.rstrip("/") + "/"
    return here == path or here.startswith(below)
