"""What a TV's session may ask for: to find films and watch them, and nothing else.

A TV in the living room is everybody's. It has no wallet, and its session may be old: so what
it may ask for is listed, and everything else is refused. Plugins' routes say for themselves whether they are
for TVs (`PluginRoute.tv`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import hdrs

from wylloh_server.domain.access import DeviceKind
from wylloh_server.domain.errors import AccessRefused

if TYPE_CHECKING:
    from aiohttp import web

    from wylloh_server.domain.access import Viewer

_FOR_TVS = frozenset(
    {
        # pages
        (hdrs.METH_GET, "/"),
        (hdrs.METH_GET, "/search"),
        (hdrs.METH_GET, "/films/{film}"),
        (hdrs.METH_GET, "/watch/{film}"),
        (hdrs.METH_GET, "/watch/{film}/trailer"),
        (hdrs.METH_GET, "/devices"),
        (hdrs.METH_GET, "/about"),
        (hdrs.METH_GET, "/tv"),
        # playing, and what the pages above ask for
        (hdrs.METH_POST, "/api/films/{film}/play"),
        (hdrs.METH_POST, "/api/films/{film}/trailer"),
        (hdrs.METH_POST, "/api/films/{film}/position"),
        (hdrs.METH_POST, "/api/player/preferences"),
        (hdrs.METH_GET, "/api/play/{token}"),
        (hdrs.METH_POST, "/api/play/{token}/stop"),
        (hdrs.METH_GET, "/api/live"),
        # its own session: begun by a code, ended by itself
        (hdrs.METH_POST, "/api/tv/code"),
        (hdrs.METH_GET, "/api/tv/state"),
        (hdrs.METH_POST, "/api/sign-out"),
        (hdrs.METH_POST, "/api/devices/{device}/revoke"),
    }
)


def refuse_tv(viewer: Viewer | None) -> None:
    """Raise AccessRefused if the viewer is a TV.

    Raises:
        AccessRefused: it is one.
    """
    if viewer is not None and viewer.kind is DeviceKind.TV:
        raise AccessRefused("A TV plays films and does nothing else.", fix="Use your phone or computer.")


def check_tv_route(request: web.Request, viewer: Viewer | None) -> None:
    """Refuse a TV what is not on the list of the core's routes.

    Raises:
        AccessRefused: a TV asks for something else.
    """
    resource = request.match_info.route.resource
    if resource is None or request.path.startswith("/plugins/"):
        return
    method = hdrs.METH_GET if request.method == hdrs.METH_HEAD else request.method
    if (method, resource.canonical) not in _FOR_TVS:
        refuse_tv(viewer)
