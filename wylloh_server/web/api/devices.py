"""Taking a device's session back."""

from __future__ import annotations

from aiohttp import web

from wylloh_server.domain.types import DeviceId
from wylloh_server.web.keys import LIVE, PAIRING, PLAYBACK
from wylloh_server.web.session import require_viewer


async def revoke(request: web.Request) -> web.Response:
    """End the sessions of one of the viewer's own devices, and what plays on it → `{}`."""
    viewer = require_viewer(request)
    device = DeviceId(request.match_info["device"])
    await request.app[PAIRING].revoke(viewer, device)
    await request.app[PLAYBACK].end_device(device)
    request.app[LIVE].end(device)
    return web.json_response({})


routes = [web.post("/api/devices/{device}/revoke", revoke)]
