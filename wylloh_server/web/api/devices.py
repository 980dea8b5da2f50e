"""Taking a device's session back."""

from __future__ import annotations

from aiohttp import web

from wylloh_server.domain.types import DeviceId
from wylloh_server.web.keys import PAIRING
from wylloh_server.web.session import require_viewer


async def revoke(request: web.Request) -> web.Response:
    """End every session of one of the viewer's own devices → `{}`."""
    viewer = require_viewer(request)
    await request.app[PAIRING].revoke(viewer, DeviceId(request.match_info["device"]))
    return web.json_response({})


routes = [web.post("/api/devices/{device}/revoke", revoke)]
