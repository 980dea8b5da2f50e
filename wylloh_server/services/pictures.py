"""Pictures that people bring: looked into by the decoder, never believed by their name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.domain.errors import InvalidValue, TranscodeFailed

if TYPE_CHECKING:
    from wylloh_server.domain.ports.media import Encoder, MediaDoor

POSTER_WIDTH = 1280
"""Pixels; more of a poster is not kept unless its publisher made it a JPEG."""

_JPEG = b"\xff\xd8\xff"


async def poster_of(picture: bytes, door: MediaDoor, encoder: Encoder) -> bytes:
    """Give a poster as JPEG; what is one already stays as it is.

    Raises:
        InvalidValue: it is no JPEG, PNG or WebP picture, or a damaged one.
    """
    try:
        async with door.lend(_Held(picture)) as url:
            read = await encoder.jpeg(url, POSTER_WIDTH)
    except TranscodeFailed as error:
        raise InvalidValue(
            "the poster is not a JPEG, PNG or WebP picture that can be read",
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
