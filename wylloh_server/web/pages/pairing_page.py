"""A TV shows a code; a phone that is signed in approves it."""

from __future__ import annotations

from aiohttp import hdrs, web

from wylloh_server.domain.access import DeviceKind
from wylloh_server.web.phone_link import public_address
from wylloh_server.web.session import require_viewer, viewer_of
from wylloh_server.web.templating import render
from wylloh_server.web.user_agent import is_tv

_CODE_LENGTH = 6


async def tv(request: web.Request) -> web.Response:
    """Show the page that asks for a code. A TV that has been let in goes on to the library."""
    viewer = viewer_of(request)
    if viewer is not None and viewer.kind is DeviceKind.TV:
        raise web.HTTPFound("/")
    return await render(request, "tv.html", address=public_address(request, "/pair").partition("://")[2])


def lead_tv_to_pairing(request: web.Request) -> None:
    """Lead the browser of a TV, where nobody is signed in, to the page that pairs it.

    Raises:
        web.HTTPFound: it is a TV's.
    """
    if is_tv(request.headers.get(hdrs.USER_AGENT, "")):
        raise web.HTTPFound("/tv")


async def pair(request: web.Request) -> web.Response:
    """Show the form with which a signed-in phone lets a TV in."""
    require_viewer(request)
    typed = "".join(sign for sign in request.query.get("code", "").upper() if sign.isalnum())[:_CODE_LENGTH]
    return await render(request, "pair.html", code=typed)
