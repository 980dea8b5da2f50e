"""Pairing a TV: it shows a code, a signed-in phone approves, the TV gets a session of its own."""

from __future__ import annotations

import segno
from aiohttp import web

from wylloh_server.domain.errors import InvalidValue
from wylloh_server.services.devices import OFFER_SECONDS
from wylloh_server.web.bodies import object_of, text
from wylloh_server.web.keys import PAIRING, SETTINGS
from wylloh_server.web.limits import CODE_BUDGET, PAIRING_BUDGET, limited
from wylloh_server.web.session import (
    PAIRING_COOKIE,
    cookie,
    forget_cookie,
    require_viewer,
    set_cookie,
    set_session_cookie,
)


@limited(CODE_BUDGET)
async def code(request: web.Request) -> web.Response:
    """→ `{code, expires_in, pair_url, qr}`; the TV's cookie proves later that it asked. `qr` is SVG text."""
    offer = request.app[PAIRING].offer()
    pair_url = f"{_base(request)}/pair?code={offer.code}"
    qr = segno.make(pair_url, error="m", micro=False).svg_inline(border=2, omitsize=True, light="#fff")
    response = web.json_response(
        {"code": offer.code, "expires_in": OFFER_SECONDS, "pair_url": pair_url, "qr": qr}
    )
    set_cookie(request, response, PAIRING_COOKIE, offer.secret, max_age=OFFER_SECONDS)
    return response


async def state(request: web.Request) -> web.Response:
    """→ `{state}`: `waiting`, `expired`, or `approved` (once, together with the session cookie)."""
    secret = cookie(request, PAIRING_COOKIE)
    try:
        session = await request.app[PAIRING].collect(secret)
    except InvalidValue:
        response = web.json_response({"state": "expired"})
        forget_cookie(request, response, PAIRING_COOKIE)
        return response
    if session is None:
        return web.json_response({"state": "waiting"})
    response = web.json_response({"state": "approved"})
    set_session_cookie(request, response, session.secret)
    forget_cookie(request, response, PAIRING_COOKIE)
    return response


@limited(PAIRING_BUDGET)
async def approve(request: web.Request) -> web.Response:
    """`{code, name}` → `{}`: the TV that shows the code may play the viewer's films."""
    viewer = require_viewer(request)
    body = await object_of(request)
    await request.app[PAIRING].approve(viewer, text(body, "code"), text(body, "name", ""))
    return web.json_response({})


def _base(request: web.Request) -> str:
    return request.app[SETTINGS].server.public_url or f"{request.scheme}://{request.host}"


routes = [
    web.post("/api/tv/code", code),
    web.get("/api/tv/state", state),
    web.post("/api/tv/approve", approve),
]
