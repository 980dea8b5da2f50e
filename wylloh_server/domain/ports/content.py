"""Film packages on IPFS: fetched, verified, kept, built."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping
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
        """Release what reading needed. Closing twice is fine."""


@dataclass(frozen=True, slots=True)
class PackageEntry:
    """One file in a package, with its path from the root, CID and size in bytes."""

    path: str
    cid: Cid
    size: int


@dataclass(frozen=True, slots=True)
class PullLimit:
    """How many bytes may come: in each of the files asked for, and in all, the tree of blocks included."""

    file: int
    total: int


class Packages(Protocol):
    """Packages by root CID. Every byte is checked against its CID before it is stored."""

    async def pull(
        self,
        root: Cid,
        *,
        paths: Collection[str] = (),
        limit: PullLimit | None = None,
        lasting: bool = True,
        counted: bool = True,
        progress: Progress | None = None,
    ) -> None:
        """Fetch what is missing of a package, or only of some of its files; resumes by itself.

        Pins the root once everything is here. Sizes are looked at before anything of that size is fetched,
        and counted while it is: without a `limit` nothing comes beyond what the package says of itself.
        Blocks of a pull that is not `lasting` go when room is needed; if they are not `counted` either, they
        are not among `stored_bytes` of the package.

        Raises:
            BlockUnavailable: no gateway gave a block; what came is kept.
            StoreFull: no room for all that is missing; what came is kept.
            PackageInvalid: the blocks do not form a UnixFS directory, or are more than they may be; what came
                stays until `discard`.
        """

    async def complete(self, root: Cid) -> bool:
        """Return whether every block of the package is here."""

    async def listing(self, root: Cid) -> tuple[PackageEntry, ...]:
        """List the files of a package whose directory blocks are here."""

    async def open_file(self, root: Cid, path: str) -> RandomAccess:
        """Open one file of a package for random access over local blocks."""

    async def add_folder(self, folder: Path, *, progress: Progress | None = None) -> Cid:
        """Build a package from a folder on disk, store and pin its blocks, and give its root."""

    async def forget(self, root: Cid) -> None:
        """Unpin a package; its blocks go when room is needed."""

    async def loosen(self, roots: Collection[Cid]) -> None:
        """Mark some complete packages as loose: their blocks go when room is needed, those of others stay."""

    async def stored_bytes(self, roots: Collection[Cid]) -> int:
        """Return how many bytes the blocks here take of some packages."""

    async def sizes(self, roots: Collection[Cid]) -> Mapping[Cid, int]:
        """Return how many bytes the blocks here take of each package; one without any is left out."""

    async def discard(self, root: Cid) -> None:
        """Unpin a package and delete its blocks, but for those that belong to another package."""

    async def published_block(self, cid: Cid) -> bytes | None:
        """Return a verified block if it belongs to a pinned package, else None. For the gateway."""

    def published_car(self, root: Cid, *, scope: str = "all") -> AsyncIterator[bytes]:
        """Stream a pinned package, or a part of one, as CARv1 in depth-first order. For the gateway.

        `scope` is `block`, `entity` or `all`, as the trustless gateway specification names them.
        """


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What shows that a file was written to: its bytes, and when it was last, in nanoseconds."""

    size: int
    modified: int


class Folders(Protocol):
    """Plain films in folders on this machine."""

    async def films(self, folder: Path) -> tuple[Path, ...]:
        """List the film files below a folder, by name; a folder that cannot be read raises OSError."""

    async def subtitles(self, film: Path) -> tuple[Path, ...]:
        """List the subtitle files beside a film and named after it, by name. Raises OSError."""

    async def stamp(self, path: Path) -> FileStamp:
        """Return what shows whether a file was written to since. Raises OSError."""

    async def fingerprint(self, path: Path) -> str:
        """Return a digest of a file's size and of pieces of it, by which it is known under another name.

        Raises:
            OSError: there is no such file, or it cannot be read.
        """

    async def open(self, path: Path) -> RandomAccess:
        """Open a film file for random access. Raises OSError."""
