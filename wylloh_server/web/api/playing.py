"""A running lease, asked about and given back by the player."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from wylloh_server.domain.errors import AccessRefused
from wylloh_server.domain.playback import LeaseEnd
from wylloh_server.domain.types import PlayToken
from wylloh_server.web.keys import PLAYBACK
from wylloh_server.web.session import address_of, presented_session

if TYPE_CHECKING:
    from wylloh_server.domain.playback import Lease

_SENTENCES = {
    LeaseEnd.STOPPED: "This film was stopped.",
    LeaseEnd.RIGHTS_GONE: "You no longer hold the tokens that let you watch this film.",
    LeaseEnd.IDLE: "Nobody was watching any more. Press Play to go on.",
    LeaseEnd.SIGNED_OUT: "This device was signed out.",
}


async def state(request: web.Request) -> web.Response:
    """→ `{alive: true}`, or `{alive: false, why, sentence}` for a lease that has ended."""
    try:
        _lease(request)
    except AccessRefused:
        why = request.app[PLAYBACK].ended(_token(request))
        if why is None:
            raise
        return web.json_response({"alive": False, "why": why, "sentence": _SENTENCES[why]})
    return web.json_response({"alive": True})


async def stop(request: web.Request) -> web.Response:
    """End the lease. Stopping one that has ended is fine."""
    try:
        lease = _lease(request)
    except AccessRefused:
        if request.app[PLAYBACK].ended(_token(request)) is None:
            raise
    else:
        await request.app[PLAYBACK].stop(lease)
    return web.json_response({})


def _lease(request: web.Request) -> Lease:
    return request.app[PLAYBACK].lease(_token(request), presented_session(request), address_of(request))


def _token(request: web.Request) -> PlayToken:
    return PlayToken(request.match_info["token"])


routes = [web.get("/api/play/{token}", state), web.post("/api/play/{token}/stop", stop)]
