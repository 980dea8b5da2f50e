"""How long ago something was that is stored with its moment, although the clock may be set meanwhile."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cachetools import LRUCache

if TYPE_CHECKING:
    from collections.abc import Callable

    from wylloh_server.domain.ports.clock import Clock
    from wylloh_server.domain.types import Timestamp

_MOST = 10_000


class ElapsedTime:
    """Tells how long ago moments were: by the clock when first asked about one, from then on by a timer.

    Args:
        clock: gives the present moment.
        timer: counts seconds, whatever is done to the clock.
    """

    def __init__(self, clock: Clock, timer: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._timer = timer
        self._begun: LRUCache[Timestamp, float] = LRUCache(_MOST)

    def since(self, moment: Timestamp) -> float:
        """Return the seconds since a moment."""
        now = self._timer()
        begun: float = self._begun.setdefault(moment, now - (self._clock() - moment))
        return now - begun
