"""Films without tokens, from folders on this machine: found, probed, named after their files."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import MediaError
from wylloh_server.domain.events import FilmAdded, FilmReady, FilmRemoved
from wylloh_server.domain.film import Description, Film, FilmState, FolderOrigin, film_id_of
from wylloh_server.domain.languages import after_the_sound

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wylloh_server.domain.ports.content import Folders
    from wylloh_server.domain.ports.media import MediaDoor, Prober
    from wylloh_server.domain.ports.storage import Films
    from wylloh_server.domain.rendition import Probe
    from wylloh_server.services.bus import Bus

_log = logging.getLogger(__name__)
_YEAR = re.compile(r"[\s._(\[-]+((?:188[89]|189\d|19\d\d|20[0-4]\d))(?=[\s._)\]-]|$)")
"""A year since the first film there is (1888)."""
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
        self._sizes: dict[Path, int] = {}

    async def scan(self) -> None:
        """Look once: add new films, drop those whose file is gone.

        A folder that cannot be read (an unplugged disk) takes nothing from the library. A file that has got
        another size since the last look, because it was still being copied or was replaced, is looked into
        again; one that cannot be read is passed over until the next look.
        """
        known = {
            film.origin.path: film
            for film in await self._films.all()
            if isinstance(film.origin, FolderOrigin)
        }
        unread, seen = [], set[Path]()
        for folder in self._paths:
            try:
                seen.update(await self._folders.films(folder))
            except OSError as error:
                unread.append(folder)
                _log.warning("cannot read the film folder %s: %s", folder, error.strerror)
        for path in sorted(seen):
            try:
                await self._note(path, known.get(str(path)))
            except OSError as error:
                _log.warning("cannot read %s: %s", path, error.strerror)
        for film in known.values():
            await self._drop_if_gone(film, seen, unread)

    async def _note(self, path: Path, known: Film | None) -> None:
        before, size = self._sizes.get(path), await self._size(path)
        same = before == size or (before is None and known is not None and known.state is FilmState.READY)
        if known is None or not same:
            await self._take(path, known)
        # Only now, so that a look that was interrupted is taken again.
        self._sizes[path] = size

    async def _take(self, path: Path, known: Film | None) -> None:
        film = await self._look_into(path)
        await self._films.save(film)
        if known is None:
            self._bus.publish(FilmAdded(film.id, film.title))
        if film.state is FilmState.READY:
            self._bus.publish(FilmReady(film.id))

    async def _size(self, path: Path) -> int:
        source = await self._folders.open(path)
        await source.close()
        return source.size

    async def _look_into(self, path: Path) -> Film:
        title, year = title_from(path.name)
        film_id, origin = film_id_of(f"file:{path}"), FolderOrigin(str(path))
        source = await self._folders.open(path)
        try:
            async with self._door.lend(source) as url:
                probe = await self._prober.probe(url)
        except MediaError as error:
            return Film(
                film_id, Description(title, year=year), origin, FilmState.FAILED, reason=error.explained
            )
        finally:
            await source.close()
        return Film(film_id, described(probe, title, year), origin, FilmState.READY, progress=1.0)

    async def _drop_if_gone(self, film: Film, seen: set[Path], unread: list[Path]) -> None:
        path = Path(film.origin.path) if isinstance(film.origin, FolderOrigin) else Path()
        if path in seen or _below(path, unread):
            return
        self._sizes.pop(path, None)
        await self._films.remove(film.id)
        self._bus.publish(FilmRemoved(film.id))


def _below(path: Path, folders: Iterable[Path]) -> bool:
    """Say whether a path lies in one of some folders; a folder may be named by a link to it."""
    return any(path.is_relative_to(folder) or path.is_relative_to(folder.resolve()) for folder in folders)


def title_from(name: str) -> tuple[str, int | None]:
    """Read title and year from a file name: `Big.Buck.Bunny.(2008).1080p.mkv` is Big Buck Bunny, 2008."""
    stem = name.rsplit(".", 1)[0]
    years = [match for match in _YEAR.finditer(stem) if match.start() > 0]
    # `Blade Runner 2049 (2017)`: the year in brackets, or else the last one.
    match = next((one for one in years if "(" in one[0] or "[" in one[0]), years[-1] if years else None)
    bare = _NOISE.sub("", stem[: match.start()] if match else stem)
    title = _words(bare, _gaps(stem)) or _words(stem, _gaps(stem)) or name
    title = title if title != title.lower() else title[:1].upper() + title[1:]
    return title, int(match[1]) if match else None


def _gaps(stem: str) -> str:
    """Say what stands between words: spaces, or else dots and underscores, or else hyphens."""
    if " " in stem.strip():
        return r"\s+"
    return r"[._]+" if re.search(r"[._]", stem.strip("._")) else r"[._-]+"


def _words(stem: str, gaps: str) -> str:
    return re.sub(gaps, " ", stem).rstrip(" -_.([").strip(" -_")


def described(probe: Probe, title: str, year: int | None) -> Description:
    """Describe a film by what its file contains."""
    spoken = tuple(dict.fromkeys(track.language for track in probe.audio))
    written = dict.fromkeys(track.language for track in probe.subtitles)
    return Description(
        title=title,
        year=year,
        runtime=probe.duration,
        languages=spoken,
        subtitles=after_the_sound(written, spoken, str),
        height=probe.video.height,
    )
