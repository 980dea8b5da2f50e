"""About how long a viewer will wait for a picture, from how long others waited before."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

from wylloh_server.domain.types import Seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wylloh_server.services.playback.transcode_session import TranscodeSession

_FIRST_GUESS = 3.0
_WEIGHT = 0.3
"""How much the newest measurement counts."""
_LEAST = 1.0


class PreparationTimes:
    """Measures how long sessions take to their first segment, and notes who waits."""

    def __init__(self) -> None:
        self._typical = _FIRST_GUESS
        self._measured: set[int] = set()
        self._waiting: dict[str, list[float]] = {}

    def note(self, session: TranscodeSession) -> None:
        """Learn from a session that has made its first segment, once."""
        if session.first_made is not None and id(session) not in self._measured:
            self._measured.add(id(session))
            self._typical += _WEIGHT * (session.first_made - session.started - self._typical)
        if session.ended:
            self._measured.discard(id(session))

    @contextmanager
    def waiting(self, client: str) -> Iterator[None]:
        """Note that a client waits until the context ends."""
        since = asyncio.get_running_loop().time()
        self._waiting.setdefault(client, []).append(since)
        try:
            yield
        finally:
            self._waiting[client].remove(since)
            if not self._waiting[client]:
                del self._waiting[client]

    def left(self, client: str, *, queued: bool) -> Seconds | None:
        """Return how long a client will go on to wait; None when it waits for nothing.

        Args:
            client: who.
            queued: whether it waits for a place first.
        """
        if client not in self._waiting:
            return None
        waited = asyncio.get_running_loop().time() - min(self._waiting[client])
        expected = self._typical * (2 if queued else 1)
        return Seconds(max(_LEAST, expected - waited))
