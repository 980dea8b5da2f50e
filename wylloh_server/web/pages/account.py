"""Signing in, and the devices one has let in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from wylloh_server.domain.access import DeviceKind
from wylloh_server.web.keys import PAIRING, SIGN_IN
from wylloh_server.web.session import require_viewer, safe_next, viewer_of
from wylloh_server.web.templating import render

if TYPE_CHECKING:
    from wylloh_server.domain.access import Session, Viewer


@dataclass(frozen=True, slots=True)
class Device:
    """One line of the list of devices; `seen` is seconds since 1970, `here` the one of this page."""

    id: str
    name: str
    kind: str
    seen: float
    here: bool


async def sign_in(request: web.Request) -> web.Response:
    """Show the wallets of this browser, and the field for the claim code while nobody owns the server."""
    onward = safe_next(request.query.get("next", "/"))
    if viewer_of(request) is not None:
        raise web.HTTPFound(onward)
    claimed = await request.app[SIGN_IN].claimed()
    code = request.query.get("claim", "")
    return await render(request, "sign-in.html", claimed=claimed, code=code, next=onward)


async def devices(request: web.Request) -> web.Response:
    """Show every screen that may play the viewer's films, each with a button that takes it back.

    A TV shows only itself: whoever sits before it may not know whose phone the others are.
    """
    viewer = require_viewer(request)
    listed = [_device(viewer, session) for session in await request.app[PAIRING].devices(viewer)]
    if viewer.kind is DeviceKind.TV:
        listed = [device for device in listed if device.here]
    return await render(request, "devices.html", devices=listed)


def _device(viewer: Viewer, session: Session) -> Device:
    return Device(
        id=session.device,
        name=session.name,
        kind="TV" if session.kind is DeviceKind.TV else "Browser",
        seen=session.last_seen,
        here=session.device == viewer.device,
    )
