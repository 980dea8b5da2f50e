"""What a running plugin keeps in memory: that somebody is counting already."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from wylloh_analytics._counting import Counting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wylloh_server.sdk import PluginContext

_PATIENCE = 20
"""Seconds for which one event counts; the rest is left to the next one."""
_AGAIN = 60
"""Seconds after which counting is tried again when it failed."""

_DESKS: dict[int, Desk] = {}
"""One for each running plugin, by its context: in tests, several servers run in one process."""


class Desk:
    """Counts for one running plugin."""

    def __init__(self, context: PluginContext) -> None:
        self._log = context.log
        self._counting = Counting(context)
        self._beginning: asyncio.Task[None] | None = None

    async def catch_up_for_a_while(self) -> None:
        """Count what is new, unless that takes very long; what was counted is kept."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await self._counting.catch_up()

    async def catch_up_at_last(self) -> None:
        """Count what is new, however long it takes and however often it fails."""
        while True:
            try:
                await self._counting.catch_up()
            except Exception as error:  # noqa: BLE001 - nobody waits for this task; the log is where it is seen
                self._log.error("counting failed", error=str(error), again_in_seconds=_AGAIN)
                await asyncio.sleep(_AGAIN)
            else:
                return

    async def begin(self) -> None:
        """Begin to count in the background."""
        self._beginning = asyncio.create_task(self.catch_up_at_last())

    async def end(self) -> None:
        """Stop counting in the background."""
        if self._beginning is not None:
            self._beginning.cancel()
            await asyncio.gather(self._beginning, return_exceptions=True)

    async def rebuild(self) -> int:
        """Forget all sums and count everything anew; gives the number of facts."""
        await self.end()
        return await self._counting.count_anew()


@asynccontextmanager
async def running(context: PluginContext) -> AsyncIterator[None]:
    """Begin to count, and stop when the context ends."""
    desk = _DESKS[id(context)] = Desk(context)
    await desk.begin()
    try:
        yield
    finally:
        await desk.end()
        del _DESKS[id(context)]


def desk_of(context: PluginContext) -> Desk:
    """Give the desk of a running plugin."""
    return _DESKS[id(context)]
