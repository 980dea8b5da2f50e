"""Parts of a file that a client asks for (RFC 9110, section 14)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from wylloh_server.domain.errors import ContentError, MediaError, SealBroken
from wylloh_server.web.error_responses import BadRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wylloh_server.domain.ports.content import RandomAccess

_PIECE_BYTES = 512 << 10


@dataclass(frozen=True, slots=True)
class AskedRange:
    """The bytes from `start` to before `stop` of `size`; `partial` if not simply all were asked for."""

    start: int
    stop: int
    size: int
    partial: bool

    @property
    def status(self) -> int:
        """The status of the answer."""
        return 206 if self.partial else 200

    @property
    def headers(self) -> dict[str, str]:
        """What the answer says of the part that it is."""
        if not self.partial:
            return {}
        return {hdrs.CONTENT_RANGE: f"bytes {self.start}-{self.stop - 1}/{self.size}"}


def asked_range(request: web.Request, size: int) -> AskedRange:
    """Return which of `size` bytes are asked for. A range that cannot be read is ignored, as RFC 9110 says.

    Raises:
        BadRequest: there are no such bytes.
    """
    try:
        asked = request.http_range
    except ValueError:
        asked = slice(None)
    if (asked.start, asked.stop) == (None, None):
        return AskedRange(0, size, size, partial=False)
    start, stop, _ = asked.indices(size)
    if start >= stop:
        raise BadRequest(416, "There are no such bytes.", headers={hdrs.CONTENT_RANGE: f"bytes */{size}"})
    return AskedRange(start, stop, size, partial=True)


async def send_file(
    request: web.Request, source: RandomAccess, content_type: str, headers: Mapping[str, str]
) -> web.StreamResponse:
    """Answer with a file or the part of it that is asked for, piece by piece.

    Where it cannot be read to the end, the connection breaks: what came would pass for the whole else.
    """
    part = asked_range(request, source.size)
    response = web.StreamResponse(
        status=part.status, headers={**headers, hdrs.ACCEPT_RANGES: "bytes", **part.headers}
    )
    response.content_type, response.content_length = content_type, part.stop - part.start
    await response.prepare(request)
    if request.method == hdrs.METH_HEAD:
        return response
    try:
        for start in range(part.start, part.stop, _PIECE_BYTES):
            await response.write(await source.read(start, min(_PIECE_BYTES, part.stop - start)))
    except (ContentError, MediaError, SealBroken, OSError):
        if request.transport is not None:
            request.transport.abort()
    return response
