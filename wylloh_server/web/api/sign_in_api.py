"""Signing in with a wallet, and signing out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from wylloh_server.domain.types import parse_wallet
from wylloh_server.web.app_keys import SERVICES, SETTINGS
from wylloh_server.web.rate_limits import SIGN_IN_BUDGET, limited
from wylloh_server.web.request_json import read_object, text
from wylloh_server.web.session import (
    SESSION_COOKIE,
    address_of,
    forget_cookie,
    require_viewer,
    set_session_cookie,
    viewer_of,
    visit_id,
)
from wylloh_server.web.user_agent import device_name

if TYPE_CHECKING:
    from wylloh_server.domain.access import Viewer


@limited(SIGN_IN_BUDGET)
async def challenge(request: web.Request) -> web.Response:
    """`{wallet}` → `{message}`: the text to sign, bound to this browser's pre-session cookie."""
    body = await read_object(request)
    wallet = parse_wallet(text(body, "wallet"))
    origin = request.headers.get(hdrs.ORIGIN, "")
    return web.json_response(
        {
            "message": request.app[SERVICES].sign_in.challenge(
                visit_id(request), wallet, origin, address_of(request)
            )
        }
    )


@limited(SIGN_IN_BUDGET)
async def answer(request: web.Request) -> web.Response:
    """`{signature, claim_code?}` → `{wallet, role, binding}`, and the session cookie.

    `binding` is null, or `{message}`: what the wallet may sign next, for `/api/binding`, so that this server
    can fetch the keys of its films.
    """
    body = await read_object(request)
    session = await request.app[SERVICES].sign_in.answer(
        visit_id(request),
        text(body, "signature"),
        text(body, "claim_code", ""),
        device_name(request.headers.get(hdrs.USER_AGENT, "")),
        address_of(request),
    )
    viewer = session.viewer
    binding = await _binding(request, viewer)
    response = web.json_response({"wallet": viewer.wallet, "role": viewer.role, "binding": binding})
    set_session_cookie(request, response, session)
    return response


@limited(SIGN_IN_BUDGET)
async def confirmation(request: web.Request) -> web.Response:
    """→ `{wallet, message}`: the text with which the viewer's wallet shows that it is still there."""
    viewer = require_viewer(request)
    origin, address = request.headers.get(hdrs.ORIGIN, ""), address_of(request)
    message = request.app[SERVICES].sign_in.confirmation(viewer, origin, address)
    return web.json_response({"wallet": viewer.wallet, "message": message})


@limited(SIGN_IN_BUDGET)
async def confirm(request: web.Request) -> web.Response:
    """`{signature}` → `{}`: for five minutes this browser may do what needs a signature."""
    viewer = require_viewer(request)
    signature = text(await read_object(request), "signature")
    await request.app[SERVICES].sign_in.confirm(viewer, signature)
    return web.json_response({})


async def sign_out(request: web.Request) -> web.Response:
    """End this browser's session and what plays in it. Signing out twice is fine."""
    viewer = viewer_of(request)
    if viewer is not None:
        await request.app[SERVICES].access_removal.sign_out(viewer.device)
    response = web.json_response({})
    forget_cookie(request, response, SESSION_COOKIE)
    return response


async def _binding(request: web.Request, viewer: Viewer) -> dict[str, object] | None:
    bindings = request.app[SERVICES].bindings
    if not request.app[SETTINGS].chain.rpc or not await bindings.is_due(viewer.wallet):
        return None
    origin = request.headers.get(hdrs.ORIGIN, "")
    return {"message": bindings.request(viewer.session, viewer.wallet, origin)}


routes = [
    web.post("/api/sign-in/challenge", challenge),
    web.post("/api/sign-in/answer", answer),
    web.post("/api/confirmation", confirmation),
    web.post("/api/confirmation/answer", confirm),
    web.post("/api/sign-out", sign_out),
]
