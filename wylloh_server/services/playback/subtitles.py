"""Subtitles as WebVTT: beside the film in its package, or taken out of it once and kept encrypted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from wylloh_server.domain.errors import InvalidValue, MediaRefused
from wylloh_server.domain.rendition import SubtitleTrack
from wylloh_server.domain.webvtt import webvtt_from
from wylloh_server.services.library.film_sources import opened

if TYPE_CHECKING:
    from wylloh_server.services.playback.playback_plan import PlaybackPlan, SubtitleRendition
    from wylloh_server.services.playback.transcode_session import TranscodeDependencies

_KEPT = "subtitles.bin"
_AT_ONCE = 2
"""Each reads a whole film: a player that asks for every track must not bring the machine down."""


class SubtitleService:
    """Gives subtitles.

    Args:
        dependencies: to open, take out, encrypt and keep.
    """

    def __init__(self, dependencies: TranscodeDependencies) -> None:
        self._dependencies = dependencies
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def webvtt(self, plan: PlaybackPlan, track: SubtitleRendition) -> str:
        """Return one track. Taking it out of a long film reads the whole film.

        Raises:
            MediaError, ContentError: it cannot be read.
        """
        if not isinstance(track.origin, SubtitleTrack):
            text = await self._dependencies.sources.text(plan.film, track.origin)
            return await asyncio.to_thread(_webvtt, text, track)
        lock = self._locks.setdefault((plan.store, track.name), asyncio.Lock())
        async with lock:
            return await self._embedded(plan, track, track.origin)

    async def _embedded(self, plan: PlaybackPlan, track: SubtitleRendition, origin: SubtitleTrack) -> str:
        cipher, store = self._dependencies.cipher, self._dependencies.store
        key = cipher.key_for(plan.store, track.name, 0)
        sealed = await store.get(plan.store, track.name, _KEPT)
        if sealed is None:
            text = await self._taken_out(plan, origin)
            sealed = cipher.encrypt(text.encode(), key, 0)
            await store.put(plan.store, track.name, _KEPT, sealed)
        return cipher.decrypt(sealed, key, 0).decode()

    async def _taken_out(self, plan: PlaybackPlan, origin: SubtitleTrack) -> str:
        dependencies = self._dependencies
        async with self._places, opened(dependencies.sources.open(plan.film)) as source:
            return await dependencies.media.subtitles(source, origin)


def _webvtt(text: str, track: SubtitleRendition) -> str:
    try:
        return webvtt_from(text, track.label)
    except InvalidValue as error:
        raise MediaRefused(str(error), fix=error.fix) from error
