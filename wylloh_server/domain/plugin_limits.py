"""How much time and memory a plugin may use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The time and memory a plugin may use, in seconds where not stated, and when it is stopped.

    Attributes:
        answer: for a hook while somebody waits (`plugins.timeout_seconds`).
        page: for a route, and for a proposal that is made anew. Only who asked for it waits, and what it asks
            the chain takes its time (five times `plugins.timeout_seconds`).
        draw: for rendering one of its templates, which may include other plugins' fragments.
        load: for importing the plugin, and again for its declarations.
        patience: the server starts without those plugins that are still loading when no other has been loaded
            for this time. They start as soon as they can.
        migrate: for its migrations.
        start: for the first half of `lifespan`.
        event: for handling one event.
        stop: for the events still queued, then for the second half of `lifespan`, then for remaining tasks.
        hang: a cancelled call that has not ended after this time is closed as if it had failed `failures`
            times, and the plugin is started again in another thread or process. It is stopped if a task hangs
            that it started itself.
        failures: this many failures of one hook, route, template or task within `window` close that one
            until they are older. Failures of the chain, of content and of the database, and time spent
            waiting for the server, are not counted.
        ends: a plugin whose own process ended this many times within `window` is not started again.
        window: see `failures`.
        queue: number of events that wait for one plugin; further ones are dropped.
        missed: number of events dropped while it handles a single one that stops the plugin.
        emitted: number of events emitted within a minute above which the plugin is stopped.
    """

    answer: float = 2
    page: float = 10
    draw: float = 5
    load: float = 20
    patience: float = 3
    migrate: float = 300
    start: float = 20
    event: float = 30
    stop: float = 1
    hang: float = 10
    failures: int = 20
    ends: int = 5
    window: float = 600
    queue: int = 1000
    missed: int = 10_000
    emitted: int = 50_000
