"""Believes `X-Forwarded-*` of the reverse proxies named in the settings, and of nobody else."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from aiohttp import web

from wylloh_server.domain.errors import SettingsError
from wylloh_server.web.app_keys import UNLISTED_PROXIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohttp.typedefs import Handler, Middleware

    _Network = ipaddress.IPv4Network | ipaddress.IPv6Network


FORWARDED = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")
"""Headers that reverse proxies add."""


def believe_proxies(trusted: Sequence[str]) -> Middleware:
    """Make the middleware. `trusted` holds addresses or networks (`10.0.0.0/8`).

    Raises:
        SettingsError: one of them is neither.
    """
    networks = tuple(_network(text) for text in trusted)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if networks and _is_trusted(request.remote or "", networks):
            request = _as_forwarded(request, networks)
        elif is_forwarded(request):
            request.app[UNLISTED_PROXIES].note(request.remote or "")
        return await handler(request)

    return middleware


def is_forwarded(request: web.Request) -> bool:
    """Return whether a proxy has passed the request on, as far as headers tell."""
    return any(name in request.headers for name in FORWARDED)


def _network(text: str) -> _Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise SettingsError(
            f"server.trusted_proxies: {text!r} is not an address",
            fix="Give IP addresses or networks, for example 10.0.0.2 or 10.0.0.0/24.",
        ) from None


def _is_trusted(address: str, networks: Sequence[_Network]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)


def _as_forwarded(request: web.Request, networks: Sequence[_Network]) -> web.Request:
    """Return the request as the outermost trusted proxy saw it."""
    told = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    # Read from the right: everything left of the first address we do not trust can be made up.
    client = next((part for part in reversed(told) if not _is_trusted(part, networks)), None)
    scheme = request.headers.get("X-Forwarded-Proto", "")
    # Of several the last one was added by the proxy that we trust.
    host = request.headers.get("X-Forwarded-Host", "").rpartition(",")[2].strip()
    return request.clone(
        remote=client or request.remote or "",
        scheme=scheme if scheme in {"http", "https"} else request.scheme,
        host=host or request.host,
    )
