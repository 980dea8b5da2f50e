"""Which segments are on disk, in order of their use: what is given up first when room is needed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SEGMENT = ".m4s"
_UNREAD_SECONDS = 600.0
"""How long a segment that nobody has read is kept for who may be about to."""

Key = tuple[str, str]
"""Track and name of a file."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file on disk: its size in bytes, and when it was written and last read."""

    size: int
    written: float
    read: float | None = None


class SegmentIndex:
    """The files of each film, the film unused for longest first. Safe for many threads.

    Args:
        timer: tells the time, in seconds from some moment.
    """

    def __init__(self, timer: Callable[[], float]) -> None:
        self._timer = timer
        self._lock = threading.Lock()
        self._films: OrderedDict[str, dict[Key, StoredFile]] = OrderedDict()
        self.used = 0
        """Bytes of all files together."""

    def add(self, film: str, key: Key, size: int) -> None:
        """Note a file that was written, in the place of one that was there."""
        with self._lock:
            files = self._films.setdefault(film, {})
            self.used += size - (files[key].size if key in files else 0)
            files[key] = StoredFile(size, self._timer())
            self._films.move_to_end(film)

    def note_read(self, film: str, key: Key) -> bool:
        """Note that a file is read; False if it is not on disk."""
        with self._lock:
            files = self._films.get(film, {})
            if key not in files:
                return False
            files[key] = replace(files[key], read=self._timer())
            self._films.move_to_end(film)
            return True

    def is_latest(self, film: str) -> bool:
        """Return whether a film was used last."""
        with self._lock:
            return bool(self._films) and next(reversed(self._films)) == film

    def size(self, film: str, key: Key) -> int:
        """Return the size of a file; 0 if it is not there."""
        with self._lock:
            found = self._films.get(film, {}).get(key)
            return found.size if found else 0

    def names(self, film: str, track: str) -> frozenset[str]:
        """Return the names of the files of a track."""
        with self._lock:
            return frozenset(name for of, name in self._films.get(film, {}) if of == track)

    def sizes(self) -> Mapping[str, int]:
        """Return the bytes of each film."""
        with self._lock:
            return {film: sum(file.size for file in files.values()) for film, files in self._films.items()}

    def oldest(self, spared: str) -> str | None:
        """Return the film unused for longest, but for one."""
        with self._lock:
            return next((film for film in self._films if film != spared), None)

    def watched(self, film: str) -> Key | None:
        """Return the segment of a film that can be spared best while it plays: one that was read longest ago.

        One that was written long ago and never read counts as read; what was just made is about to be.
        """
        now = self._timer()
        with self._lock:
            over = {
                key: file.written + _UNREAD_SECONDS if file.read is None else file.read
                for key, file in self._films.get(film, {}).items()
                if key[1].endswith(_SEGMENT)
            }
        key = min(over, key=over.__getitem__, default=None)
        return key if key is not None and over[key] <= now else None

    def remove(self, film: str, key: Key) -> None:
        """Forget a file."""
        with self._lock:
            file = self._films.get(film, {}).pop(key, None)
            self.used -= file.size if file else 0

    def remove_film(self, film: str) -> bool:
        """Forget all files of a film; False if there was none."""
        with self._lock:
            files = self._films.pop(film, None)
            self.used -= sum(file.size for file in (files or {}).values())
            return files is not None
