"""The library for plugins: films, the text of their subtitles, and the tracks of their files."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import ContentError, InvalidValue, MediaError, WyllohError
from wylloh_server.domain.film import FilmState, FolderOrigin
from wylloh_server.domain.transcript import SubtitleText, subtitle_text
from wylloh_server.services.library.film_sources import opened

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wylloh_server.domain.film import Film
    from wylloh_server.domain.ports.media import MediaTools
    from wylloh_server.domain.rendition import Probe, SubtitleTrack
    from wylloh_server.domain.types import FilmId
    from wylloh_server.services.library.film_library import Library
    from wylloh_server.services.library.film_sources import FilmSources

_log = logging.getLogger(__name__)
_Track = tuple[str, Callable[[], Awaitable[str]]]
"""A subtitle track: its language, and what reads it."""


class LibraryForPlugins:
    """The films of this server, their unencrypted subtitles and their tracks: the port `PluginLibrary`.

    Subtitles beside a film in its package are not encrypted, and neither are the files in a folder of this
    server. No film is decrypted for a plugin.
    """

    def __init__(
        self,
        *,
        library: Library,
        sources: FilmSources,
        media: MediaTools,
    ) -> None:
        self.films, self.cards, self.film = library.films, library.cards, library.film
        self._sources = sources
        self._media = media
        # Taking subtitles out of a film reads all of it: one at a time leaves the disk to those who watch.
        self._one = asyncio.Lock()

    async def words(self, film_id: FilmId, prefer: Sequence[str] = ()) -> SubtitleText | None:
        """Return the text of a film's subtitles in the first preferred language (BCP 47) it has, or in any.

        None if the film is not here, or has no unencrypted subtitles.

        Raises:
            NotFound: there is no such film.
        """
        film = await self.film(film_id)
        if film.state is not FilmState.READY:
            return None
        try:
            async with self._one:
                track = _preferred(await self._tracks(film), prefer)
                return None if track is None else SubtitleText(track[0], subtitle_text(await track[1]()))
        except (ContentError, InvalidValue, MediaError, OSError) as problem:
            _log.info("the subtitles of %s cannot be read: %s", film.title, problem)
            return None

    async def probe(self, film_id: FilmId) -> Probe | None:
        """Return the tracks of a film's file. None if it is not in a folder, or cannot be read.

        Raises:
            NotFound: there is no such film.
        """
        film = await self.film(film_id)
        if not isinstance(film.origin, FolderOrigin) or film.state is not FilmState.READY:
            return None
        try:
            async with self._one:
                return await self._look(film)
        except WyllohError:
            return None

    async def _tracks(self, film: Film) -> list[_Track]:
        beside: list[_Track] = [
            (text.language, partial(self._sources.text, film, text))
            for text in await self._sources.subtitles(film)
        ]
        if beside or not isinstance(film.origin, FolderOrigin):
            return beside
        return await self._embedded(film)

    async def _embedded(self, film: Film) -> list[_Track]:
        probe = await self._look(film)
        return [(track.language, partial(self._taken_out, film, track)) for track in probe.subtitles]

    async def _look(self, film: Film) -> Probe:
        async with opened(self._sources.open(film)) as source:
            return await self._media.probe(source)

    async def _taken_out(self, film: Film, track: SubtitleTrack) -> str:
        async with opened(self._sources.open(film)) as source:
            return await self._media.subtitles(source, track)


def _preferred(tracks: Sequence[_Track], prefer: Iterable[str]) -> _Track | None:
    for wish in prefer:
        for track in tracks:
            if track[0].partition("-")[0].lower() == wish.partition("-")[0].lower():
                return track
    return tracks[0] if tracks else None
