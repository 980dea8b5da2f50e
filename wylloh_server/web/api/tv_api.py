"""Pairing a TV: it shows a code, a signed-in phone approves, the TV gets a session of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from wylloh_server.domain.access import DeviceKind
from wylloh_server.domain.errors import InvalidValue, NotFound
from wylloh_server.domain.network_address import same_network
from wylloh_server.domain.types import FilmId, Seconds
from wylloh_server.services.accounts.device_pairing import OFFER_SECONDS
from wylloh_server.web.app_keys import LIVE, SERVICES
from wylloh_server.web.phone_link import public_address, qr_code
from wylloh_server.web.rate_limits import CODE_BUDGET, PAIRING_BUDGET, limited
from wylloh_server.web.request_json import read_object, text
from wylloh_server.web.session import (
    PAIRING_COOKIE,
    address_of,
    cookie,
    forget_cookie,
    require_viewer,
    set_cookie,
    set_session_cookie,
)
from wylloh_server.web.user_agent import device_name

if TYPE_CHECKING:
    from wylloh_server.domain.access import Session, Viewer


TV_SECONDS = Seconds(8)
"""How long a TV that is on may take to ask for the player."""


@limited(CODE_BUDGET)
async def code(request: web.Request) -> web.Response:
    """→ `{code, number, expires_in, pair_url, qr}`; the TV's cookie proves later that it asked.

    `number` is for a phone that got the code by the link. `qr` is SVG text.
    """
    device = device_name(request.headers.get(hdrs.USER_AGENT, ""))
    offer = request.app[SERVICES].pairing.offer(address_of(request), device)
    pair_url = public_address(request, f"/pair?code={offer.code}")
    response = web.json_response(
        {
            "code": offer.code,
            "number": offer.number,
            "expires_in": OFFER_SECONDS,
            "pair_url": pair_url,
            "qr": qr_code(pair_url),
        }
    )
    set_cookie(request, response, PAIRING_COOKIE, offer.secret, max_age=int(OFFER_SECONDS))
    return response


async def state(request: web.Request) -> web.Response:
    """→ `{state}`: `waiting`, `expired`, or `approved` (once, together with the session cookie)."""
    secret = cookie(request, PAIRING_COOKIE)
    try:
        session = await request.app[SERVICES].pairing.collect(secret)
    except InvalidValue:
        response = web.json_response({"state": "expired"})
        forget_cookie(request, response, PAIRING_COOKIE)
        return response
    if session is None:
        return web.json_response({"state": "waiting"})
    response = web.json_response({"state": "approved"})
    set_session_cookie(request, response, session)
    forget_cookie(request, response, PAIRING_COOKIE)
    return response


@limited(PAIRING_BUDGET)
async def look(request: web.Request) -> web.Response:
    """`{code}` → `{device, address, here, waiting, numbers}`: who asks, for the viewer to look at.

    `here` is whether it asks from the network this phone is in, `waiting` for how many seconds it has.
    """
    viewer = require_viewer(request)
    pairing = request.app[SERVICES].pairing
    offer = pairing.find(viewer, text(await read_object(request), "code"))
    return web.json_response(
        {
            "device": offer.device,
            "address": offer.address,
            "here": same_network(offer.address, address_of(request)),
            "waiting": round(OFFER_SECONDS - pairing.seconds_left(offer)),
            "numbers": offer.choices,
        }
    )


@limited(PAIRING_BUDGET)
async def approve(request: web.Request) -> web.Response:
    """`{code, name, number?}` → `{}`: the TV that shows the code may play the viewer's films.

    `number` is the one that the viewer chose, where the code came by a link; where it is left out the viewer
    read the code from the TV.
    """
    viewer = require_viewer(request)
    body = await read_object(request)
    number = text(body, "number") if "number" in body else None
    request.app[SERVICES].pairing.approve(viewer, text(body, "code"), text(body, "name", ""), number)
    return web.json_response({})


async def send(request: web.Request) -> web.Response:
    """`{film}` → `{name}`: play a film on a TV that the viewer has let in and that is on now, and answers."""
    viewer = require_viewer(request)
    film = await request.app[SERVICES].library.film(FilmId(text(await read_object(request), "film")))
    tv = await _own_tv(request, viewer)
    if not await request.app[LIVE].open_on(tv.device, f"/watch/{film.id}", TV_SECONDS):
        raise InvalidValue(
            f"{tv.name} does not answer.",
            fix="Switch it on, open this server on it, and send the film again.",
        )
    return web.json_response({"name": tv.name})


async def _own_tv(request: web.Request, viewer: Viewer) -> Session:
    device = request.match_info["device"]
    for session in await request.app[SERVICES].pairing.devices(viewer):
        if session.device == device and session.kind is DeviceKind.TV:
            return session
    raise NotFound("You have let in no such TV.", fix="Pair it with your phone.")


routes = [
    web.post("/api/tv/code", code),
    web.get("/api/tv/state", state),
    web.post("/api/tv/look", look),
    web.post("/api/tv/approve", approve),
    web.post("/api/tv/{device}/send", send),
]
