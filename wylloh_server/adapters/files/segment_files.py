"""The port `SegmentStore`: files `<root>/<film>/<track>/<name>`, bounded, with recent ones in memory.

What is here can always be made again, so the store makes room by itself: when the bound or the disk is
reached, the films that nobody has watched for longest lose theirs.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import re
import shutil
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from cachetools import LRUCache

from wylloh_server.domain.errors import InvalidValue, StoreFull

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["DiskSegmentStore"]

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_HOT_BYTES = 128 << 20
_PARTIAL = ".partial"


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
        self._films: OrderedDict[str, dict[tuple[str, str], int]] = OrderedDict()
        self._used = 0
        root.mkdir(parents=True, exist_ok=True)
        self._take_stock()

    async def put(self, film: str, track: str, name: str, data: bytes) -> None:
        """Store a file so that it is never seen half written.

        Raises:
            StoreFull: no room left, even after the other films lost theirs.
            InvalidValue: a name is not a plain file name.
        """
        path = self._path(film, track, name)
        await asyncio.to_thread(self._write, path, film, (track, name), data)
        self._keep_hot((film, track, name), data)

    async def get(self, film: str, track: str, name: str) -> bytes | None:
        """Read a file, or None. Recently used ones come from memory.

        Raises:
            InvalidValue: a name is not a plain file name.
        """
        path = self._path(film, track, name)
        with self._lock:
            if (track, name) not in self._films.get(film, {}):
                return None
            self._use(film)
            data = self._hot.get((film, track, name))
        if data is None:
            data = await asyncio.to_thread(_read, path)
            if data is not None:
                self._keep_hot((film, track, name), data)
        return data

    async def names(self, film: str, track: str) -> frozenset[str]:
        """List what is stored of a track."""
        with self._lock:
            return frozenset(name for of, name in self._films.get(film, {}) if of == track)

    async def sizes(self) -> dict[str, int]:
        """Return how many bytes are stored, by name of the film."""
        with self._lock:
            return {film: sum(files.values()) for film, files in self._films.items()}

    async def forget(self, film: str) -> None:
        """Delete everything made of a film."""
        await asyncio.to_thread(self._forget, film)

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
            files: dict[tuple[str, str], int] = {}
            for path in folder.glob("*/*"):
                if path.name.endswith(_PARTIAL):
                    path.unlink()
                else:
                    files[path.parent.name, path.name] = path.stat().st_size
            self._films[folder.name] = files
            self._used += sum(files.values())

    def _use(self, film: str) -> None:
        """Make this the film used last, also for the next process."""
        if next(reversed(self._films)) != film:
            self._films.move_to_end(film)
            with contextlib.suppress(OSError):
                os.utime(self._root / film)

    def _write(self, path: Path, film: str, key: tuple[str, str], data: bytes) -> None:
        with self._lock:
            replaced = self._films.get(film, {}).get(key, 0)
        self._make_room(len(data) - replaced, film)
        while True:
            try:
                _write_whole(path, data)
                break
            except OSError as error:
                if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                    raise
                if not self._drop_oldest(film):
                    raise _full("the disk is full") from error
        with self._lock:
            files = self._films.setdefault(film, {})
            self._used += len(data) - files.get(key, 0)
            files[key] = len(data)
            self._use(film)

    def _make_room(self, size: int, film: str) -> None:
        while self._used + size > self._limit:
            if not self._drop_oldest(film):
                raise _full(f"the segments of this film need more than the {self._limit >> 20} MiB allowed")

    def _drop_oldest(self, spared: str) -> bool:
        with self._lock:
            oldest = next((film for film in self._films if film != spared), None)
        if oldest is None:
            return False
        self._forget(oldest)
        return True

    def _forget(self, film: str) -> None:
        with self._lock:
            files = self._films.pop(film, None)
            self._used -= sum((files or {}).values())
            for key in [key for key in self._hot if key[0] == film]:
                del self._hot[key]
        if files is not None:
            shutil.rmtree(self._root / film, ignore_errors=True)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # evicted in the meantime
        return None


def _write_whole(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Two encoders may hand over the same segment at once.
    partial = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}{_PARTIAL}")
    try:
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
