"""A film as the file that PyAV reads, in a thread, while the loop fetches its bytes."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING

from cachetools import LRUCache

if TYPE_CHECKING:
    from wylloh_server.domain.ports.content import RandomAccess

PIECE_BYTES = 1 << 20
_PIECES = 4
"""Pieces that stay in memory: a demuxer goes back and forth between tracks."""
_SECONDS = 60


class SourceFile(io.RawIOBase):
    """The bytes of a source, for one thread at a time; never for that of the loop, which it waits for.

    Args:
        source: what is read.
        loop: where its coroutines run.
    """

    def __init__(self, source: RandomAccess, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._source = source
        self._loop = loop
        self._at = 0
        self._pieces: LRUCache[int, bytes] = LRUCache(_PIECES)

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return where the next read begins."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move to another place and return it."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._source.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        """Read at most so many bytes; fewer where a piece ends, none at the end.

        Raises:
            ContentError: a block is missing or corrupt.
            TimeoutError: they do not come.
        """
        if self._at >= self._source.size:
            return b""
        number, within = divmod(self._at, PIECE_BYTES)
        data = self._piece(number)[within : within + size if size >= 0 else None]
        self._at += len(data)
        return data

    def _piece(self, number: int) -> bytes:
        piece: bytes | None = self._pieces.get(number)
        if piece is None:
            reading = self._source.read(number * PIECE_BYTES, PIECE_BYTES)
            piece = asyncio.run_coroutine_threadsafe(_coroutine(reading), self._loop).result(_SECONDS)
            self._pieces[number] = piece
        return piece


async def _coroutine(reading: object) -> bytes:
    return await reading  # type: ignore[no-any-return,misc]
