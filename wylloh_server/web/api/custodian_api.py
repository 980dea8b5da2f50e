"""Requests of holders' servers for envelopes, to this server as custodian. Cookies are ignored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from aiohttp import web

from wylloh_server.domain.device_binding import revocation_from_json
from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.license import request_from_json
from wylloh_server.web.app_keys import SERVICES
from wylloh_server.web.rate_limits import CUSTODY_BUDGET, limited
from wylloh_server.web.request_json import read_object

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@limited(CUSTODY_BUDGET)
async def release(request: web.Request) -> web.Response:
    """EnvelopeRequest as JSON → Envelope as JSON, once the holding has been checked on chain."""
    envelope = await request.app[SERVICES].custodian.release(await _asked(request, request_from_json))
    return web.json_response(envelope.as_json())


@limited(CUSTODY_BUDGET)
async def revoke(request: web.Request) -> web.Response:
    """BindingRevocation as JSON → `{}`: no key is released any more for what the wallet signed before."""
    await request.app[SERVICES].custodian.revoke(await _asked(request, revocation_from_json))
    return web.json_response({})


async def _asked(request: web.Request, read: Callable[[Any], T]) -> T:
    body = await read_object(request)
    try:
        return read(body)
    except (KeyError, TypeError, ValueError, OverflowError):
        raise InvalidValue(
            "This server does not understand what was asked of its custody.",
            fix="Update the server that asked.",
        ) from None


routes = [
    web.post("/api/custody/envelope", release),
    web.post("/api/custody/revocation", revoke),
]
