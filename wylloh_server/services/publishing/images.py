"""Uploaded pictures: checked by decoding; the file name is ignored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.domain.errors import InvalidValue, TranscodeFailed

if TYPE_CHECKING:
    from wylloh_server.domain.ports.media import MediaTools

POSTER_WIDTH = 1280
"""Pixels; more of a poster is not kept unless its publisher made it a JPEG."""
BACKDROP_WIDTH = 1920
"""Pixels; the same of a backdrop."""

_JPEG = b"\xff\xd8\xff"


async def read_picture(picture: bytes, width: int, media: MediaTools) -> bytes:
    """Return a poster or a backdrop as JPEG, at most `width` pixels wide; what is one already stays as it is.

    Raises:
        InvalidValue: it is no JPEG, PNG or WebP picture, or a damaged one.
    """
    try:
        read = await media.jpeg(_Held(picture), width)
    except TranscodeFailed as error:
        raise InvalidValue(
            "this is not a JPEG, PNG or WebP picture that can be read",
            fix="Open it in a picture program, save it as JPEG and choose that.",
        ) from error
    return picture if picture.startswith(_JPEG) else read


class _Held:
    """Bytes in memory. See `domain.ports.content.RandomAccess`."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.size = len(content)

    async def read(self, offset: int, length: int) -> bytes:
        return self._content[offset : offset + length]

    async def close(self) -> None:
        pass
