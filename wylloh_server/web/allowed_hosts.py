"""Refuses requests for names that this server was not given (DNS rebinding).

A page of an attacker's site may have the name of that site lead to this server, and is then, for a browser,
of one origin with it: it may read whatever is answered. So only these names are answered: those of the
settings, and those that no name server of somebody else decides about (`is_safe_host`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from wylloh_server.domain.network_address import is_address
from wylloh_server.web.error_responses import BadRequest

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler, Middleware

    from wylloh_server.config import ServerSettings

BETWEEN_SERVERS = frozenset({"/api/custody/envelope", "/api/custody/revocation"})
"""Asked by other servers, under the name that a manifest gave them years ago, without Origin or cookie.

No answer depends on where the request comes from: what is asked is signed.
"""

_RESERVED = (".local", ".localhost", ".home.arpa", ".internal")
"""Ends of names that are of no public DNS (RFC 6762, 6761, 8375; `internal`: ICANN, 2024)."""
_LONGEST_SHOWN = 100


def refuse_unknown_hosts(server: ServerSettings) -> Middleware:
    """Make the middleware. What a trusted proxy forwards as host counts as the host: see `believe_proxies`.

    A request without a Host header is of HTTP/1.0, and of no browser.
    """
    own = frozenset(urlsplit(url).hostname for url in (server.public_url, *server.other_urls))

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        named = hdrs.HOST in request.headers and request.path not in BETWEEN_SERVERS
        if named and host_name(request.host) not in own and not is_safe_host(request.host):
            raise _unknown(request)
        return await handler(request)

    return middleware


def _unknown(request: web.Request) -> BadRequest:
    name = host_name(request.host)[:_LONGEST_SHOWN]
    if not name:
        return BadRequest(
            421, "The name that this server was asked by cannot be read.", fix="Send it in Host."
        )
    return BadRequest(
        421,
        f"This server was not told that it is {name}.",
        fix=f"If it is, add {request.scheme}://{request.host[:_LONGEST_SHOWN]} to server.other_urls in its "
        "settings and start it again; until then open it by its IP address.",
    )


def is_safe_host(host: str) -> bool:
    """Return whether a Host header names a machine that no DNS server of somebody else decides about.

    That is an IP address, `localhost`, a name that is reserved for local networks, and one without a dot
    (`nas`): only the network one is in can resolve it, from its own names or below its own search domain.
    """
    name = host_name(host)
    return name != "" and ("." not in name or name.endswith(_RESERVED) or is_address(name))


def host_name(host: str) -> str:
    """Return the name or address in a Host header, without its port and final dot; empty if it has none."""
    try:
        return (urlsplit(f"//{host}").hostname or "").removesuffix(".")
    except ValueError:
        return ""
