"""Film packages on IPFS: fetched, verified, kept, built."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from wylloh_server.domain.types import Cid

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all (0 while unknown)."""


class RandomAccess(Protocol):
    """Bytes that can be read anywhere. Safe for several readers at once."""

    @property
    def size(self) -> int:
        """How many bytes there are."""

    async def read(self, offset: int, length: int) -> bytes:
        """Read `length` bytes from `offset`; fewer only at the end.

        Raises:
            ContentError: a block is missing or corrupt.
            SealBroken: for an encrypted source, a segment does not authenticate.
        """

    async def close(self) -> None:
        """Let go of what reading needed. Closing twice is fine."""


@dataclass(frozen=True, slots=True)
class PackageEntry:
    """One file in a package, with its path from the root, CID and size in bytes."""

    path: str
    cid: Cid
    size: int


class Packages(Protocol):
    """Packages by root CID. Every byte is checked against its CID before it is stored."""

    async def pull(self, root: Cid, *, paths: Collection[str] = (), progress: Progress | None = None) -> None:
        """Fetch what is missing of a package, or only of some of its files; resumes by itself.

        Pins the root once everything is here.

        Raises:
            BlockUnavailable: no gateway gave a block; what came is kept.
            StoreFull: no room; what came is kept.
            PackageInvalid: the blocks do not form a UnixFS directory.
        """

    async def complete(self, root: Cid) -> bool:
        """Say whether every block of the package is here."""

    async def listing(self, root: Cid) -> tuple[PackageEntry, ...]:
        """List the files of a package whose directory blocks are here."""

    async def open_file(self, root: Cid, path: str) -> RandomAccess:
        """Open one file of a package for random access over local blocks."""

    async def add_folder(self, folder: Path, *, progress: Progress | None = None) -> Cid:
        """Build a package from a folder on disk, store and pin its blocks, and give its root."""

    async def forget(self, root: Cid) -> None:
        """Unpin a package; its blocks go when room is needed."""

    async def published_block(self, cid: Cid) -> bytes | None:
        """Give a verified block if it belongs to a pinned package, else None. For the gateway."""

    def published_car(self, root: Cid, *, scope: str = "all") -> AsyncIterator[bytes]:
        """Stream a pinned package, or a part of one, as CARv1 in depth-first order. For the gateway.

        `scope` is `block`, `entity` or `all`, as the trustless gateway specification names them.
        """


class Folders(Protocol):
    """Plain films in folders on this machine."""

    async def films(self, folder: Path) -> tuple[Path, ...]:
        """List the film files below a folder, by name; a folder that cannot be read raises OSError."""

    async def subtitles(self, film: Path) -> tuple[Path, ...]:
        """List the subtitle files beside a film and named after it, by name. Raises OSError."""

    async def open(self, path: Path) -> RandomAccess:
        """Open a film file for random access. Raises OSError."""
