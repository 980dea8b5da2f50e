"""Periodic background work: run a coroutine function again and again, with its failures logged."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import WyllohError
from wylloh_server.domain.types import Seconds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from wylloh_server.domain.events import Event
    from wylloh_server.services.operations.event_bus import EventBus

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
