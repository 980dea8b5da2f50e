"""Plain films in folders on this machine."""

from __future__ import annotations

import asyncio
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FILM_SUFFIXES", "FilmFile", "LocalFilm", "LocalFolders"]

_log = logging.getLogger(__name__)

FILM_SUFFIXES = frozenset({".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".webm"})
"""File names that may be films, in lower case. Whether one really is, the prober finds out."""
_SUBTITLE_SUFFIXES = frozenset({".srt", ".vtt"})


class LocalFolders:
    """Finds and opens film files. See `domain.ports.content.Folders`."""

    async def films(self, folder: Path) -> tuple[Path, ...]:
        """List the film files below a folder, by name.

        Hidden files and folders are left out, and so are links that lead out of the folder or to a folder.

        Raises:
            OSError: the folder cannot be read.
        """
        return await asyncio.to_thread(_films_below, folder)

    async def subtitles(self, film: Path) -> tuple[Path, ...]:
        """List the subtitle files beside a film and named after it: `Film.srt`, `Film.de.vtt`.

        Links that lead out of the film's folder are left out.

        Raises:
            OSError: the folder cannot be read.
        """
        return await asyncio.to_thread(_subtitles_beside, film)

    async def open(self, path: Path) -> FilmFile:
        """Open a film file for random access.

        Raises:
            OSError: there is no such file, or it cannot be read.
        """
        opening = asyncio.ensure_future(asyncio.to_thread(FilmFile, path))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            # The thread opens it all the same; nobody else would close it.
            opening.add_done_callback(_close_unwanted)
            raise


class FilmFile:
    """An open file. See `domain.ports.content.RandomAccess`."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self.size = os.fstat(self._file.fileno()).st_size
        """Bytes in the file when it was opened."""

    async def read(self, offset: int, length: int) -> bytes:
        """Read `length` bytes from `offset`; fewer only at the end.

        Raises:
            OSError: the disk failed.
            ValueError: the file is closed.
        """
        return await asyncio.to_thread(self._read, offset, length)

    async def close(self) -> None:
        """Close the file. Closing twice is fine."""
        # Shielded: a thread that has not begun when its caller is cancelled would never close it.
        await asyncio.shield(asyncio.to_thread(self.close_now))

    def close_now(self) -> None:
        """Close the file, waiting for the disk. Closing twice is fine."""
        self._file.close()

    def _read(self, offset: int, length: int) -> bytes:
        parts = []
        while length > 0:
            # A position of its own for every read: several readers share the file.
            part = os.pread(self._file.fileno(), length, offset)
            if not part:
                break
            parts.append(part)
            offset, length = offset + len(part), length - len(part)
        return b"".join(parts)


@dataclass(frozen=True, slots=True)
class LocalFilm:
    """A film file to be published. See `domain.ports.publishing.PlainFilm`."""

    path: Path

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return self.path.stat().st_size

    async def open(self) -> FilmFile:
        """Open it for random access. Raises OSError."""
        return await LocalFolders().open(self.path)

    def stream(self) -> BinaryIO:
        """Open it for reading from front to back. Blocks."""
        return self.path.open("rb")


def _close_unwanted(opening: asyncio.Future[FilmFile]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close_now()


def _films_below(folder: Path) -> tuple[Path, ...]:
    root = folder.resolve(strict=True)
    found = []
    for place, folders, files in os.walk(root, onerror=_unreadable_at(root)):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(place, name) for name in files if _may_be_film(name)]
    return tuple(sorted(path for path in found if _is_ours(path, root)))


def _subtitles_beside(film: Path) -> tuple[Path, ...]:
    root = film.parent.resolve(strict=True)
    named = [
        path
        for path in film.parent.iterdir()
        if path.name.startswith(f"{film.stem}.") and path.suffix.lower() in _SUBTITLE_SUFFIXES
    ]
    return tuple(sorted(path for path in named if _is_ours(path, root)))


def _may_be_film(name: str) -> bool:
    return not name.startswith(".") and Path(name).suffix.lower() in FILM_SUFFIXES


def _is_ours(path: Path, root: Path) -> bool:
    try:
        str(path).encode()
        return path.is_file() and path.resolve(strict=True).is_relative_to(root)
    except UnicodeEncodeError:
        _log.warning("left out %r: its name is not UTF-8; rename it", path)
    except OSError as problem:
        _log.warning("left out %s: %s", path, problem.strerror)
    return False


def _unreadable_at(root: Path) -> Callable[[OSError], None]:
    """Make the listing fail for the folder itself, and go on where one inside it cannot be read."""

    def unreadable(problem: OSError) -> None:
        if problem.filename is None or Path(problem.filename) == root:
            raise problem
        _log.warning("left out %s: %s", problem.filename, problem.strerror)

    return unreadable
