"""The port `SegmentStore`: files `<root>/<film>/<track>/<name>`, bounded, with recent ones in memory.

What is here can always be made again, so the store makes room by itself, when the bound is reached and while
less of the disk is free than everything else needs: the films that nobody has watched for longest lose theirs
first, then the film that plays loses what was watched of it. What still finds no room is kept in memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import re
import shutil
import threading
import time
from typing import TYPE_CHECKING

from cachetools import LRUCache

from wylloh_server.adapters.files.segment_index import SegmentIndex
from wylloh_server.disk_room import room_below
from wylloh_server.domain.errors import InvalidValue, StoreFull

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from wylloh_server.adapters.files.segment_index import Key

__all__ = ["DiskSegmentStore"]

_log = logging.getLogger(__name__)

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_HOT_BYTES = 128 << 20
_PARTIAL = ".partial"
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


class DiskSegmentStore:
    """Encrypted segments on disk. Blocking work happens in threads; safe for many tasks.

    Args:
        root: folder for the segments; made if missing. Reads its listing at once: use a thread.
        limit: bytes all segments together may take.
        hot_bytes: how many bytes of recently used files stay in memory.
    """

    def __init__(self, root: Path, *, limit: int, hot_bytes: int = _HOT_BYTES) -> None:
        self._root = root
        self._limit = limit
        self._hot: LRUCache[tuple[str, str, str], bytes] = LRUCache(hot_bytes, getsizeof=len)
        self._lock = threading.Lock()
        self._index = SegmentIndex(time.monotonic)
        self._crowded: set[str] = set()
        root.mkdir(parents=True, exist_ok=True)
        self._take_stock()

    async def put(self, film: str, track: str, name: str, data: bytes, *, ahead: bool = False) -> None:
        """Store a file so that it is never seen half written; in memory alone if the disk takes no more.

        Args:
            film: the folder.
            track: the folder in that.
            name: of the file.
            data: its content.
            ahead: nobody waits for it, so it takes no room of its own film's.

        Raises:
            StoreFull: `ahead`, and there is no room left even after the other films lost theirs.
            InvalidValue: a name is not a plain file name.
        """
        path = self._path(film, track, name)
        try:
            await asyncio.to_thread(self._write, path, film, (track, name), data, within=not ahead)
        except StoreFull as error:
            if ahead:
                raise
            self._tell_once(film, error)
        self._keep_hot((film, track, name), data)

    async def get(self, film: str, track: str, name: str) -> bytes | None:
        """Read a file, or None. Recently used ones come from memory.

        Raises:
            InvalidValue: a name is not a plain file name.
        """
        path = self._path(film, track, name)
        self._note_use(film)
        stored = self._index.note_read(film, (track, name))
        with self._lock:
            data: bytes | None = self._hot.get((film, track, name))
        if data is None and stored:
            data = await asyncio.to_thread(_read, path)
            if data is not None:
                self._keep_hot((film, track, name), data)
        return data

    async def names(self, film: str, track: str) -> frozenset[str]:
        """List what is stored of a track."""
        with self._lock:
            in_memory = {name for of, kind, name in self._hot if (of, kind) == (film, track)}
        return self._index.names(film, track) | in_memory

    async def sizes(self) -> Mapping[str, int]:
        """Return how many bytes are on disk, by name of the film."""
        return self._index.sizes()

    async def forget(self, film: str) -> None:
        """Delete everything made of a film."""
        await asyncio.to_thread(self._forget, film)

    async def give_way(self) -> None:
        """Delete films until as much of the disk is free as everything else needs, such as the database."""
        await asyncio.to_thread(self._give_way)

    def _give_way(self) -> None:
        while self._lacks_room(0) and (oldest := self._index.oldest("")):
            self._delete(oldest)

    def _note_use(self, film: str) -> None:
        """Have the next process, too, know that this is the film used last."""
        if not self._index.is_latest(film):
            with contextlib.suppress(OSError):
                os.utime(self._root / film)

    def _keep_hot(self, key: tuple[str, str, str], data: bytes) -> None:
        with self._lock:
            self._hot.pop(key, None)
            with contextlib.suppress(ValueError):  # larger than all that may stay in memory
                self._hot[key] = data

    def _path(self, film: str, track: str, name: str) -> Path:
        for part in (film, track, name):
            if not _NAME.fullmatch(part) or part.endswith(_PARTIAL):
                raise InvalidValue(f"{part!r} is not a plain file name", fix="Use letters, digits, - and _.")
        return self._root / film / track / name

    def _take_stock(self) -> None:
        """Learn what an earlier process left, longest unused film first; drop what it left half written."""
        for folder in sorted(self._root.iterdir(), key=lambda entry: entry.stat().st_mtime):
            for path in folder.glob("*/*"):
                if path.name.endswith(_PARTIAL):
                    path.unlink()
                else:
                    self._index.add(folder.name, (path.parent.name, path.name), path.stat().st_size)

    def _write(self, path: Path, film: str, key: Key, data: bytes, *, within: bool) -> None:
        """Write a file, with what room can be made for it: `within` its film, too.

        Raises:
            StoreFull: there is none, or the disk takes nothing.
        """
        while problem := self._problem(path, film, key, data):
            if not self._drop_one(film, within=within):
                raise _full(problem)
        self._note_use(film)
        self._index.add(film, key, len(data))

    def _problem(self, path: Path, film: str, key: Key, data: bytes) -> str:
        """Write a file; return why there is no room for it, empty if it was written.

        Raises:
            StoreFull: the disk takes nothing, whatever were deleted.
        """
        if self._index.used + len(data) - self._index.size(film, key) > self._limit:
            return f"the segments of this film need more than the {self._limit >> 20} MiB allowed"
        if self._lacks_room(len(data)):
            return "the disk is full"
        try:
            _write_whole(path, data)
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise _full(f"the disk takes nothing ({error.strerror})") from error
            return "the disk is full"
        return ""

    def _lacks_room(self, size: int) -> bool:
        try:
            return room_below(self._root) < size
        except OSError:  # writing will tell what is wrong with it
            return False

    def _drop_one(self, film: str, *, within: bool) -> bool:
        """Delete another film, or if there is none what was watched of this one."""
        oldest = self._index.oldest(film)
        if oldest is not None:
            self._delete(oldest)
            return True
        watched = self._index.watched(film) if within else None
        if watched is None:
            return False
        self._index.remove(film, watched)
        self._root.joinpath(film, *watched).unlink(missing_ok=True)
        return True

    def _forget(self, film: str) -> None:
        with self._lock:
            for key in [key for key in self._hot if key[0] == film]:
                del self._hot[key]
        self._delete(film)

    def _delete(self, film: str) -> None:
        """Delete what is on disk of a film; who plays it goes on with what is in memory."""
        if self._index.remove_film(film):
            shutil.rmtree(self._root / film, ignore_errors=True)

    def _tell_once(self, film: str, error: StoreFull) -> None:
        if film not in self._crowded:
            self._crowded.add(film)
            _log.warning("%s It is played from memory, and what is seen again is made again.", error)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # evicted in the meantime
        return None


def _write_whole(path: Path, data: bytes) -> None:
    # Two encoders may hand over the same segment at once.
    partial = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}{_PARTIAL}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data)
        partial.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise


def _full(why: str) -> StoreFull:
    return StoreFull(
        f"No room for the film's segments: {why}.",
        fix="Free some disk space, or raise playback.cache_gb.",
    )
