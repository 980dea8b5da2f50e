"""Pauses before what did not answer is asked again."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from cachetools import TTLCache

if TYPE_CHECKING:
    from wylloh_server.domain.ports.clock import Clock

_FIRST_PAUSE, _LONGEST_PAUSE = 30.0, 3600.0
"""Seconds; each pause is twice as long as the one before it, give or take a quarter."""
_random = secrets.SystemRandom()


class Backoff:
    """Remembers what did not answer, and until when to leave it alone."""

    def __init__(self, most: int, clock: Clock) -> None:
        self._clock = clock
        self._pauses: TTLCache[str, tuple[float, float]] = TTLCache(most, 2 * _LONGEST_PAUSE, timer=clock)

    def is_paused(self, name: str) -> bool:
        """Whether it did not answer lately, and is to be left alone."""
        _, until = self._pauses.get(name, (0.0, 0.0))
        return self._clock() < until

    def failed(self, name: str) -> None:
        """Note that it did not answer."""
        last, _ = self._pauses.get(name, (0.0, 0.0))
        pause = min(_LONGEST_PAUSE, 2 * last or _FIRST_PAUSE)
        self._pauses[name] = pause, self._clock() + pause * _random.uniform(0.75, 1.25)

    def answered(self, name: str) -> None:
        """Forget that it did not answer."""
        self._pauses.pop(name, None)
