"""A running lease, asked about and given back by the player."""

from __future__ import annotations

import math

from aiohttp import web

from wylloh_server.domain.errors import AccessRefused
from wylloh_server.domain.playback import LeaseEnd
from wylloh_server.domain.types import PlayToken
from wylloh_server.web.app_keys import SERVICES
from wylloh_server.web.session import presented_lease

LEASE_END_MESSAGES = {
    LeaseEnd.STOPPED: "This film was stopped.",
    LeaseEnd.RIGHTS_GONE: "You no longer hold the tokens that let you watch this film.",
    LeaseEnd.IDLE: "Nobody was watching any more. Press Play to go on.",
    LeaseEnd.SIGNED_OUT: "This device was signed out.",
    LeaseEnd.ENDED_BY_ADMIN: "Somebody who looks after this server ended this film. Your place is kept.",
}


async def state(request: web.Request) -> web.Response:
    """→ `{alive: true, preparing}`, or `{alive: false, why, sentence}` for a lease that has ended.

    `preparing` is about how many seconds the picture takes that the player waits for, or null.
    """
    try:
        lease = presented_lease(request)
    except AccessRefused:
        why = request.app[SERVICES].playback.leases.why_ended(_token(request))
        if why is None:
            raise
        return web.json_response({"alive": False, "why": why, "sentence": LEASE_END_MESSAGES[why]})
    seconds = request.app[SERVICES].playback.preparing(lease)
    return web.json_response({"alive": True, "preparing": None if seconds is None else math.ceil(seconds)})


async def stop(request: web.Request) -> web.Response:
    """End the lease. Stopping one that has ended is fine."""
    try:
        lease = presented_lease(request)
    except AccessRefused:
        if request.app[SERVICES].playback.leases.why_ended(_token(request)) is None:
            raise
    else:
        await request.app[SERVICES].playback.stop(lease)
    return web.json_response({})


def _token(request: web.Request) -> PlayToken:
    return PlayToken(request.match_info["token"])


routes = [web.get("/api/play/{token}", state), web.post("/api/play/{token}/stop", stop)]
