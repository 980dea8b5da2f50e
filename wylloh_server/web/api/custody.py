"""The custodian's door: a holder's server asks for an envelope. No cookie has any say here."""

from __future__ import annotations

from aiohttp import web

from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.license import EnvelopeRequest, request_from_json
from wylloh_server.web.bodies import object_of
from wylloh_server.web.keys import CUSTODY
from wylloh_server.web.limits import CUSTODY_BUDGET, limited


@limited(CUSTODY_BUDGET)
async def release(request: web.Request) -> web.Response:
    """EnvelopeRequest as JSON → Envelope as JSON, once the holding has been checked on chain."""
    envelope = await request.app[CUSTODY].release(await _asked(request))
    return web.json_response(envelope.as_json())


async def _asked(request: web.Request) -> EnvelopeRequest:
    body = await object_of(request)
    try:
        return request_from_json(body)
    except (KeyError, TypeError, ValueError, OverflowError):
        raise InvalidValue("That is not an envelope request.", fix="Update the server that asked.") from None


routes = [web.post("/api/custody/envelope", release)]
