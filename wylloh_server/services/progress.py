"""Turning a flood of progress reports into a few saved ones."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wylloh_server.domain.ports.content import Progress

_EVERY = 0.5


class Ticker:
    """Inside its context, does some work again and again, so many seconds apart."""

    def __init__(self, work: Callable[[], Awaitable[None]], every: float) -> None:
        self._work = work
        self._every = every
        self._over = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin."""
        self._task = asyncio.create_task(self._tick())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop, after work that is under way: what the caller does next must come last."""
        self._over.set()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def _tick(self) -> None:
        while not await self._over_within(self._every):
            await self._work()

    async def _over_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._over.wait()
        except TimeoutError:
            return False


class Meter:
    """Inside its context, saves the share done (0…1) twice a second while it changes."""

    def __init__(self, save: Callable[[float], Awaitable[None]], watch: Progress | None = None) -> None:
        self._save = save
        self._watch = watch
        self._share = 0.0
        self._saved = 0.0
        self._ticker = Ticker(self._look, _EVERY)

    def note(self, done: int, of: int) -> None:
        """Take one report: units done and units in all (0 while unknown)."""
        self._share = done / of if of else 0.0
        if self._watch is not None:
            self._watch(done, of)

    async def __aenter__(self) -> Self:
        """Begin to save."""
        await self._ticker.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        """Stop saving, after a save under way: what the caller saves next must come last."""
        await self._ticker.__aexit__(*error)

    async def _look(self) -> None:
        if self._share != self._saved:
            self._saved = self._share
            await self._save(self._saved)
