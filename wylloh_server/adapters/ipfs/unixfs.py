"""Read files and directories of UnixFS from verified blocks: listing, paths, random access into files."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from cachetools import LRUCache

from wylloh_server.adapters.ipfs.cid import RAW, ContentId
from wylloh_server.adapters.ipfs.dagpb import DagLink, DagNode, UnixfsKind, decode_node
from wylloh_server.domain.errors import NotFound, PackageInvalid
from wylloh_server.domain.ports.content import PackageEntry
from wylloh_server.domain.quotation import quote_input

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_MAX_DEPTH = 32
_MAX_ENTRIES = 10_000
_KEPT_NODES = 64
_SIDE_BY_SIDE = 4


GetBlock = Callable[[ContentId], Awaitable[bytes]]
"""Returns a verified block; raises ContentError if it is not here."""


async def load_node(get_block: GetBlock, cid: ContentId) -> DagNode:
    """Load a block as a UnixFS node; a raw block is a file of one piece.

    Raises:
        PackageInvalid: it is no such node.
    """
    block = await get_block(cid)
    return DagNode(UnixfsKind.RAW, data=block) if cid.codec == RAW else decode_node(block)


async def resolve(get_block: GetBlock, root: ContentId, path: str) -> ContentId:
    """Follow a path of names and slashes from a root directory; an empty path is the root itself.

    Raises:
        NotFound: there is nothing of that name.
        PackageInvalid: a block on the way is no directory of UnixFS.
    """
    here = root
    names = [name for name in path.split("/") if name]
    if len(names) > _MAX_DEPTH:
        raise NotFound(f"{quote_input(path)} is not in the package.")
    for name in names:
        node = await load_node(get_block, here)
        found = next((link for link in node.links if link.name == name), None)
        if node.kind is not UnixfsKind.DIRECTORY or found is None:
            raise NotFound(f"{quote_input(path)} is not in the package.")
        here = found.cid
    return here


async def list_files(get_block: GetBlock, root: ContentId) -> tuple[PackageEntry, ...]:
    """List every file below a root directory with its path and size, sorted by path.

    Raises:
        PackageInvalid: the root is no directory, or there are more than 10,000 entries or 32 levels.
    """
    node = await load_node(get_block, root)
    if node.kind is not UnixfsKind.DIRECTORY:
        raise PackageInvalid(f"{root.text} is a single file, not a film package.", fix="Check the root CID.")
    entries: list[PackageEntry] = []
    seen = 0
    async for path, link, child in _walk(get_block, node, "", 0):
        # Folders count too: a few small blocks can name each other so that there are billions of empty ones.
        seen += 1
        if child is None or child.kind is not UnixfsKind.DIRECTORY:
            size = link.tsize if child is None else child.filesize
            entries.append(PackageEntry(path, link.cid.text, size))
        if seen > _MAX_ENTRIES:
            raise PackageInvalid("The package holds too many files.", fix="Tell its publisher.")
    return tuple(sorted(entries, key=lambda entry: entry.path))


async def _walk(
    get_block: GetBlock, node: DagNode, prefix: str, depth: int
) -> AsyncIterator[tuple[str, DagLink, DagNode | None]]:
    """Return everything below a directory: path, link, and the node unless it is a file of one raw block."""
    if depth > _MAX_DEPTH:
        raise PackageInvalid("The package's folders lie too deep.", fix="Tell its publisher.")
    for link in node.links:
        path = prefix + link.name
        child = None if link.cid.codec == RAW else await load_node(get_block, link.cid)
        yield path, link, child
        if child is not None and child.kind is UnixfsKind.DIRECTORY:
            async for found in _walk(get_block, child, path + "/", depth + 1):
                yield found


@dataclass(frozen=True, slots=True)
class _Piece:
    """File bytes wanted from one block: cut `[start:end]` out of the bytes the block holds itself."""

    cid: ContentId
    expected: int
    start: int
    end: int


class UnixfsFile:
    """The port `RandomAccess` over one file. Leaves are read as needed; only inner nodes are kept."""

    def __init__(self, get_block: GetBlock, cid: ContentId, root: DagNode) -> None:
        self._get_block = get_block
        self._cid = cid
        self._size = root.filesize
        self._nodes: LRUCache[ContentId, DagNode] = LRUCache(_KEPT_NODES)
        self._nodes[cid] = root

    @property
    def size(self) -> int:
        """Length of the file in bytes."""
        return self._size

    async def read(self, offset: int, length: int) -> bytes:
        """Read `length` bytes from `offset`; fewer only at the end.

        Raises:
            ContentError: a block is missing or corrupt, or the tree contradicts itself.
        """
        end = min(offset + length, self._size)
        if offset < 0 or offset >= end:
            return b""
        pieces = [piece async for piece in self._pieces(self._cid, self._size, offset, end, 0)]
        parts: list[bytes] = []
        for first in range(0, len(pieces), _SIDE_BY_SIDE):
            parts += await asyncio.gather(*map(self._read_piece, pieces[first : first + _SIDE_BY_SIDE]))
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def close(self) -> None:
        """Do nothing: no file is open, and the inner nodes go with this object."""

    async def _pieces(
        self, cid: ContentId, expected: int, start: int, end: int, depth: int
    ) -> AsyncIterator[_Piece]:
        """Find the blocks that hold `[start:end]` of the bytes below a CID, in order."""
        if cid.codec == RAW:
            yield _Piece(cid, expected, start, end)
            return
        node = await self._node(cid)
        if node.kind is UnixfsKind.DIRECTORY or node.filesize != expected or depth > _MAX_DEPTH:
            raise PackageInvalid("A file in the package contradicts itself.", fix="Tell its publisher.")
        if start < len(node.data):
            yield _Piece(cid, len(node.data), start, min(end, len(node.data)))
        starts = list(accumulate(node.blocksizes, initial=len(node.data)))
        first = max(0, bisect_right(starts, start) - 1)
        for index in range(first, len(node.links)):
            low, size = starts[index], node.blocksizes[index]
            if low >= end:
                return
            if start < low + size:
                inner = (max(0, start - low), min(size, end - low))
                async for piece in self._pieces(node.links[index].cid, size, *inner, depth + 1):
                    yield piece

    async def _node(self, cid: ContentId) -> DagNode:
        node = self._nodes.get(cid)
        if node is None:
            node = self._nodes[cid] = await load_node(self._get_block, cid)
        return node

    async def _read_piece(self, piece: _Piece) -> bytes:
        if piece.cid.codec == RAW:
            data = await self._get_block(piece.cid)
        else:
            data = (await self._node(piece.cid)).data
        if len(data) != piece.expected:
            raise PackageInvalid("A file in the package contradicts itself.", fix="Tell its publisher.")
        return data[piece.start : piece.end]


async def open_unixfs(get_block: GetBlock, cid: ContentId) -> UnixfsFile:
    """Open a file by its CID.

    Raises:
        PackageInvalid: it is a directory, or no UnixFS at all.
    """
    node = await load_node(get_block, cid)
    if node.kind is UnixfsKind.DIRECTORY:
        raise PackageInvalid(f"{cid.text} is a directory, not a file.", fix="Name a file in it.")
    return UnixfsFile(get_block, cid, node)
