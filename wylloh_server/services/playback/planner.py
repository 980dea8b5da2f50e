"""Plans of playback: what is inside a film, and the subtitles beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.services.playback.playback_plan import make_playback_plan

if TYPE_CHECKING:
    from wylloh_server.domain.film import Film
    from wylloh_server.services.library.film_contents import MediaIndexes
    from wylloh_server.services.library.film_sources import FilmSources
    from wylloh_server.services.playback.playback_plan import PlaybackPlan


class Planner:
    """Makes plans.

    Args:
        sources: lists subtitles beside films.
        indexes: looks into films.
    """

    def __init__(self, *, sources: FilmSources, indexes: MediaIndexes) -> None:
        self._sources = sources
        self._indexes = indexes

    async def plan(self, film: Film) -> PlaybackPlan:
        """Return the plan of a film.

        Raises:
            MediaRefused: it is not a film we open, and why.
            AccessRefused, ContentError: it cannot be opened.
        """
        contents = await self._indexes.contents(film)
        # Every time: files with subtitles come and go beside the film.
        return make_playback_plan(film, contents, await self._sources.subtitles(film))
