"""Films without tokens, from folders on this machine: found, probed, named after their files."""

from __future__ import annotations

import logging
import re
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import MediaError
from wylloh_server.domain.events import FilmAdded, FilmReady, FilmRemoved
from wylloh_server.domain.film import Description, Film, FilmState, FolderOrigin, film_id_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wylloh_server.domain.ports.content import Folders
    from wylloh_server.domain.ports.media import MediaDoor, Prober
    from wylloh_server.domain.ports.storage import Films
    from wylloh_server.domain.rendition import Probe
    from wylloh_server.services.bus import Bus

_log = logging.getLogger(__name__)
_YEAR = re.compile(r"[\s._(\[]+((?:18|19|20)\d\d)(?=[\s._)\]]|$)")
_NOISE = re.compile(
    r"(?i)\b(?:2160p|1080p|720p|480p|4k|bluray|brrip|web-?dl|webrip|x26[45]|h\.?26[45]|hevc)\b.*$"
)


class FolderFilms:
    """Keeps the library in step with the folders."""

    def __init__(
        self,
        *,
        paths: tuple[Path, ...],
        folders: Folders,
        door: MediaDoor,
        prober: Prober,
        films: Films,
        bus: Bus,
    ) -> None:
        self._paths = paths
        self._folders = folders
        self._door = door
        self._prober = prober
        self._films = films
        self._bus = bus
        self._refused: dict[Path, int] = {}

    async def scan(self) -> None:
        """Look once: add new films, drop those whose file is gone.

        A folder that cannot be read (an unplugged disk) takes nothing from the library.
        """
        known = {
            film.origin.path: film
            for film in await self._films.all()
            if isinstance(film.origin, FolderOrigin)
        }
        readable, seen = [], set[Path]()
        for folder in self._paths:
            try:
                seen.update(await self._folders.films(folder))
                readable.append(folder)
            except OSError as error:
                _log.warning("cannot read the film folder %s: %s", folder, error.strerror)
        for path in sorted(seen):
            await self._note(path, known.get(str(path)))
        for film in known.values():
            await self._drop_if_gone(film, seen, readable)

    async def _note(self, path: Path, known: Film | None) -> None:
        if known is not None and known.state is FilmState.READY:
            return
        async with self._size(path) as size:
            if known is not None and self._refused.get(path) == size:
                return
            self._refused[path] = size
        film = await self._look_into(path)
        await self._films.save(film)
        if known is None:
            self._bus.publish(FilmAdded(film.id, film.title))
        if film.state is FilmState.READY:
            self._refused.pop(path, None)
            self._bus.publish(FilmReady(film.id))

    @asynccontextmanager
    async def _size(self, path: Path) -> AsyncIterator[int]:
        source = await self._folders.open(path)
        try:
            yield source.size
        finally:
            await source.close()

    async def _look_into(self, path: Path) -> Film:
        title, year = title_from(path.name)
        film_id, origin = film_id_of(f"file:{path}"), FolderOrigin(str(path))
        source = await self._folders.open(path)
        try:
            async with self._door.lend(source) as url:
                probe = await self._prober.probe(url)
        except MediaError as error:
            return Film(film_id, Description(title, year=year), origin, FilmState.FAILED, reason=str(error))
        finally:
            await source.close()
        return Film(film_id, described(probe, title, year), origin, FilmState.READY, progress=1.0)

    async def _drop_if_gone(self, film: Film, seen: set[Path], readable: list[Path]) -> None:
        path = Path(film.origin.path) if isinstance(film.origin, FolderOrigin) else Path()
        listed = any(path.is_relative_to(folder) for folder in self._paths)
        if path in seen or (listed and not any(path.is_relative_to(folder) for folder in readable)):
            return
        await self._films.remove(film.id)
        self._bus.publish(FilmRemoved(film.id))


def title_from(name: str) -> tuple[str, int | None]:
    """Read title and year from a file name: `Big.Buck.Bunny.(2008).1080p.mkv` is Big Buck Bunny, 2008."""
    stem = name.rsplit(".", 1)[0]
    match = _YEAR.search(stem)
    year = int(match[1]) if match and match.start() > 0 else None
    bare = stem[: match.start()] if match and year else _NOISE.sub("", stem)
    words = re.sub(r"[._\s-]+", " ", bare).strip(" -()[]")
    title = words or stem
    return (title if title != title.lower() else title[:1].upper() + title[1:]), year


def described(probe: Probe, title: str, year: int | None) -> Description:
    """Describe a film by what its file contains."""
    return Description(
        title=title,
        year=year,
        runtime=probe.duration,
        languages=tuple(dict.fromkeys(track.language for track in probe.audio)),
        subtitles=tuple(dict.fromkeys(track.language for track in probe.subtitles)),
        height=probe.video.height,
    )
