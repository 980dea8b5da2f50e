"""The connections of the server: how many may be open, and what is answered to what cannot be read."""

from __future__ import annotations

import asyncio
import logging
import resource
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

_log = logging.getLogger(__name__)

_MOST = 4096
_MOST_DESCRIPTORS = 65_536
_RETRY_SECONDS = 5
_LINGER = 1.0
"""Seconds for a refused client to read why."""
_MOST_LINGERING = 64
CONNECTION: dict[str, Any] = {"access_log": None, "keepalive_timeout": 30}
"""How each is served. aiohttp's own access log stays off: paths carry play tokens, and `log_requests` writes
without them. A client that sends half a header, or nothing, is let go after 30 seconds."""
_TOO_LONG = "The address, or a header of the request, is longer than this server reads. Shorten it.\n"
_UNREADABLE = "The server cannot read this request.\n"
_SENTENCE = "This server has as many connections as it can take."
_BODY = f"{_SENTENCE} Try again in {_RETRY_SECONDS} s.\n".encode()
_REFUSAL = (
    f"HTTP/1.1 503 Service Unavailable\r\nRetry-After: {_RETRY_SECONDS}\r\nConnection: close\r\n"
    f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(_BODY)}\r\n\r\n"
).encode() + _BODY


def raise_descriptor_limit() -> None:
    """Raise how many files and connections this process may open to what the system allows, or 65,536."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _MOST_DESCRIPTORS)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (ValueError, OSError) as error:
        _log.warning("no more than %d files and connections can be open at once: %s", soft, error)


def most_connections() -> int:
    """Return how many connections may be open: half of the descriptors, the rest is for everything else."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST if soft == resource.RLIM_INFINITY else min(_MOST, soft // 2)


class BoundedConnections:
    """Makes the protocols of new connections; refuses those beyond a number with 503 and `Retry-After`.

    Args:
        server: serves the others.
        most: how many may be open.
    """

    def __init__(self, server: web.Server, most: int) -> None:
        self._server = server
        self._most = most
        self._lingering: set[asyncio.BaseTransport] = set()

    def __call__(self) -> asyncio.Protocol:
        """Return the protocol of a connection that was accepted."""
        if len(self._server.connections) < self._most:
            return _Connection(self._server, loop=asyncio.get_running_loop(), **CONNECTION)
        _log.warning("a connection was refused: %d are open", self._most)
        return _Refusal(self._lingering)


class _Connection(web.RequestHandler):
    """Answers what is no HTTP without repeating its bytes."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if message is not None:  # the parser's own, about bytes that are no request
            message = _TOO_LONG if isinstance(exc, LineTooLong) else _UNREADABLE
        return super().handle_error(request, status, exc, message)


class _Refusal(asyncio.Protocol):
    """Says why, and closes once the client has read it."""

    def __init__(self, lingering: set[asyncio.BaseTransport]) -> None:
        self._lingering = lingering
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type checker: of a stream
        self._transport = transport
        transport.write(_REFUSAL)
        if len(self._lingering) >= _MOST_LINGERING:
            transport.close()
            return
        # Closing now would reset the connection: the request has not been read.
        self._lingering.add(transport)
        transport.write_eof()
        asyncio.get_running_loop().call_later(_LINGER, transport.abort)

    def connection_lost(self, _: Exception | None) -> None:
        if self._transport is not None:
            self._lingering.discard(self._transport)
