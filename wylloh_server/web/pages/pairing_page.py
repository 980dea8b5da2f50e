"""A TV shows a code; a phone that is signed in approves it."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from wylloh_server.domain.access import DeviceKind
from wylloh_server.web.app_keys import SETTINGS
from wylloh_server.web.session import require_viewer, viewer_of
from wylloh_server.web.templating import render

_CODE_LENGTH = 6


async def tv(request: web.Request) -> web.Response:
    """Show the page that asks for a code. A TV that has been let in goes on to the library."""
    viewer = viewer_of(request)
    if viewer is not None and viewer.kind is DeviceKind.TV:
        raise web.HTTPFound("/")
    host = urlsplit(request.app[SETTINGS].server.public_url).netloc or request.host
    return await render(request, "tv.html", address=f"{host}/pair")


async def pair(request: web.Request) -> web.Response:
    """Show the form with which a signed-in phone lets a TV in."""
    require_viewer(request)
    typed = "".join(sign for sign in request.query.get("code", "").upper() if sign.isalnum())[:_CODE_LENGTH]
    return await render(request, "pair.html", code=typed)
