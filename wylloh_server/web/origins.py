"""Refuses requests that another site makes a browser send (cross-site request forgery).

A request that changes something must say in `Origin` that it comes from one of this server's own addresses:
a configured one, or the very address it was sent to where that cannot be an attacker's name (a literal IP
address, `localhost`, or a name under `.local`; DNS rebinding needs a name the attacker controls).
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from wylloh_server.web.keys import SETTINGS
from wylloh_server.web.problems import BadRequest

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

_READING = frozenset({hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS})

_BETWEEN_SERVERS = frozenset({"/api/custody/envelope"})
"""Asked by other servers, which send no Origin. Its answer depends on no cookie."""


@web.middleware
async def refuse_other_sites(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a state-changing request that did not start on one of this server's own pages."""
    if request.method not in _READING and request.path not in _BETWEEN_SERVERS and not _from_here(request):
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
    return origin == f"{request.scheme}://{request.host}" and cannot_be_rebound(request.host)


def cannot_be_rebound(host: str) -> bool:
    """Say whether a Host header names a machine that no DNS server of somebody else decides about."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name == "localhost" or name.endswith((".local", ".localhost")):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
