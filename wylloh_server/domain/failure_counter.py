"""What failed lately, and how often: a hook, route, template or task of a plugin is closed after too many."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from wylloh_server.domain.plugin_limits import Limits


class FailureCounter:
    """Count a plugin's failures within `limits.window`, by place: a hook, a route, a template, a task."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._failures: dict[str, deque[float]] = {}

    def add(self, where: str) -> None:
        """Count a failure at a place."""
        oldest = self._clock() - self._limits.window
        self._failures = {place: times for place, times in self._failures.items() if times[-1] > oldest}
        self._failures.setdefault(where, deque(maxlen=self._limits.failures)).append(self._clock())

    def close(self, where: str) -> None:
        """Close a place at once."""
        self._failures[where] = deque([self._clock()] * self._limits.failures, self._limits.failures)

    def is_closed(self, where: str) -> bool:
        """Whether the last `limits.failures` calls that failed at a place lie within the window."""
        times = self._failures.get(where, deque())
        return len(times) >= self._limits.failures and times[0] > self._clock() - self._limits.window

    def closed(self) -> tuple[str, ...]:
        """Return the places that are closed."""
        return tuple(where for where in self._failures if self.is_closed(where))
