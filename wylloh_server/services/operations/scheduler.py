"""Periodic background work: run a coroutine function again and again, with its failures logged."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import WyllohError
from wylloh_server.domain.types import Seconds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from wylloh_server.domain.events import Event
    from wylloh_server.services.operations.event_bus import EventBus
    from wylloh_server.storage.versioned_cache import DatabaseVersion, WriteCounter

_log = logging.getLogger(__name__)


@asynccontextmanager
async def run_periodically(
    name: str, work: Callable[[], Awaitable[None]], every: Seconds
) -> AsyncIterator[None]:
    """Do some work again and again until the context ends; its failures are logged, never raised."""
    task = asyncio.create_task(repeat_forever(name, work, every), name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def run_on_event(
    bus: EventBus, kind: type[Event], name: str, work: Callable[[], Awaitable[None]]
) -> AsyncIterator[None]:
    """Do some work now and after events of a kind until the context ends; its failures are logged.

    Events that come while it is at work lead to one more round.
    """
    happened = asyncio.Event()
    happened.set()

    def note(event: Event) -> None:
        if isinstance(event, kind):
            happened.set()

    async def next_round() -> None:
        await happened.wait()
        happened.clear()
        await work()

    bus.listeners.append(note)
    try:
        async with run_periodically(name, next_round, Seconds(0)):
            yield
    finally:
        bus.listeners.remove(note)


def after_writes(
    work: Callable[[], Awaitable[None]],
    writes: WriteCounter,
    at_least: Seconds,
    timer: Callable[[], float] = time.monotonic,
) -> Callable[[], Awaitable[None]]:
    """Return work that passes its turn while nothing was written to the database since it last began.

    `at_least` bounds how long it passes: time, disk and network change what is to do without a write. A round
    that failed is repeated at the next turn.
    """
    done: DatabaseVersion | None = None
    due = 0.0

    async def work_if_due() -> None:
        nonlocal done, due
        version, now = writes.version, timer()
        if version == done and now < due:
            return
        done = None
        await work()
        done, due = version, now + at_least

    return work_if_due


async def repeat_forever(name: str, work: Callable[[], Awaitable[None]], every: Seconds) -> None:
    """Do some work again and again until cancelled; its failures are logged, never raised."""
    said = ""
    while True:
        try:
            await work()
            if said:
                _log.info("%s: works again", name)
            said = ""
        except (WyllohError, OSError) as error:
            # Once, not at every round of an outage that may last for days.
            if str(error) != said:
                _log.warning("%s: %s", name, error)
            said = str(error)
        except Exception:  # noqa: BLE001 - a defect in one round must not end all later ones
            _log.exception("%s failed", name)
        await asyncio.sleep(every)
