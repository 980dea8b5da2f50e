"""Signing in with a wallet, letting this server keep keys, signing out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from wylloh_server.domain.types import wallet_of
from wylloh_server.web.bodies import number, object_of, text
from wylloh_server.web.device_names import device_name
from wylloh_server.web.keys import ENVELOPES, LIVE, PLAYBACK, SETTINGS, SIGN_IN
from wylloh_server.web.limits import SIGN_IN_BUDGET, limited
from wylloh_server.web.session import (
    clear_session_cookie,
    require_viewer,
    set_session_cookie,
    viewer_of,
    visit_of,
)

if TYPE_CHECKING:
    from wylloh_server.domain.types import Wallet


@limited(SIGN_IN_BUDGET)
async def challenge(request: web.Request) -> web.Response:
    """`{wallet}` → `{message}`: the text to sign, bound to this browser's pre-session cookie."""
    body = await object_of(request)
    wallet = wallet_of(text(body, "wallet"))
    origin = request.headers.get(hdrs.ORIGIN, "")
    return web.json_response({"message": request.app[SIGN_IN].challenge(visit_of(request), wallet, origin)})


@limited(SIGN_IN_BUDGET)
async def answer(request: web.Request) -> web.Response:
    """`{signature, claim_code?}` → `{wallet, role, binding}`, and the session cookie.

    `binding` is null, or `{text, signed_at}`: what the wallet may sign next, so that this server can fetch
    the keys of its films.
    """
    body = await object_of(request)
    session = await request.app[SIGN_IN].answer(
        visit_of(request),
        text(body, "signature"),
        text(body, "claim_code", ""),
        device_name(request.headers.get(hdrs.USER_AGENT, "")),
    )
    viewer = session.viewer
    binding = await _binding(request, viewer.wallet)
    response = web.json_response({"wallet": viewer.wallet, "role": viewer.role, "binding": binding})
    set_session_cookie(request, response, session.secret)
    return response


async def bind(request: web.Request) -> web.Response:
    """`{signature, signed_at}` → `{}`: the wallet lets this server fetch keys for it."""
    viewer = require_viewer(request)
    body = await object_of(request)
    envelopes = request.app[ENVELOPES]
    unsigned = envelopes.binding_for(viewer.wallet)
    await envelopes.bind(
        replace(unsigned, signed_at=int(number(body, "signed_at")), signature=text(body, "signature"))
    )
    return web.json_response({})


async def sign_out(request: web.Request) -> web.Response:
    """End this browser's session and what plays in it. Signing out twice is fine."""
    viewer = viewer_of(request)
    if viewer is not None:
        await request.app[SIGN_IN].sign_out(viewer)
        await request.app[PLAYBACK].end_device(viewer.device)
        request.app[LIVE].end(viewer.device)
    response = web.json_response({})
    clear_session_cookie(request, response)
    return response


async def _binding(request: web.Request, wallet: Wallet) -> dict[str, object] | None:
    envelopes = request.app[ENVELOPES]
    if not request.app[SETTINGS].chain.rpc or await envelopes.bound(wallet):
        return None
    unsigned = envelopes.binding_for(wallet)
    return {"text": unsigned.text(), "signed_at": unsigned.signed_at}


routes = [
    web.post("/api/sign-in/challenge", challenge),
    web.post("/api/sign-in/answer", answer),
    web.post("/api/binding", bind),
    web.post("/api/sign-out", sign_out),
]
