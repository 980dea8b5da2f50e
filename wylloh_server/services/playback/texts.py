"""Subtitles as WebVTT: beside the film in its package, or taken out of it once and kept encrypted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from wylloh_server.domain.rendition import SubtitleTrack

if TYPE_CHECKING:
    from wylloh_server.services.playback.plan import Plan, TextTrack
    from wylloh_server.services.playback.run import Tools

_KEPT = "subtitles.bin"
_AT_ONCE = 2
"""Each reads a whole film: a player that asks for every track must not bring the machine down."""


class Texts:
    """Gives subtitles.

    Args:
        tools: to open, take out, encrypt and keep.
    """

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def webvtt(self, plan: Plan, track: TextTrack) -> str:
        """Give one track. Taking it out of a long film reads the whole film.

        Raises:
            MediaError, ContentError: it cannot be read.
        """
        if not isinstance(track.origin, SubtitleTrack):
            return await self._tools.sources.text(plan.film, track.origin.path)
        lock = self._locks.setdefault((plan.store, track.name), asyncio.Lock())
        async with lock:
            return await self._embedded(plan, track, track.origin.index)

    async def _embedded(self, plan: Plan, track: TextTrack, index: int) -> str:
        cipher, store = self._tools.cipher, self._tools.store
        key = cipher.key_for(plan.store, track.name, 0)
        sealed = await store.get(plan.store, track.name, _KEPT)
        if sealed is None:
            text = await self._taken_out(plan, index)
            sealed = cipher.encrypt(text.encode(), key, 0)
            await store.put(plan.store, track.name, _KEPT, sealed)
        return cipher.decrypt(sealed, key, 0).decode()

    async def _taken_out(self, plan: Plan, index: int) -> str:
        source = await self._tools.sources.open(plan.film)
        try:
            async with self._places, self._tools.door.lend(source) as url:
                return await self._tools.encoder.subtitles(url, index)
        finally:
            await source.close()
