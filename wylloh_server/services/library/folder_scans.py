"""Scans the folders with films again and again, and at once when somebody asks."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wylloh_server.domain.topics import FOLDERS
from wylloh_server.domain.types import Seconds
from wylloh_server.services.operations.scheduler import run_periodically

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wylloh_server.domain.ports.clock import Clock
    from wylloh_server.domain.types import Timestamp
    from wylloh_server.services.library.folder_films import FolderFilms
    from wylloh_server.services.operations.live_updates import LiveUpdates


@dataclass(kw_only=True, eq=False)
class FolderScans:
    """Scans the folders with films.

    Attributes:
        every: seconds between two scans when nobody asks.
        last: when the last scan ended; None before the first has.
        scanning: whether a scan goes on now.
    """

    folder_films: FolderFilms
    live: LiveUpdates
    clock: Clock
    every: Seconds
    last: Timestamp | None = field(init=False, default=None)
    scanning: bool = field(init=False, default=False)
    _asked: asyncio.Event = field(init=False, default_factory=asyncio.Event)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Scan now and then again and again until the context ends."""
        self._asked.set()
        async with run_periodically("scanning folders", self._next, Seconds(0)):
            yield

    def scan_now(self) -> None:
        """Have the folders scanned. Asked for again during a scan, that is done once more after it."""
        self._asked.set()
        self.live.changed(FOLDERS)

    @property
    def is_due(self) -> bool:
        """Whether a scan goes on, or is about to begin."""
        return self.scanning or self._asked.is_set()

    async def _next(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.every):
                await self._asked.wait()
        asked = self._asked.is_set()
        self._asked.clear()
        self.scanning = True
        try:
            await self.folder_films.scan()
            self.last = self.clock()
        finally:
            self.scanning = False
            if asked:
                self.live.changed(FOLDERS)
