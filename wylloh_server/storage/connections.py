"""Hands out connections, one transaction each."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from traceback import clear_frames
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import StorageError
from wylloh_server.storage.database_errors import translate_errors
from wylloh_server.storage.engine import WRITES
from wylloh_server.storage.group_commit import GroupCommit
from wylloh_server.storage.versioned_cache import WriteCounter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from sqlalchemy import Dialect
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

_CLOSE_SECONDS = 10
"""How long closing waits for transactions under way, including those that are being rolled back."""


class Connections:
    """The pool. Every failure leaves as an error of the domain, with nothing half written."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        # SQLite has one writer at a time. Its own way of waiting is to sleep and look again; within one
        # process the next writer is woken at once and in order. PostgreSQL groups commits by itself.
        one_writer = engine.dialect.name == "sqlite"
        self._transaction = GroupCommit(self._begin).writing if one_writer else self._begin
        self.writes = WriteCounter(self.file)
        self._lent: set[asyncio.Task[AsyncConnection]] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False

    @property
    def file(self) -> Path | None:
        """Return the file the database is in; None if it is behind a server."""
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
        with translate_errors():
            async with self._connection() as connection:
                with _released_if_cancelled():
                    yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Write all or nothing: it is on the disk when the context has ended."""
        with translate_errors():
            try:
                async with self._transaction() as connection:
                    with _released_if_cancelled():
                        yield connection
            finally:
                # Also after a failure: a commit whose answer was lost may have been made.
                self.writes.add()

    async def close(self) -> None:
        """Close the pool as soon as no connection is lent out, after ten seconds in any case."""
        self._closed = True
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._idle.wait()
        await self._engine.dispose()

    @asynccontextmanager
    async def _begin(self) -> AsyncIterator[AsyncConnection]:
        """Lend a connection in a transaction that will write, and commit it when the context ends."""
        async with self._connection() as plain:
            connection = await plain.execution_options(**{WRITES: True})
            async with connection.begin():
                yield connection

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection]:
        """Lend a connection.

        A task that is cancelled while SQLAlchemy opens or returns a connection would leave it open, with its
        thread and its file: both are done in tasks of their own, which nobody cancels.
        """
        if self._closed:
            raise StorageError("The database is closed.", fix="Start the server again.")
        opening = asyncio.ensure_future(self._engine.connect())
        self._lent.add(opening)
        self._idle.clear()
        try:
            yield await asyncio.shield(opening)
        finally:
            await asyncio.shield(asyncio.create_task(self._take_back(opening)))

    async def _take_back(self, opening: asyncio.Task[AsyncConnection]) -> None:
        """Roll back what was not committed, and return the connection to the pool."""
        try:
            await asyncio.wait({opening})
            if not opening.cancelled() and opening.exception() is None:
                await opening.result().close()
        finally:
            self._lent.discard(opening)
            if not self._lent:
                self._idle.set()


@contextmanager
def _released_if_cancelled() -> Iterator[None]:
    """Drop the cursors of a user of a connection who is cancelled.

    A query that is cancelled between its execution and its rows keeps SQLite's lock, also after a rollback,
    until its cursor is collected, and nobody can write meanwhile: the traceback must not keep it.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        clear_frames(error.__traceback__)
        raise
