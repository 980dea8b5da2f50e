"""An HTTP server on loopback, where ffmpeg reads a film and returns segments.

It listens on 127.0.0.1 only, to processes of our own user and of the sandbox's; where the kernel allows
it, in a network that has nothing else in it and that only those processes enter. Each loan has a path of
its own that cannot be guessed and is gone afterwards.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Self, TypeVar

from aiohttp import web

from wylloh_server.adapters.ffmpeg.child_sandbox import sandbox_user
from wylloh_server.adapters.ffmpeg.peer import is_foreign
from wylloh_server.domain.errors import ContentError, MediaError, SealBroken

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from wylloh_server.adapters.ffmpeg.child_sandbox import SandboxNetwork
    from wylloh_server.domain.ports.content import RandomAccess
    from wylloh_server.domain.ports.media import SegmentSink

_Thing = TypeVar("_Thing")

_READ_BYTES = 1 << 20
_SEGMENT_BYTES = 64 << 20
_PATH = re.compile(r"/(film|made)/([A-Za-z0-9_-]+)(?:/([a-z0-9.]+))?")
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_SEGMENT_NAME = re.compile(r"init\.mp4|\d{1,7}\.m4s")


class LoopbackMediaServer:
    """The loopback. Use it as an async context manager; it is open inside.

    Args:
        segment_limit: the largest body accepted by PUT, in bytes.
        network: where to listen; None is this machine's own loopback.
    """

    def __init__(self, *, segment_limit: int = _SEGMENT_BYTES, network: SandboxNetwork | None = None) -> None:
        self._network = network
        self._sources: dict[str, RandomAccess] = {}
        self._sinks: dict[str, SegmentSink] = {}
        self._base = ""
        self._limit = segment_limit

    async def __aenter__(self) -> Self:
        """Start to listen, on a port the system gives."""
        self._runner = web.ServerRunner(_Server(self._answer, access_log=None), shutdown_timeout=1)
        await self._runner.setup()
        await self._site().start()
        host, port = self._runner.addresses[0][:2]
        self._base = f"http://{host}:{port}"
        return self

    def _site(self) -> web.BaseSite:
        if self._network is None:
            return web.TCPSite(self._runner, "127.0.0.1", 0)
        return web.SockSite(self._runner, self._network.listener.dup())

    async def __aexit__(self, *_: object) -> None:
        """Close the server, ending running requests."""
        await self._runner.cleanup()

    @asynccontextmanager
    async def serve(self, source: RandomAccess) -> AsyncIterator[str]:
        """Serve a source with Range under a URL until the context ends. The source stays open."""
        with _entered(self._sources, source) as loan:
            yield f"{self._base}/film/{loan}"

    @asynccontextmanager
    async def accept(self, sink: SegmentSink) -> AsyncIterator[str]:
        """Accept PUT below a URL (which ends in '/') and hand each whole body to `sink`."""
        with _entered(self._sinks, sink) as loan:
            yield f"{self._base}/made/{loan}/"

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if self._network is None and _comes_from_another_user(request):
            raise web.HTTPNotFound
        match = _PATH.fullmatch(request.path)
        kind, loan, name = match.groups() if match else ("", "", "")
        if kind == "film" and request.method in {"GET", "HEAD"} and loan in self._sources:
            return await _give(request, self._sources[loan])
        if kind == "made" and request.method == "PUT" and loan in self._sinks:
            await self._take(request, self._sinks[loan], name or "")
            return web.Response()
        raise web.HTTPNotFound

    async def _take(self, request: web.BaseRequest, sink: SegmentSink, name: str) -> None:
        body = bytearray()
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > self._limit:
                raise web.HTTPRequestEntityTooLarge(self._limit, len(body))
        if _SEGMENT_NAME.fullmatch(name):  # ffmpeg's own playlist is not wanted
            await sink(name, bytes(body))


class _Server(web.Server):
    """Serves clients that hang up as soon as they have sent their last byte, as ffmpeg does."""

    def __call__(self) -> web.RequestHandler:
        return _Listener(self, loop=self._loop, **self._kwargs)


class _Listener(web.RequestHandler):
    """Listens on after the end of what a client sends.

    aiohttp would take a client that hangs up for gone, and drop of its request what has not been read yet.
    """

    __slots__ = ()

    def eof_received(self) -> bool:  # type: ignore[override]  # see asyncio.Protocol: true keeps the transport open
        return True


def _comes_from_another_user(request: web.BaseRequest) -> bool:
    client, server = (request.get_extra_info(end) for end in ("peername", "sockname"))
    return bool(client and server) and is_foreign(client, server, (os.getuid(), sandbox_user()))


async def _give(request: web.BaseRequest, source: RandomAccess) -> web.StreamResponse:
    start, stop = _wanted(request.headers.get("Range"), source.size)
    response = web.StreamResponse(headers={"Accept-Ranges": "bytes"})
    if "Range" in request.headers:
        response.set_status(206)
        response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{source.size}"
    response.content_length = stop - start
    with contextlib.suppress(ConnectionError):  # ffmpeg hangs up when it has read enough, or is ended
        await response.prepare(request)
        if request.method == "GET":
            await _pour(source, start, stop, response, request)
    return response


@contextmanager
def _entered(register: dict[str, _Thing], thing: _Thing) -> Iterator[str]:
    loan = secrets.token_urlsafe(24)
    register[loan] = thing
    try:
        yield loan
    finally:
        del register[loan]


def _wanted(header: str | None, size: int) -> tuple[int, int]:
    """Read the one form of Range that ffmpeg sends (RFC 9110, section 14.1.2)."""
    if header is None:
        return 0, size
    match = _RANGE.fullmatch(header)
    if match is None or int(match[1]) >= size:
        raise web.HTTPRequestRangeNotSatisfiable(headers={"Content-Range": f"bytes */{size}"})
    return int(match[1]), min(size, int(match[2]) + 1 if match[2] else size)


async def _pour(
    source: RandomAccess, start: int, stop: int, response: web.StreamResponse, request: web.BaseRequest
) -> None:
    """Send the bytes. When the source fails in the middle, the connection breaks rather than lies."""
    position = start
    try:
        while position < stop:
            data = await source.read(position, min(_READ_BYTES, stop - position))
            if not data:
                break
            await response.write(data)
            position += len(data)
    except (ContentError, MediaError, SealBroken, OSError):
        position = -1
    if position != stop and request.transport is not None:
        request.transport.abort()
