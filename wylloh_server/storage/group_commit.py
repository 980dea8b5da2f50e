"""Stores with one commit what many write at the same time.

SQLite waits for the disk at each commit, and has one writer at a time. So those who wait for their turn
meanwhile share the next transaction, one after the other, each in a savepoint of its own.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from wylloh_server.domain.errors import WyllohError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from sqlalchemy.ext.asyncio import AsyncConnection


class GroupCommit:
    """Forms groups of writers. Nobody's `writing` ends well before what they wrote is on the disk.

    Args:
        begin: lends a connection in a transaction, which is committed when the context ends.
    """

    def __init__(self, begin: Callable[[], AbstractAsyncContextManager[AsyncConnection]]) -> None:
        self._begin = begin
        self._waiting: deque[_Writer] = deque()
        self._leader: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Wait for a turn, write, and wait for the commit that all of the group share.

        A writer that fails or is cancelled takes back only what it wrote itself; a commit that fails, fails
        for all.
        """
        writer = _Writer()
        self._waiting.append(writer)
        if self._leader is None:
            self._leader = asyncio.create_task(self._lead())
        try:
            yield await writer.turn
        except BaseException as failure:
            writer.stored.cancel()
            writer.over.set_result(failure)
            raise
        writer.over.set_result(None)
        await writer.stored

    async def _lead(self) -> None:
        """Store group after group until nobody waits. A task of its own, which no writer's end cancels."""
        try:
            while self._waiting:
                await self._store(len(self._waiting))
        finally:
            self._leader = None

    async def _store(self, size: int) -> None:
        """Store what those who wait longest write; who comes later is in the next group."""
        group: list[_Writer] = []
        try:
            async with self._begin() as connection:
                while len(group) < size:
                    group.append(self._waiting.popleft())
                    await group[-1].write(connection)
        except BaseException as error:
            # Those who have not had their turn have it in the next group, unless none can be formed now.
            for writer in group or [self._waiting.popleft() for _ in range(size)]:
                writer.fail(error)
            if not isinstance(error, Exception):
                raise
        for writer in group:
            writer.succeed()


class _Writer:
    """One member of a group: is lent the connection, hands it back, and learns what became of the commit."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.turn: asyncio.Future[AsyncConnection] = loop.create_future()
        self.over: asyncio.Future[BaseException | None] = loop.create_future()
        self.stored: asyncio.Future[None] = loop.create_future()

    async def write(self, connection: AsyncConnection) -> None:
        """Lend it the connection after a savepoint, to which a failure of it leads back."""
        if self.over.done():  # cancelled while it waited
            return
        savepoint = await connection.begin_nested()
        if not self.turn.done():
            self.turn.set_result(connection)
        failure = await self.over
        if failure is None:
            await savepoint.commit()
            return
        try:
            await savepoint.rollback()
        except SQLAlchemyError:
            # A full disk, for one, makes SQLite undo the whole transaction: its savepoints are gone.
            if isinstance(failure, SQLAlchemyError | WyllohError):
                raise failure from None
            raise

    def succeed(self) -> None:
        """End its wait: the group's commit is on the disk."""
        if not self.stored.done():
            self.stored.set_result(None)

    def fail(self, error: BaseException) -> None:
        """Raise in it, wherever it waits: nothing was stored."""
        waiting = self.stored if self.turn.done() else self.turn
        if not (waiting.done() or self.turn.cancelled()):
            waiting.set_exception(error)
