"""One's own account: taking devices' sessions back, and its name."""

from __future__ import annotations

from aiohttp import web

from wylloh_server.domain.account_name import checked_account_name
from wylloh_server.domain.types import DeviceId
from wylloh_server.web.app_keys import SERVICES
from wylloh_server.web.request_json import read_object, text
from wylloh_server.web.session import SESSION_COOKIE, forget_cookie, require_viewer


async def revoke(request: web.Request) -> web.Response:
    """End one of the viewer's own devices and the TVs it let in, with what plays there → `{}`."""
    viewer = require_viewer(request)
    await request.app[SERVICES].access_removal.revoke_own(viewer, DeviceId(request.match_info["device"]))
    return web.json_response({})


async def sign_out_everywhere(request: web.Request) -> web.Response:
    """End the sessions of all devices of the viewer, this one too → `{}`."""
    viewer = require_viewer(request)
    await request.app[SERVICES].access_removal.sign_out_everywhere(viewer.wallet)
    response = web.json_response({})
    forget_cookie(request, response, SESSION_COOKIE)
    return response


async def rename(request: web.Request) -> web.Response:
    """`{name}` → `{name}`: name the viewer's own account; an empty name takes it away."""
    viewer = require_viewer(request)
    name = checked_account_name(text(await read_object(request), "name"))
    await request.app[SERVICES].accounts.rename(viewer.wallet, name)
    return web.json_response({"name": name})


routes = [
    web.post("/api/account/name", rename),
    web.post("/api/devices/{device}/revoke", revoke),
    web.post("/api/devices/sign-out", sign_out_everywhere),
]
