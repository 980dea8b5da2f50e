"""Random access to the plaintext of one encrypted stream."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from cachetools import LRUCache

from wylloh_server.adapters.crypto.aead_segments import Layout, StreamCipher, StreamParameters, cut

if TYPE_CHECKING:
    from wylloh_server.domain.ports.content import RandomAccess
    from wylloh_server.domain.types import ContentKey

_KEPT_SEGMENTS = 4


class DecryptingReader:
    """The plaintext of one encrypted stream, safe for several readers at once.

    Before the first byte is given, the last segment is opened: only the right key, the right associated data
    and an uncut ciphertext allow that. At most four opened segments are kept, in memory only.
    """

    def __init__(
        self, ciphertext: RandomAccess, key: ContentKey, associated: bytes, parameters: StreamParameters
    ) -> None:
        self._ciphertext = ciphertext
        self._parameters = parameters
        self._layout = Layout(parameters, ciphertext.size)
        self._sealed_with = (key, associated)
        self._cipher: StreamCipher | None = None
        self._opened: LRUCache[int, asyncio.Task[bytes]] = LRUCache(_KEPT_SEGMENTS)
        self._latest = -1
        self._closed = False

    @property
    def size(self) -> int:
        """Length of the plaintext in bytes."""
        return self._layout.plaintext_bytes

    async def read(self, offset: int, length: int) -> bytes:
        """Read plaintext; fewer bytes than asked only at the end.

        Raises:
            SealBroken: a segment does not open.
            ContentError: the ciphertext underneath cannot be read.
        """
        if self._cipher is None:
            self._cipher = await self._proven()
        end = min(offset + length, self.size)
        if offset < 0 or offset >= end:
            return b""
        first, last = self._layout.segment_at(offset), self._layout.segment_at(end - 1)
        # Who reads on from where the last read ended will want the segment after this one, too.
        ahead = last + 1 if first in {self._latest, self._latest + 1} else last
        parts, self._latest = [], last
        for number in range(first, last + 1):
            wanted = self._start(number, self._cipher)
            self._start(min(number + 1, ahead, self._layout.segments - 1), self._cipher)
            # A reader that goes away must not take the segment from another who waits for it too.
            segment = await asyncio.shield(wanted)
            start = self._layout.plaintext_start(number)
            parts.append(segment[max(0, offset - start) : end - start])
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def close(self) -> None:
        """Forget the opened segments and close the ciphertext underneath."""
        self._closed = True
        for task in self._opened.values():
            task.cancel()
        self._opened.clear()
        await self._ciphertext.close()

    async def _proven(self) -> StreamCipher:
        header = await self._ciphertext.read(0, self._parameters.header_bytes)
        key, associated = self._sealed_with
        cipher = StreamCipher(key, header, associated, self._parameters)
        await asyncio.shield(self._start(self._layout.segments - 1, cipher))
        return cipher

    def _start(self, number: int, cipher: StreamCipher) -> asyncio.Task[bytes]:
        """Have one segment opened; readers that want the same one wait for the same work."""
        if self._closed:
            raise ValueError("read of a closed film")
        task = self._opened.get(number)
        if task is None or _failed(task):
            task = self._opened[number] = asyncio.create_task(self._open(number, cipher))
            # asyncio would complain of a failure where every reader went away meanwhile.
            task.add_done_callback(_failed)
        return task

    async def _open(self, number: int, cipher: StreamCipher) -> bytes:
        start, end = self._layout.ciphertext_span(number)
        sealed = await self._ciphertext.read(start, end - start)
        if len(sealed) != end - start:
            raise cut()
        last = number == self._layout.segments - 1
        return await asyncio.to_thread(cipher.open, number, sealed, last=last)


def _failed(task: asyncio.Task[bytes]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
