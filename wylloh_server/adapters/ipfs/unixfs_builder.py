"""Build files and directories as UnixFS, so that the same bytes get the same root CID everywhere.

Profile `unixfs-v1-2025` (https://specs.ipfs.tech/ipips/ipip-0499/): CIDv1, raw leaves, chunks of 1 MiB, 1024
links a node, balanced; directories are plain, never sharded.
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from wylloh_server.adapters.ipfs.cid import DAG_PB, RAW, ContentId, IpfsBlock
from wylloh_server.adapters.ipfs.dagpb import DagLink, DagNode, UnixfsKind, encode_node
from wylloh_server.domain.errors import PackageInvalid

if TYPE_CHECKING:
    from pathlib import Path

Emit = Callable[[IpfsBlock], None]
"""Take each finished block, children before their parents."""

_MAX_DIRECTORY_BYTES = 256 << 10
_MAX_DEPTH = 32


@dataclass(frozen=True, slots=True)
class UnixfsProfile:
    """Chunk size in bytes, and links a node. The default is `unixfs-v1-2025`."""

    chunk_bytes: int = 1 << 20
    max_links: int = 1024


@dataclass(frozen=True, slots=True)
class BuiltFile:
    """A finished piece: its CID, the file bytes it holds, and all bytes of its blocks."""

    cid: ContentId
    file_bytes: int
    dag_bytes: int


class UnixfsBuilder:
    """Build files and folders in the memory of one chunk and the open nodes above it. Blocks: use a thread.

    Args:
        emit: takes each block.
        advanced: told how many file bytes were read since the last call.
    """

    def __init__(
        self, emit: Emit, advanced: Callable[[int], None] | None = None, profile: UnixfsProfile | None = None
    ) -> None:
        self._emit = emit
        self._advanced = advanced or (lambda _: None)
        self._profile = profile or UnixfsProfile()

    def file(self, source: BinaryIO) -> BuiltFile:
        """Build one file from everything `source` gives."""
        levels: list[list[BuiltFile]] = [[]]
        while chunk := self._chunk(source):
            self._add(levels, 0, BuiltFile(self._block(RAW, chunk), len(chunk), len(chunk)))
        return self._closed(levels) or BuiltFile(self._block(RAW, b""), 0, 0)

    def folder(self, folder: Path, depth: int = 0) -> BuiltFile:
        """Build a folder with all that is in it.

        Raises:
            PackageInvalid: it holds links, devices, names that are not UTF-8, or too much for one directory.
        """
        if depth > _MAX_DEPTH:
            raise PackageInvalid(f"{folder} lies too deep.", fix="Flatten the folder.")
        links, total = [], 0
        for path in sorted(folder.iterdir(), key=lambda path: path.name.encode(errors="surrogatepass")):
            built = self._entry(path, depth)
            links.append(DagLink(built.cid, _utf8(path), built.dag_bytes))
            total += built.dag_bytes
        block = encode_node(DagNode(UnixfsKind.DIRECTORY, tuple(links)))
        if len(block) > _MAX_DIRECTORY_BYTES:
            raise PackageInvalid(
                f"{folder} holds too many files for one directory.", fix="Spread them over several folders."
            )
        return BuiltFile(self._block(DAG_PB, block), 0, total + len(block))

    def _entry(self, path: Path, depth: int) -> BuiltFile:
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            return self.folder(path, depth + 1)
        if not stat.S_ISREG(mode):
            raise PackageInvalid(f"{path} is neither a file nor a folder.", fix="Put a real file there.")
        with path.open("rb") as source:
            return self.file(source)

    def _chunk(self, source: BinaryIO) -> bytes:
        chunk = source.read(self._profile.chunk_bytes)
        while 0 < len(chunk) < self._profile.chunk_bytes:
            more = source.read(self._profile.chunk_bytes - len(chunk))
            if not more:
                break
            chunk += more
        self._advanced(len(chunk))
        return chunk

    def _add(self, levels: list[list[BuiltFile]], level: int, built: BuiltFile) -> None:
        if len(levels[level]) == self._profile.max_links:
            self._raise(levels, level)
        levels[level].append(built)

    def _raise(self, levels: list[list[BuiltFile]], level: int) -> None:
        """Close the open node of a level and hand it to the level above."""
        if level + 1 == len(levels):
            levels.append([])
        self._add(levels, level + 1, self._node(levels[level]))
        levels[level] = []

    def _closed(self, levels: list[list[BuiltFile]]) -> BuiltFile | None:
        level = 0
        while level + 1 < len(levels) or len(levels[level]) > 1:
            self._raise(levels, level)
            level += 1
        return levels[level][0] if levels[level] else None

    def _node(self, children: list[BuiltFile]) -> BuiltFile:
        links = tuple(DagLink(child.cid, "", child.dag_bytes) for child in children)
        node = DagNode(UnixfsKind.FILE, links, b"", tuple(child.file_bytes for child in children))
        block = encode_node(node)
        total = len(block) + sum(child.dag_bytes for child in children)
        return BuiltFile(self._block(DAG_PB, block), node.filesize, total)

    def _block(self, codec: int, data: bytes) -> ContentId:
        block = IpfsBlock.of(codec, data)
        self._emit(block)
        return block.cid


def _utf8(path: Path) -> str:
    try:
        path.name.encode()
    except UnicodeEncodeError as error:
        raise PackageInvalid(f"{path!r} has no UTF-8 name.", fix="Rename it.") from error
    return path.name
