"""Segments of streams that are handed through: copied when they are asked for, by any number of viewers."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from cachetools import LRUCache

from wylloh_server.services.playback.playback_plan import INIT
from wylloh_server.services.playback.playlists import key_period

if TYPE_CHECKING:
    from wylloh_server.domain.ports.crypto import SegmentCipher
    from wylloh_server.domain.ports.media import Remuxer
    from wylloh_server.services.library.film_sources import FilmSources
    from wylloh_server.services.playback.playback_plan import DirectRendition, PlaybackPlan

_KEPT_BYTES = 64 << 20
"""Segments made last stay in memory: viewers of one film are often at the same place."""

_Key = tuple[str, str, str]


class DirectSegments:
    """Gives the files of tracks that are handed through. Nothing of them is on disk.

    Args:
        remuxer: copies packets.
        sources: opens films.
        cipher: encrypts segments, as those that are encoded.
    """

    def __init__(self, *, remuxer: Remuxer, sources: FilmSources, cipher: SegmentCipher) -> None:
        self._remuxer = remuxer
        self._sources = sources
        self._cipher = cipher
        self._made: LRUCache[_Key, bytes] = LRUCache(_KEPT_BYTES, getsizeof=len)
        self._making: dict[_Key, asyncio.Task[bytes]] = {}

    async def file(self, plan: PlaybackPlan, track: DirectRendition, name: str) -> bytes:
        """Return `init.mp4` unencrypted or `<n>.m4s` encrypted.

        Raises:
            MediaRefused: the film has become another one.
            AccessRefused, ContentError: it cannot be opened.
        """
        if name == INIT:
            return track.stream.init
        key = (plan.store, track.name, name)
        data: bytes | None = self._made.get(key)
        if data is not None:
            return data
        making = self._making.get(key)
        if making is None:
            making = self._making[key] = asyncio.create_task(self._make(key, plan, track, name))
            making.add_done_callback(lambda _: self._making.pop(key, None))
        return await asyncio.shield(making)

    async def _make(self, key: _Key, plan: PlaybackPlan, track: DirectRendition, name: str) -> bytes:
        number = int(name.partition(".")[0])
        open_source = partial(self._sources.open, plan.film)
        data = await self._remuxer.segment(plan.store, open_source, track.stream, number)
        secret = self._cipher.key_for(plan.store, track.name, key_period(number))
        sealed = await asyncio.to_thread(self._cipher.encrypt, data, secret, number)
        if len(sealed) <= self._made.maxsize:
            self._made[key] = sealed
        return sealed
