"""Counts a plugin's failures, and says when it has made too many."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import ChainError, ContentError, StorageError
from wylloh_server.hooks._thread import KeptWaiting, StillBusy

if TYPE_CHECKING:
    from collections.abc import Callable

    from wylloh_server.hooks.limits import Limits

_NOT_ITS_FAULT = (ChainError, ContentError, StorageError, KeptWaiting, StillBusy)
"""What the world did to it, and what has been counted already."""


class Conduct:
    """What one plugin has done wrong of late."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._failures: deque[float] = deque()

    def failed(self, error: BaseException) -> bool:
        """Note a failure. True if there have been too many: `limits.failures` within `limits.window`."""
        if isinstance(error, _NOT_ITS_FAULT):
            return False
        now = self._clock()
        self._failures.append(now)
        while self._failures[0] < now - self._limits.window:
            self._failures.popleft()
        return len(self._failures) >= self._limits.failures
