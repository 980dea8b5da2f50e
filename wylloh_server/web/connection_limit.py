"""A bound on open connections: the next one is told to come again instead of taking the last descriptor."""

from __future__ import annotations

import asyncio
import logging
import resource
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web

_log = logging.getLogger(__name__)

_MOST = 4096
_MOST_DESCRIPTORS = 65_536
_RETRY_SECONDS = 5
_LINGER = 1.0
"""Seconds for a refused client to read why."""
_MOST_LINGERING = 64
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
            return self._server()
        _log.warning("a connection was refused: %d are open", self._most)
        return _Refusal(self._lingering)


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
