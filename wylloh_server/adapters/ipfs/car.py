"""CARv1: blocks one after another in a stream.

Source: https://ipld.io/specs/transport/car/carv1/.
The reader trusts nothing: every block is hashed before it is passed on, and every length has a bound.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from wylloh_server.adapters.ipfs.cid import MAX_BLOCK_BYTES, ContentId, IpfsBlock, read_cid
from wylloh_server.adapters.ipfs.dag_cbor import decode_header, encode_header
from wylloh_server.adapters.ipfs.varint import read_varint, varint
from wylloh_server.domain.errors import BlockCorrupt, InvalidValue

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

_MAX_HEADER_BYTES = 4096
_CID_BYTES = 36
_MAX_VARINT_BYTES = 10


def car_header(root: ContentId) -> bytes:
    """Return the first bytes of a CAR with one root."""
    header = encode_header(root.binary)
    return varint(len(header)) + header


def car_section(cid: ContentId, data: bytes) -> tuple[bytes, bytes]:
    """Return the bytes of one block in a CAR, in two pieces that spare a copy."""
    binary = cid.binary
    return varint(len(binary) + len(data)) + binary, data


async def read_car(chunks: AsyncIterator[bytes], root: ContentId) -> AsyncGenerator[IpfsBlock, None]:
    """Return the blocks of a CAR as they arrive, each checked against its CID.

    The end of the stream says nothing of completeness: a CAR may have been cut between two blocks.

    Args:
        chunks: the stream in pieces of any size.
        root: the CID the CAR must name as its root.

    Raises:
        BlockCorrupt: a block is not what its CID says, another root, or bytes that are no CAR.
    """
    stream = _Stream(chunks)
    try:
        header = await stream.section(_MAX_HEADER_BYTES)
        if header is None or root not in [read_cid(binary, 0)[0] for binary in decode_header(header)]:
            raise BlockCorrupt("The CAR has another root than the one asked for.", fix="Ask another gateway.")
        while (found := await stream.block()) is not None:
            yield await asyncio.to_thread(IpfsBlock.checked, *found)
    except InvalidValue as error:
        raise BlockCorrupt(f"Not a CAR: {error}", fix="Ask another gateway.") from error


class _Stream:
    """Cuts length-prefixed sections out of a stream of chunks."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._buffer = bytearray()

    async def section(self, most: int) -> bytes | None:
        """Return the next section, or None at the end of the stream."""
        length = await self._section_length(most)
        return None if length is None else self._taken(0, length)

    async def _section_length(self, most: int) -> int | None:
        """Read the length of the next section and wait until all of it is here."""
        length = await self._length()
        if length is None:
            return None
        if not 0 < length <= most:
            raise BlockCorrupt(f"The CAR has a section of {length} bytes.", fix="Ask another gateway.")
        if not await self._filled(length):
            raise BlockCorrupt("The CAR was cut in the middle of a block.", fix="Ask another gateway.")
        return length

    async def block(self) -> tuple[ContentId, bytes] | None:
        """Return CID and bytes of the next block, not yet compared; None at the end of the stream."""
        length = await self._section_length(MAX_BLOCK_BYTES + _CID_BYTES)
        if length is None:
            return None
        cid, start = read_cid(bytes(self._buffer[: min(length, _CID_BYTES)]), 0)
        return cid, self._taken(start, length)

    def _taken(self, start: int, end: int) -> bytes:
        # A slice of the bytearray would be copied twice: a film is many blocks.
        with memoryview(self._buffer) as view:
            taken = bytes(view[start:end])
        del self._buffer[:end]
        return taken

    async def _length(self) -> int | None:
        """Read the varint before a section; None where the stream ends instead."""
        for wanted in range(1, _MAX_VARINT_BYTES + 1):
            if not await self._filled(wanted):
                if self._buffer:
                    break
                return None
            if self._buffer[wanted - 1] & 0x80 == 0:
                length, end = read_varint(self._buffer, 0)
                del self._buffer[:end]
                return length
        raise BlockCorrupt("The CAR was cut in the middle of a number.", fix="Ask another gateway.")

    async def _filled(self, length: int) -> bool:
        while len(self._buffer) < length:
            try:
                self._buffer += await anext(self._chunks)
            except StopAsyncIteration:
                return False
        return True
