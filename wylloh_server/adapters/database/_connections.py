"""Hands out connections, one transaction each."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from wylloh_server.adapters.database._engine import WRITES
from wylloh_server.adapters.database._faults import clear_errors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy import Dialect
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine


class Connections:
    """The pool. Every failure leaves as an error of the domain, with nothing half written."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        # SQLite has one writer at a time. Its own way of waiting is to sleep and look again; within one
        # process a lock wakes the next writer at once and in order.
        one_writer = engine.dialect.name == "sqlite"
        self._turn = asyncio.Lock() if one_writer else nullcontext()

    @property
    def file(self) -> Path | None:
        """Give the file the database is in; None if it is behind a server."""
        if self._engine.dialect.name != "sqlite":
            return None
        return Path(str(self._engine.url.database))

    @property
    def dialect(self) -> Dialect:
        """How the database at hand writes SQL."""
        return self._engine.dialect

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Read one consistent state."""
        with clear_errors():
            async with self._engine.connect() as connection:
                yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Write in one transaction: all of it is stored when the context ends, or nothing."""
        with clear_errors():
            async with self._turn, self._engine.connect() as plain:
                connection = await plain.execution_options(**{WRITES: True})
                async with connection.begin():
                    yield connection
