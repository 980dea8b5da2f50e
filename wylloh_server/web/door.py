"""The port `MediaDoor`: a loopback HTTP server through which ffmpeg reads a film and hands back segments.

It listens on 127.0.0.1 only. Each loan has a path of its own that cannot be guessed and is gone afterwards.
"""

from __future__ import annotations

import re
import secrets
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Self, TypeVar

from aiohttp import web

from wylloh_server.domain.errors import ContentError, MediaError, SealBroken

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from types import TracebackType

    from wylloh_server.domain.ports.content import RandomAccess
    from wylloh_server.domain.ports.media import SegmentSink

_Thing = TypeVar("_Thing")

_READ_BYTES = 1 << 20
_SEGMENT_BYTES = 64 << 20
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_SEGMENT_NAME = re.compile(r"init\.mp4|\d{1,7}\.m4s")


class LoopbackDoor:
    """The door. Use it as an async context manager; it is open inside.

    Args:
        segment_limit: the largest body accepted by PUT, in bytes.
    """

    def __init__(self, *, segment_limit: int = _SEGMENT_BYTES) -> None:
        self._sources: dict[str, RandomAccess] = {}
        self._sinks: dict[str, SegmentSink] = {}
        self._base = ""
        application = web.Application(client_max_size=segment_limit)
        application.router.add_get("/film/{loan}", self._give)
        application.router.add_put("/made/{loan}/{name}", self._take)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)

    async def __aenter__(self) -> Self:
        """Start to listen, on a port the system gives."""
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self._base = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the door, also on those in the middle of it."""
        await self._runner.cleanup()

    @asynccontextmanager
    async def lend(self, source: RandomAccess) -> AsyncIterator[str]:
        """Serve a source with Range under a URL until the context ends. The source stays open."""
        with _entered(self._sources, source) as loan:
            yield f"{self._base}/film/{loan}"

    @asynccontextmanager
    async def receive(self, sink: SegmentSink) -> AsyncIterator[str]:
        """Accept PUT below a URL (which ends in '/') and hand each whole body to `sink`."""
        with _entered(self._sinks, sink) as loan:
            yield f"{self._base}/made/{loan}/"

    async def _give(self, request: web.Request) -> web.StreamResponse:
        source = self._sources.get(request.match_info["loan"])
        if source is None:
            raise web.HTTPNotFound
        start, stop = _wanted(request.headers.get("Range"), source.size)
        response = web.StreamResponse(headers={"Accept-Ranges": "bytes"})
        if "Range" in request.headers:
            response.set_status(206)
            response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{source.size}"
        response.content_length = stop - start
        await response.prepare(request)
        if request.method == "GET":
            await _pour(source, start, stop, response, request)
        return response

    async def _take(self, request: web.Request) -> web.Response:
        sink = self._sinks.get(request.match_info["loan"])
        if sink is None:
            raise web.HTTPNotFound
        body = await request.read()
        name = request.match_info["name"]
        if _SEGMENT_NAME.fullmatch(name):  # ffmpeg's own playlist is not wanted
            await sink(name, body)
        return web.Response()


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
    source: RandomAccess, start: int, stop: int, response: web.StreamResponse, request: web.Request
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
