"""What a running plugin keeps in memory: who is counting."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from wylloh_analytics._counting import LONG_STRETCH, Counting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from wylloh_server.sdk import PluginContext

_PATIENCE = 20
"""Seconds for which one event is heard; counting goes on without it."""
_AGAIN = 60
"""Seconds after which counting is tried again when it failed."""
_TO_THE_END = 0.8
"""Seconds in which a stretch that has begun may end when the server stops."""

TOPIC = "plugin:analytics"
"""What open pages hear of when sums have changed."""

_DESKS: dict[int, Desk] = {}
"""One for each running plugin, by its context: in tests, several servers run in one process."""


class Desk:
    """Counts for one running plugin, in a task of its own.

    Nobody cancels that task in the middle of a stretch: it looks up after each whether it shall end.
    """

    def __init__(self, context: PluginContext) -> None:
        self._log = context.log
        self._live = context.live
        self._counting = Counting(context)
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._failure: Exception | None = None
        self._work: asyncio.Task[None] | None = None

    async def hear(self) -> None:
        """Have what is new counted, and wait for it unless that takes very long.

        Raises:
            StorageError, PluginError: counting failed, and will be tried again.
        """
        self._idle.clear()
        self._news.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), _PATIENCE)
        if self._failure is not None:
            raise self._failure

    def begin(self) -> None:
        """Begin to count."""
        self._news.set()
        self._work = asyncio.create_task(self._keep_counting())

    async def end(self) -> None:
        """Stop counting."""
        self._counting.halted = True
        self._news.set()
        if self._work is not None:
            await asyncio.wait({self._work}, timeout=_TO_THE_END)
            self._work.cancel()
            await asyncio.wait({self._work})

    async def rebuild(self) -> int:
        """Forget all sums and count everything anew; gives the number of facts."""
        await self.end()
        self._counting.halted = False
        self._counting.stretch = LONG_STRETCH
        with _seldom_collecting():
            return await self._counting.count_anew()

    async def _keep_counting(self) -> None:
        while not self._counting.halted:
            await self._news.wait()
            self._news.clear()
            await self._count()
            if not self._news.is_set():
                self._idle.set()

    async def _count(self) -> None:
        try:
            changed = await self._counting.catch_up()
        except Exception as error:  # noqa: BLE001 - whatever it was, the next event or minute tries again
            self._failure = error
            self._log.error("counting failed", error=str(error), again_in_seconds=_AGAIN)
            asyncio.get_running_loop().call_later(_AGAIN, self._news.set)
            return
        self._failure = None
        if changed:
            self._live.changed(TOPIC)


@contextlib.contextmanager
def _seldom_collecting() -> Iterator[None]:
    """Have Python look for cycles a thousand times as seldom: among the millions of facts there are none."""
    usual = gc.get_threshold()
    gc.set_threshold(usual[0] * 1000, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


@asynccontextmanager
async def running(context: PluginContext) -> AsyncIterator[None]:
    """Begin to count, and stop when the context ends."""
    desk = _DESKS[id(context)] = Desk(context)
    desk.begin()
    try:
        yield
    finally:
        await desk.end()
        del _DESKS[id(context)]


def desk_of(context: PluginContext) -> Desk:
    """Give the desk of a running plugin."""
    return _DESKS[id(context)]
