"""Blocks as files: `blocks/<2 characters>/<cid>`, and an empty file `pins/<cid>` for each pinned root.

A block is written under another name, in a folder beside, and renamed: it is never seen half written.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import tempfile
import time
from typing import TYPE_CHECKING

from wylloh_server.disk_room import room_below
from wylloh_server.domain.errors import StoreFull

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from wylloh_server.domain.types import Cid

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_ABANDONED_AFTER = 3600.0
_CID = re.compile(r"b[a-z2-7]+")
"""A CID of version 1 in base32, the form in which the server writes all of them."""


class BlockFiles:
    """The files of a block store. Everything blocks: call it from a thread."""

    def __init__(self, folder: Path) -> None:
        self._blocks = folder / "blocks"
        self._pins = folder / "pins"
        self._new = folder / "new"
        for path in (self._blocks, self._pins, self._new):
            path.mkdir(parents=True, exist_ok=True)

    def path(self, cid: Cid) -> Path:
        """Return the path of a block. The last character of a CID has only eight values: not used."""
        return self._blocks / cid[-3:-1] / cid

    def write(self, cid: Cid, block: bytes) -> None:
        """Write a block.

        Raises:
            StoreFull: the disk has no room, but for the database's. Nothing of the block is left.
        """
        if self.free_bytes() < len(block):
            raise no_room_on_disk()
        target = self.path(cid)
        name = ""
        try:
            descriptor, name = tempfile.mkstemp(dir=self._new)
            with os.fdopen(descriptor, "wb", buffering=0) as file:
                _write_all(file.fileno(), block)
            target.parent.mkdir(exist_ok=True)
            os.replace(name, target)  # noqa: PTH105 - a name, not a path, and once for every block
        except OSError as error:
            with contextlib.suppress(OSError):
                os.unlink(name)  # noqa: PTH108 - as above
            if error.errno in _NO_ROOM:
                raise no_room_on_disk() from error
            raise

    def read(self, cid: Cid) -> bytes | None:
        """Read a block, or None."""
        try:
            return self.path(cid).read_bytes()
        except FileNotFoundError:
            return None

    def delete(self, cid: Cid) -> None:
        """Delete a block if it is there."""
        self.path(cid).unlink(missing_ok=True)

    def sync(self, cids: Iterable[Cid]) -> bool:
        """Make sure that blocks survive a power cut; False if one of them is not there."""
        shelves = set()
        for cid in cids:
            path = self.path(cid)
            try:
                _sync(path)
            except FileNotFoundError:
                return False
            shelves.add(path.parent)
        for shelf in (*shelves, self._blocks):
            _sync(shelf)
        return True

    def free_bytes(self) -> int:
        """Return how many bytes the disk has left for blocks; less than none when others took the rest."""
        return room_below(self._blocks)

    def all(self) -> Iterator[tuple[str, int, float]]:
        """Return every block there is: its name, size in bytes and time of writing."""
        folders = (entry for entry in os.scandir(self._blocks) if entry.is_dir())
        for entry in (entry for folder in folders for entry in os.scandir(folder)):
            # File managers leave files of their own, such as .DS_Store, wherever somebody looked.
            if not _CID.fullmatch(entry.name):
                continue
            # A block deleted meanwhile by another process is simply not there.
            with contextlib.suppress(FileNotFoundError):
                yield entry.name, entry.stat().st_size, entry.stat().st_mtime

    def sweep(self) -> None:
        """Delete half-written blocks that a killed process left long ago."""
        for entry in os.scandir(self._new):
            with contextlib.suppress(FileNotFoundError):
                if entry.stat().st_mtime < time.time() - _ABANDONED_AFTER:
                    os.unlink(entry)  # noqa: PTH108 - an entry, not a path

    def pin(self, root: Cid) -> None:
        """Record that a root is pinned."""
        (self._pins / root).touch()
        _sync(self._pins)

    def unpin(self, root: Cid) -> None:
        """Forget that a root is pinned."""
        (self._pins / root).unlink(missing_ok=True)

    def pins(self) -> set[str]:
        """Return the pinned roots."""
        return {entry.name for entry in os.scandir(self._pins) if _CID.fullmatch(entry.name)}


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def no_room_on_disk() -> StoreFull:
    """Make the error for a full disk."""
    return StoreFull(
        "The disk is full; the block was not stored.",
        fix="Free some space, or move the data folder to a larger disk. The pull then goes on where it was.",
    )


def _write_all(descriptor: int, block: bytes) -> None:
    with memoryview(block) as view:
        written = 0
        while written < len(view):
            written += os.write(descriptor, view[written:])
