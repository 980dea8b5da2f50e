"""Counts in the background, for as long as the plugin runs."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from wylloh_analytics.projection import AnalyticsProjection
from wylloh_server.sdk import PollLoop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wylloh_server.sdk import PluginContext

_EVENT_SECONDS = 20
"""Longest time an event is waited for; counting goes on without it."""

TOPIC = "plugin:analytics"
"""The live topic of all charts."""


class CountingService:
    """What `lifespan` yields: the projection, and the loop that keeps it up to date."""

    def __init__(self, context: PluginContext) -> None:
        self.projection = AnalyticsProjection(context)
        self._context = context
        self._counting = asyncio.Lock()
        self.loop = PollLoop(self._poll, context.log, "counting failed")

    async def hear(self) -> None:
        """Count what is new, and wait for it unless that takes very long.

        Raises:
            StorageError, PluginError: counting failed, and will be retried.
        """
        self.loop.wake()
        await self.loop.wait(_EVENT_SECONDS)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Count until the context ends."""
        async with self.loop.running(self.projection.halt):
            yield

    async def rebuild(self) -> int:
        """Delete all sums and count everything again; return the number of events."""
        self.projection.halt()
        async with self._counting:
            found = await AnalyticsProjection(self._context).rebuild()
        self.projection.halted = False
        return found

    async def _poll(self) -> None:
        async with self._counting:
            changed = await self.projection.catch_up()
        if changed:
            self._context.live.changed(TOPIC)


def service_of(context: PluginContext) -> CountingService:
    """Return what `lifespan` yielded."""
    service: CountingService = context.state
    return service
