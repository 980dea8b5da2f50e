"""Plans of playback. A film is looked into once, while its file stays the same."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from cachetools import LRUCache

from wylloh_server.domain.film import FolderOrigin
from wylloh_server.services.library.film_sources import opened
from wylloh_server.services.playback.playback_plan import make_playback_plan

if TYPE_CHECKING:
    from wylloh_server.domain.film import Film
    from wylloh_server.domain.ports.content import RandomAccess
    from wylloh_server.domain.ports.media import MediaTools
    from wylloh_server.domain.rendition import Probe
    from wylloh_server.domain.types import FilmId
    from wylloh_server.services.library.film_sources import FilmSources
    from wylloh_server.services.playback.playback_plan import PlaybackPlan

_REMEMBERED = 200
_AT_ONCE = 2
"""Looking into a film is a process of its own: who presses Play everywhere must not start hundreds."""


class Planner:
    """Makes plans.

    Args:
        sources: opens the films.
        media: looks into them; its identity is part of a plan.
    """

    def __init__(self, *, sources: FilmSources, media: MediaTools) -> None:
        self._sources = sources
        self._media = media
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._locks: WeakValueDictionary[FilmId, asyncio.Lock] = WeakValueDictionary()
        self._probes: LRUCache[FilmId, tuple[str, Probe]] = LRUCache(_REMEMBERED)

    async def plan(self, film: Film) -> PlaybackPlan:
        """Return the plan of a film.

        Raises:
            MediaRefused: it is not a film we open, and why.
            AccessRefused, ContentError: it cannot be opened.
        """
        async with opened(self._sources.open(film)) as source:
            fingerprint = f"{_content(film)}|{source.size}|{self._media.identity}"
            # Whoever looks at a film and then presses Play looks into it once.
            async with self._locks.setdefault(film.id, asyncio.Lock()):
                probe = await self._probe(film, fingerprint, source)
        # Every time: files with subtitles come and go beside the film.
        return make_playback_plan(film, probe, fingerprint, await self._sources.subtitles(film))

    async def _probe(self, film: Film, fingerprint: str, source: RandomAccess) -> Probe:
        known, probe = self._probes.get(film.id, ("", None))
        if probe is None or known != fingerprint:
            async with self._places:
                probe = await self._media.probe(source)
            self._probes[film.id] = (fingerprint, probe)
        return probe


def _content(film: Film) -> str:
    """Return what names a film's content: a file that was renamed keeps what was made of it."""
    origin = film.origin
    return (isinstance(origin, FolderOrigin) and origin.fingerprint) or str(origin)
