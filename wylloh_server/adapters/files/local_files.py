"""Plain films in folders on this machine."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from wylloh_server.domain.media_formats import DISC_FOLDERS, FILM_SUFFIXES, UNPLAYABLE_FILES
from wylloh_server.domain.ports.content import FileStamp
from wylloh_server.domain.ports.uploads import PlaintextFilm

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FilmFile", "LocalFolders", "local_film"]

_log = logging.getLogger(__name__)

_SUBTITLE_SUFFIXES = frozenset({".srt", ".vtt", ".ass", ".ssa"})
_PIECE_BYTES = 1 << 16
"""Of a fingerprint: taken from the beginning, the middle and the end."""


class LocalFolders:
    """Finds and opens film files. Implements `domain.ports.content.Folders`."""

    async def films(self, folder: Path) -> tuple[Path, ...]:
        """List the film files below a folder, by name.

        Hidden files and folders are left out, and so are links that lead out of the folder or to a folder. A
        copied disc is one film, named by its largest file.

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

    async def stamp(self, path: Path) -> FileStamp:
        """Return a file's size and time of last change. Raises OSError."""
        return await asyncio.to_thread(_stamp, path)

    async def fingerprint(self, path: Path) -> str:
        """Return the SHA-256 over a file's size and three pieces of it, as 64 hex digits. Raises OSError."""
        return await asyncio.to_thread(_fingerprint, path)

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
    """An open file. Implements `domain.ports.content.RandomAccess`."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("rb", buffering=0)
        self.size = os.fstat(self.file.fileno()).st_size
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
        await asyncio.shield(asyncio.to_thread(self.file.close))

    def _read(self, offset: int, length: int) -> bytes:
        parts = []
        while length > 0:
            # A position of its own for every read: several readers share the file.
            part = os.pread(self.file.fileno(), length, offset)
            if not part:
                break
            parts.append(part)
            offset, length = offset + len(part), length - len(part)
        return b"".join(parts)


def _stamp(path: Path) -> FileStamp:
    status = path.stat()
    return FileStamp(status.st_size, status.st_mtime_ns)


def _fingerprint(path: Path) -> str:
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        digest = hashlib.sha256(f"{size}|".encode())
        for start in (0, size // 2, max(0, size - _PIECE_BYTES)):
            digest.update(os.pread(file.fileno(), _PIECE_BYTES, start))
    return digest.hexdigest()


def local_film(path: Path) -> PlaintextFilm:
    """Return a film file to be published. Raises OSError."""
    return PlaintextFilm(path.stat().st_size, partial(LocalFolders().open, path), lambda: path.open("rb"))


def _close_unwanted(opening: asyncio.Future[FilmFile]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().file.close()


def _films_below(folder: Path) -> tuple[Path, ...]:
    root = folder.resolve(strict=True)
    found = []
    for place, folders, files in os.walk(root, onerror=_unreadable_at(root)):
        discs = [name for name in folders if name.upper() in DISC_FOLDERS]
        found += [film for name in discs if (film := _largest_below(Path(place, name)))]
        folders[:] = [name for name in folders if not name.startswith(".") and name not in discs]
        found += [Path(place, name) for name in files if _may_be_film(name)]
    return tuple(sorted(path for path in found if _is_ours(path, root)))


def _largest_below(folder: Path) -> Path | None:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return max(files, key=lambda path: path.stat().st_size, default=None)


def _subtitles_beside(film: Path) -> tuple[Path, ...]:
    root = film.parent.resolve(strict=True)
    named = [
        path
        for path in film.parent.iterdir()
        if path.name.startswith(f"{film.stem}.") and path.suffix.lower() in _SUBTITLE_SUFFIXES
    ]
    return tuple(sorted(path for path in named if _is_ours(path, root)))


def _may_be_film(name: str) -> bool:
    return not name.startswith(".") and Path(name).suffix.lower() in FILM_SUFFIXES | UNPLAYABLE_FILES.keys()


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
