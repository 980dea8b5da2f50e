"""Signing in, and the devices one has let in."""

from __future__ import annotations

from aiohttp import web

from wylloh_server.domain.access import DeviceKind
from wylloh_server.domain.account_name import LONGEST_ACCOUNT_NAME
from wylloh_server.web.app_keys import SERVICES, SETTINGS
from wylloh_server.web.pages.pairing_page import lead_tv_to_pairing
from wylloh_server.web.session import require_viewer, safe_next, viewer_of
from wylloh_server.web.templating import render


async def sign_in(request: web.Request) -> web.Response:
    """Show the wallets of this browser, and the field for the claim code while nobody owns the server.

    A TV has no wallet: it is paired.
    """
    onward = safe_next(request.query.get("next", "/"))
    if viewer_of(request) is not None:
        raise web.HTTPFound(onward)
    lead_tv_to_pairing(request)
    claimed = await request.app[SERVICES].sign_in.claim.done()
    code = request.query.get("claim", "")
    return await render(request, "sign-in.html", claimed=claimed, code=code, next=onward)


async def devices(request: web.Request) -> web.Response:
    """Show every screen that may play the viewer's films, and every server that may keep their keys.

    Each has a button that takes it back. A TV shows only itself: whoever sits before it may not know whose
    phone the others are.
    """
    viewer = require_viewer(request)
    sessions = await request.app[SERVICES].pairing.devices(viewer)
    if viewer.kind is DeviceKind.TV:
        sessions = tuple(session for session in sessions if session.device == viewer.device)
    return await render(
        request,
        "devices.html",
        sessions=sessions,
        longest_name=LONGEST_ACCOUNT_NAME,
        names={session.device: session.name for session in sessions},
        servers=await request.app[SERVICES].bindings.servers(viewer.wallet),
        asks_for_keys=viewer.kind is not DeviceKind.TV and bool(request.app[SETTINGS].chain.rpc),
    )
