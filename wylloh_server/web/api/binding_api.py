"""Which servers may keep the keys of a wallet's films: this one let, and any taken back, by signature."""

from __future__ import annotations

import re
from dataclasses import asdict

from aiohttp import hdrs, web

from wylloh_server.domain.access import DeviceKind, Viewer
from wylloh_server.domain.errors import AccessRefused, InvalidValue
from wylloh_server.web.app_keys import SERVICES
from wylloh_server.web.rate_limits import SIGN_IN_BUDGET, limited
from wylloh_server.web.request_json import read_object, text
from wylloh_server.web.session import require_viewer

_DEVICE_KEY = re.compile(r"(?:[0-9a-f]{64})?")


async def servers(request: web.Request) -> web.Response:
    """→ `{servers: [{device_key, uri, here, last, expires}, …]}`: those that may keep the viewer's keys."""
    viewer = _with_wallet(request)
    found = await request.app[SERVICES].bindings.servers(viewer.wallet)
    return web.json_response({"servers": [asdict(server) for server in found]})


@limited(SIGN_IN_BUDGET)
async def request_binding(request: web.Request) -> web.Response:
    """→ `{message}`: what the wallet signs to let this server fetch its films' keys for 90 days."""
    viewer = _with_wallet(request)
    origin = request.headers.get(hdrs.ORIGIN, "")
    message = request.app[SERVICES].bindings.request(viewer.session, viewer.wallet, origin)
    return web.json_response({"message": message})


async def bind(request: web.Request) -> web.Response:
    """`{signature}` → `{}`: the wallet lets this server fetch keys for it."""
    viewer = _with_wallet(request)
    signature = text(await read_object(request), "signature")
    await request.app[SERVICES].bindings.accept(viewer.session, viewer.wallet, signature)
    return web.json_response({})


async def remove(request: web.Request) -> web.Response:
    """→ `{}`: this server fetches no key for the wallet any more. Only a revocation tells custodians."""
    viewer = _with_wallet(request)
    await request.app[SERVICES].bindings.stored.remove(viewer.wallet)
    return web.json_response({})


@limited(SIGN_IN_BUDGET)
async def request_revocation(request: web.Request) -> web.Response:
    """`{device_key}` → `{message}`: what the wallet signs so that custodians give a server no key any more.

    An empty device key means every server.
    """
    viewer = _with_wallet(request)
    device_key = text(await read_object(request), "device_key", "")
    if not _DEVICE_KEY.fullmatch(device_key):
        raise InvalidValue("That is no server's key.", fix="Reload the page.")
    origin = request.headers.get(hdrs.ORIGIN, "")
    message = request.app[SERVICES].bindings.request_revocation(
        viewer.session, viewer.wallet, device_key, origin
    )
    return web.json_response({"message": message})


async def revoke(request: web.Request) -> web.Response:
    """`{signature}` → `{task}`: it counts here at once; the background task tells the custodians."""
    viewer = _with_wallet(request)
    signature = text(await read_object(request), "signature")
    services = request.app[SERVICES]
    signed = await services.bindings.accept_revocation(viewer.session, viewer.wallet, signature)
    return web.json_response({"task": await services.revocation_delivery.start(signed)})


def _with_wallet(request: web.Request) -> Viewer:
    """Return the viewer, on a device that can have a wallet."""
    viewer = require_viewer(request)
    if viewer.kind is DeviceKind.TV:
        raise AccessRefused("A TV cannot decide about keys.", fix="Use your phone.")
    return viewer


routes = [
    web.get("/api/bindings", servers),
    web.post("/api/binding/request", request_binding),
    web.post("/api/binding", bind),
    web.post("/api/binding/remove", remove),
    web.post("/api/binding/revocation/request", request_revocation),
    web.post("/api/binding/revocation", revoke),
]
