"""Makes the demo's films in a process of its own, while chain and publisher start."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from demo.child_processes import child
from demo.demo_films import CATALOGUE
from wylloh_server.domain.errors import MediaError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from demo.child_processes import Child
    from demo.demo_films import DemoFilm

_HERE = Path(__file__).resolve().parent
_PATIENCE = 900.0
"""Seconds a film may take on a slow and busy machine."""


class FilmMaker:
    """The files of the demo's own films; `maker` is the process that makes those that are missing."""

    def __init__(self, folder: Path, maker: Child | None) -> None:
        self._folder = folder
        self._maker = maker

    def file(self, film: DemoFilm) -> Path:
        """Return a film's file, once it is made.

        Raises:
            WyllohError: it could not be made, or not in time.
        """
        target = film_file(self._folder, film)
        if self._maker is not None:
            self._maker.wait_for(target.exists, _PATIENCE)
        return target


@contextmanager
def film_maker(folder: Path, log: Path) -> Iterator[FilmMaker]:
    """Make the films that are missing in a folder, in the background, until the context ends."""
    if all(film_file(folder, film).exists() for film in CATALOGUE):
        yield FilmMaker(folder, None)
        return
    from wylloh_server.adapters.ffmpeg import find_ffmpeg

    command = [sys.executable, "-m", "demo.film_maker", find_ffmpeg().path, str(folder)]
    with child("film maker", command, log) as maker:
        yield FilmMaker(folder, maker)


def film_file(folder: Path, film: DemoFilm) -> Path:
    """Return where a film of the demo lies; one that other code has drawn has another name."""
    return folder / f"{film.key}-{_drawing()}.mp4"


@cache
def _drawing() -> str:
    """Return what changes with the code that draws the films: the beginning of its SHA-256."""
    sources = [_HERE / "film_generator.py", *sorted((_HERE / "landscape").glob("*.py"))]
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:8]


def main(ffmpeg: str, folder: Path) -> None:
    """Make what is missing, the longest first, as many at a time as there are processors.

    Raises:
        MediaError: ffmpeg failed; its last lines of stderr are in the message.
    """
    signal.signal(signal.SIGTERM, _end_all)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done in [pool.submit(partial(_make, ffmpeg, folder, film)) for film in CATALOGUE]:
            done.result()


def _make(ffmpeg: str, folder: Path, film: DemoFilm) -> None:
    target = film_file(folder, film)
    from demo.film_generator import make_film

    if not target.exists():
        make_film(ffmpeg, film, target)


def _end_all(*_: object) -> None:
    """End this process and the encoders it has started: `child` gave it a process group of its own."""
    os.killpg(os.getpgid(0), signal.SIGKILL)


if __name__ == "__main__":
    try:
        main(sys.argv[1], Path(sys.argv[2]))
    except MediaError as error:
        sys.exit(str(error))
