"""Turning a flood of progress reports into a few saved ones."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from wylloh_server.domain.ports.content import Progress

_EVERY = 0.5


@asynccontextmanager
async def report_periodically(work: Callable[[], Awaitable[None]], every: float) -> AsyncIterator[None]:
    """Do some work again and again, so many seconds apart, until the context ends; stop at its first failure.

    Work that is under way is waited for: what the caller does next must come last.
    """
    over = asyncio.Event()

    async def keep_reporting() -> None:
        while not over.is_set():
            try:
                async with asyncio.timeout(every):
                    await over.wait()
            except TimeoutError:
                await work()

    task = asyncio.create_task(keep_reporting())
    try:
        yield
    finally:
        over.set()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def report_progress(
    save: Callable[[float], Awaitable[None]], watch: Progress | None = None
) -> AsyncIterator[Progress]:
    """Save the share done (0…1) twice a second while it changes, until the context ends.

    What it yields takes the reports: units done, and units in all (0 while unknown).
    """
    share = saved = 0.0

    def note(done: int, of: int) -> None:
        nonlocal share
        share = done / of if of else 0.0
        if watch is not None:
            watch(done, of)

    async def save_changes() -> None:
        nonlocal saved
        if share != saved:
            saved = share
            await save(saved)

    async with report_periodically(save_changes, _EVERY):
        yield note
