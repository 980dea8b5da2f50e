"""Pauses before what did not answer is asked again."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from cachetools import TTLCache

if TYPE_CHECKING:
    from collections.abc import Callable

_FIRST_PAUSE, _LONGEST_PAUSE = 30.0, 3600.0
"""Seconds; each pause is twice as long as the one before it, give or take a quarter."""
_random = secrets.SystemRandom()


class Backoff:
    """Remembers what did not answer, and until when to leave it alone.

    Args:
        most: how many names are remembered.
        timer: counts seconds, whatever is done to the clock.
    """

    def __init__(self, most: int, timer: Callable[[], float] = time.monotonic) -> None:
        self._timer = timer
        self._pauses: TTLCache[str, tuple[float, float]] = TTLCache(most, 2 * _LONGEST_PAUSE, timer=timer)

    def is_paused(self, name: str) -> bool:
        """Whether it did not answer lately, and is to be left alone."""
        _, until = self._pauses.get(name, (0.0, 0.0))
        return self._timer() < until

    def failed(self, name: str) -> None:
        """Note that it did not answer."""
        last, _ = self._pauses.get(name, (0.0, 0.0))
        pause = min(_LONGEST_PAUSE, 2 * last or _FIRST_PAUSE)
        self._pauses[name] = pause, self._timer() + pause * _random.uniform(0.75, 1.25)

    def answered(self, name: str) -> None:
        """Forget that it did not answer."""
        self._pauses.pop(name, None)
