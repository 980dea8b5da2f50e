"""Turning a flood of progress reports into a few saved ones."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wylloh_server.domain.ports.content import Progress

_EVERY = 0.5


class Meter:
    """Inside its context, saves the share done (0…1) twice a second while it changes."""

    def __init__(self, save: Callable[[float], Awaitable[None]], watch: Progress | None = None) -> None:
        self._save = save
        self._watch = watch
        self._share = 0.0
        self._over = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def note(self, done: int, of: int) -> None:
        """Take one report: units done and units in all (0 while unknown)."""
        self._share = done / of if of else 0.0
        if self._watch is not None:
            self._watch(done, of)

    async def __aenter__(self) -> Self:
        """Begin to save."""
        self._task = asyncio.create_task(self._tick())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop saving, after a save under way: what the caller saves next must come last."""
        self._over.set()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def _tick(self) -> None:
        saved = 0.0
        while not await self._over_within(_EVERY):
            if self._share != saved:
                saved = self._share
                await self._save(saved)

    async def _over_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._over.wait()
        except TimeoutError:
            return False
