"""Refuses requests that another site makes a browser send (cross-site request forgery).

A request that changes something must say in `Origin` that it comes from one of this server's own addresses:
a configured one, or the very address it was sent to where that cannot be an attacker's name (see
`is_safe_host`; DNS rebinding needs a name the attacker controls).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from wylloh_server.web.allowed_hosts import BETWEEN_SERVERS, is_safe_host
from wylloh_server.web.app_keys import SETTINGS
from wylloh_server.web.error_responses import BadRequest
from wylloh_server.web.webhooks import is_webhook

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

_READING = frozenset({hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS})


@web.middleware
async def refuse_other_sites(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a state-changing request that did not start on one of this server's own pages."""
    reading = request.method in _READING or request.path in BETWEEN_SERVERS
    if not reading and not _from_here(request) and not is_webhook(request):
        raise BadRequest(
            403,
            "This request did not come from a page of this server.",
            fix="Open the server by one of its own addresses (server.public_url, server.other_urls).",
        )
    return await handler(request)


def _from_here(request: web.Request) -> bool:
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        return False
    origin = request.headers.get(hdrs.ORIGIN, "")
    server = request.app[SETTINGS].server
    return origin != "" and (
        origin in {server.public_url, *server.other_urls} or _is_own_address(origin, request)
    )


def _is_own_address(origin: str, request: web.Request) -> bool:
    return origin == f"{request.scheme}://{request.host}" and is_safe_host(request.host)
