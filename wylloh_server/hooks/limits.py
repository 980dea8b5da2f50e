"""How much of the server's time and memory a plugin may take, and what it may do wrong."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """How long plugins may take, in seconds, and when they are stopped.

    Attributes:
        answer: seconds for a hook or a route while somebody waits (`plugins.timeout_seconds`).
        draw: seconds for drawing one of its templates; other plugins may have a part in the page.
        load: seconds for importing the plugin, and again for its declarations.
        migrate: seconds for its migrations.
        start: seconds for the first half of `lifespan`.
        event: seconds for hearing one event.
        stop: seconds for hearing the rest of the queue, then for the second half of `lifespan`, then for
            what it left running.
        hang: work that was called off, because it took longer than it may, and has not ended after so many
            further seconds stops the plugin.
        failures: so many failures within `window` seconds stop the plugin. Those of the chain, of content
            and of the database do not count, nor that it waited for them too long.
        window: see `failures`.
        queue: how many events wait for one plugin; further ones are dropped.
        missed: so many events dropped while it hears a single one stop the plugin.
        emitted: more events than this that it emits within a minute stop the plugin.
        patrol: seconds between two looks for tables that its migrations did not make.
    """

    answer: float = 2
    draw: float = 5
    load: float = 20
    migrate: float = 300
    start: float = 20
    event: float = 30
    stop: float = 1
    hang: float = 10
    failures: int = 20
    window: float = 600
    queue: int = 1000
    missed: int = 10_000
    emitted: int = 50_000
    patrol: float = 10
