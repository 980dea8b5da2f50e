"""Who may fetch blocks from this server, how many packages and blocks are sent at once, and how fast.

Nobody is signed in here: a gateway reads no cookie. Counts therefore go by address, see `Payer.names`.
"""

from __future__ import annotations

import asyncio
import math
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from wylloh_server.domain.errors import AccessRefused
from wylloh_server.domain.network_address import is_local
from wylloh_server.web.error_responses import BadRequest
from wylloh_server.web.open_places import OpenPlaces
from wylloh_server.web.rate_limits import payer_of
from wylloh_server.web.send_queue import SendQueue
from wylloh_server.web.session import address_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wylloh_server.config import IpfsSettings

_A_HOME = 4
"""Packages that stream to one home at once: as many as a Wylloh server fetches."""
_BLOCKS = 16
"""Blocks that are sent in the place of one package, and blocks that one home fetches at once."""
_SITES = 8
"""Of the strangers' places one site has this part, or as many as a home."""
_RETRY_SECONDS = 15
_MOST_DEBT_SECONDS = 5.0
"""A home for which something waits already may ask for more only if its turn comes within this time."""
_WRITE_SECONDS = 30.0
_PIECE = 1 << 18
"""Bytes that somebody has to read within `_WRITE_SECONDS`."""
_MEGABYTE = 10**6


class GatewayLimits:
    """Applies `[ipfs]` to those who fetch.

    Args:
        settings: of `[ipfs]`.
        clock: seconds that only move on.
    """

    def __init__(self, settings: IpfsSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._packages = OpenPlaces(_places(settings.serve_streams, _A_HOME))
        self._blocks = OpenPlaces(_places(settings.serve_streams * _BLOCKS, _BLOCKS))
        self._queue = SendQueue(settings.serve_mb_per_second * _MEGABYTE, clock)

    def admit(self, request: web.Request) -> None:
        """Refuse whom this server does not serve.

        Raises:
            AccessRefused: `ipfs.serve` leaves this address out.
        """
        serve = self._settings.serve
        if serve == "nobody" or (serve == "lan" and not is_local(address_of(request))):
            raise AccessRefused("This server does not serve blocks to you.", fix="Ask another gateway.")

    def cors_headers(self, request: web.Request) -> dict[str, str]:
        """Return what lets pages of other sites read the answer: nothing, but for sites in the settings."""
        origin, allowed = request.headers.get(hdrs.ORIGIN, ""), self._settings.browser_origins
        headers = {"Vary": "Accept, Origin", "Cross-Origin-Resource-Policy": "same-origin"}
        if "*" in allowed or (origin and origin in allowed):
            headers |= {
                "Access-Control-Allow-Origin": "*" if "*" in allowed else origin,
                "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
                "Access-Control-Allow-Headers": "Accept, Content-Type, Range, X-Requested-With",
                "Access-Control-Expose-Headers": "Content-Length, Content-Range, X-Ipfs-Path",
                "Cross-Origin-Resource-Policy": "cross-origin",
            }
        return headers

    @contextmanager
    def package(self, request: web.Request) -> Iterator[None]:
        """Take a place for a package that streams, until the context ends.

        Raises:
            BadRequest: 429 where this home or the site around it has its places taken; 503 where strangers or
                everybody have, or where more waits for this home than is sent in a few seconds.
        """
        with self._place(request, self._packages, "packages"):
            yield

    @contextmanager
    def block(self, request: web.Request) -> Iterator[None]:
        """Take a place for one block; like `package`."""
        with self._place(request, self._blocks, "blocks"):
            yield

    @contextmanager
    def _place(self, request: web.Request, places: OpenPlaces, what: str) -> Iterator[None]:
        names = (("everybody", ""), *payer_of(request).names())
        debt = self._queue.debt(payer_of(request))
        if debt > _MOST_DEBT_SECONDS:
            raise _busy(503, "This server sends more slowly than you ask.", math.ceil(debt))
        full = places.take(names)
        if full in {"everybody", "all"}:
            raise _busy(503, f"This server sends as many {what} as it may already.", _RETRY_SECONDS)
        if full:
            raise _busy(429, f"Enough {what} are being sent to you already.", _RETRY_SECONDS)
        try:
            yield
        finally:
            places.give_back(names)

    async def turn(self, request: web.Request, size: int) -> None:
        """Wait until so many bytes may be sent at the pace of the settings; not on the local network.

        Raises:
            ConnectionResetError: who asked has hung up, and nothing was booked.
        """
        if not is_local(address_of(request)):
            await self._queue.turn(payer_of(request), size, lambda: request.transport is None)

    async def write(self, response: web.StreamResponse, chunk: bytes) -> None:
        """Send bytes whose turn it is.

        Raises:
            TimeoutError: nobody has read for a while.
        """
        for start in range(0, len(chunk), _PIECE):
            async with asyncio.timeout(_WRITE_SECONDS):
                await response.write(chunk[start : start + _PIECE])


GATEWAY_LIMITS: web.AppKey[GatewayLimits] = web.AppKey("gateway_limits")


def _places(total: int, of_home: int) -> dict[str, int]:
    """Share places out: a quarter is kept for the local network, no site has more than half of the others."""
    strangers = max(1, total - max(1, total // 4))
    site = min(max(1, strangers // 2), max(of_home, strangers // _SITES))
    return {"everybody": total, "all": strangers, "site": site, "home": of_home}


def _busy(status: int, sentence: str, seconds: int) -> BadRequest:
    return BadRequest(
        status, sentence, fix=f"Try again in {seconds} s.", headers={hdrs.RETRY_AFTER: str(seconds)}
    )
