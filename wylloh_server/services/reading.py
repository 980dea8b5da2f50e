"""The library as plugins have it: its films, what is said in them, and what their files contain."""

from __future__ import annotations

import asyncio
import codecs
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import ContentError, MediaError, WyllohError
from wylloh_server.domain.film import FilmState, FolderOrigin
from wylloh_server.domain.languages import language_tag
from wylloh_server.domain.words import FilmWords, words_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.film import Film
    from wylloh_server.domain.ports.content import Folders
    from wylloh_server.domain.ports.media import Encoder, MediaDoor, Prober
    from wylloh_server.domain.rendition import Probe
    from wylloh_server.domain.types import FilmId
    from wylloh_server.services.library import Library, Shelved
    from wylloh_server.services.sources import FilmSources

_log = logging.getLogger(__name__)
_LARGEST = 4 << 20
_Track = tuple[str, Callable[[], Awaitable[str]]]
"""A subtitle track: its language, and what reads it."""


class ReadingRoom:
    """Gives plugins films and what can be known of them in the clear. See `hooks.context.PluginLibrary`.

    Subtitles beside a film in its package are in the clear by their nature, and so is everything in a folder
    of this server. What is sealed inside a package stays there: a plugin's curiosity opens no film.
    """

    def __init__(
        self,
        *,
        library: Library,
        sources: FilmSources,
        folders: Folders,
        door: MediaDoor,
        prober: Prober,
        encoder: Encoder,
    ) -> None:
        self._library = library
        self._sources = sources
        self._folders = folders
        self._door = door
        self._prober = prober
        self._encoder = encoder
        # Taking subtitles out of a film reads all of it: one at a time leaves the disk to those who watch.
        self._one = asyncio.Lock()

    async def films(self, viewer: Viewer | None) -> tuple[Shelved, ...]:
        """Give every film by title, with what the viewer holds of it; None asks for nobody in particular."""
        return await self._library.films(viewer)

    async def cards(self, viewer: Viewer | None, films: Collection[FilmId]) -> tuple[Shelved, ...]:
        """Give some films in the order asked for; those that are gone are left out."""
        return await self._library.cards(viewer, films)

    async def film(self, film_id: FilmId) -> Film:
        """Find a film.

        Raises:
            NotFound: there is none of that id.
        """
        return await self._library.film(film_id)

    async def words(self, film_id: FilmId, prefer: Sequence[str] = ()) -> FilmWords | None:
        """Give what is said in a film, in the first of the preferred languages that it has, else in any.

        None when the film is not here, or has no subtitles that can be read in the clear.

        Raises:
            NotFound: there is no such film.
        """
        film = await self._library.film(film_id)
        if film.state is not FilmState.READY:
            return None
        try:
            async with self._one:
                track = _preferred(await self._tracks(film), prefer)
                return None if track is None else FilmWords(track[0], words_of(await track[1]()))
        except (ContentError, MediaError, OSError) as problem:
            _log.info("the subtitles of %s cannot be read: %s", film.title, problem)
            return None

    async def probe(self, film_id: FilmId) -> Probe | None:
        """Look into a film's file. None when it is not in a folder of this server, or cannot be read.

        Raises:
            NotFound: there is no such film.
        """
        film = await self._library.film(film_id)
        if not isinstance(film.origin, FolderOrigin) or film.state is not FilmState.READY:
            return None
        try:
            async with self._one:
                return await self._look(film)
        except WyllohError:
            return None

    async def _tracks(self, film: Film) -> list[_Track]:
        if not isinstance(film.origin, FolderOrigin):
            return [
                (text.language, partial(self._sources.text, film, text.path))
                for text in await self._sources.texts(film)
            ]
        path = Path(film.origin.path)
        beside: list[_Track] = [
            (_language_of(file, path), partial(self._file, file))
            for file in await self._folders.subtitles(path)
        ]
        return beside or await self._embedded(film)

    async def _embedded(self, film: Film) -> list[_Track]:
        probe = await self._look(film)
        return [(track.language, partial(self._taken_out, film, track.index)) for track in probe.subtitles]

    async def _look(self, film: Film) -> Probe:
        source = await self._sources.open(film)
        try:
            async with self._door.lend(source) as url:
                return await self._prober.probe(url)
        finally:
            await source.close()

    async def _taken_out(self, film: Film, index: int) -> str:
        source = await self._sources.open(film)
        try:
            async with self._door.lend(source) as url:
                return await self._encoder.subtitles(url, index)
        finally:
            await source.close()

    async def _file(self, path: Path) -> str:
        source = await self._folders.open(path)
        try:
            return _decoded(await source.read(0, min(source.size, _LARGEST)))
        finally:
            await source.close()


def _preferred(tracks: Sequence[_Track], prefer: Iterable[str]) -> _Track | None:
    for wish in prefer:
        for track in tracks:
            if track[0].partition("-")[0].lower() == wish.partition("-")[0].lower():
                return track
    return tracks[0] if tracks else None


def _language_of(file: Path, film: Path) -> str:
    """Read the language out of a name: `Film.de.srt` beside `Film.mkv` is in German."""
    return language_tag(file.stem[len(film.stem) :].strip(". ").split(".")[0])


def _decoded(raw: bytes) -> str:
    """Decode a subtitle file: Unicode as it says itself, else UTF-8, else what old Windows programs wrote."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", errors="replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")
