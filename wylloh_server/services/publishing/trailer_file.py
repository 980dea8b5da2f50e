"""The trailer of a package: the publisher's file if browsers play that, else one made of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from wylloh_server.domain.trailer import TRAILER_BYTES, browsers_play, check_trailer
from wylloh_server.services.library.film_sources import opened

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from wylloh_server.domain.ports.content import RandomAccess
    from wylloh_server.domain.ports.media import MediaTools
    from wylloh_server.domain.ports.uploads import PlaintextFilm

_PIECE_BYTES = 1 << 20
_HEADER_BYTES = 16


async def write_trailer(trailer: PlaintextFilm, media: MediaTools, target: Path) -> None:
    """Write a trailer into a package's folder.

    Raises:
        MediaRefused: it is no film we open, or too long for a trailer.
        TranscodeFailed: nothing that browsers play can be made of it.
    """
    async with opened(trailer.open()) as source:
        probe = await media.probe(source)
        check_trailer(probe)
        fits = source.size <= TRAILER_BYTES and browsers_play(probe, await source.read(0, _HEADER_BYTES))
        with target.open("wb") as file:

            async def write(piece: bytes) -> None:
                await asyncio.to_thread(file.write, piece)

            if fits:
                await _copy(source, write)
            else:
                await media.trailer(source, probe, write)


async def _copy(source: RandomAccess, write: Callable[[bytes], Awaitable[None]]) -> None:
    for start in range(0, source.size, _PIECE_BYTES):
        await write(await source.read(start, _PIECE_BYTES))
