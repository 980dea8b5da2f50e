"""How much of the server's time and memory a plugin may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """How long plugins may take, in seconds, and how many events wait for each.

    Attributes:
        answer: for a hook or a route while somebody waits (`plugins.timeout_seconds`).
        start: for migrations and the first half of `lifespan`.
        event: for hearing one event.
        stop: for hearing the rest of the queue, and then for the second half of `lifespan`.
        queue: how many events wait for one plugin.
    """

    answer: float = 2
    start: float = 20
    event: float = 30
    stop: float = 1
    queue: int = 1000
