"""Small numbers that survive a restart, as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from wylloh_server.storage.tables import cursors
from wylloh_server.storage.upsert import upsert

if TYPE_CHECKING:
    from wylloh_server.storage.connections import Connections


class CursorRepository:
    """Small named numbers that survive a restart, such as the next block to read."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def get(self, name: str) -> int | None:
        """Read a number."""
        async with self._connections.reading() as connection:
            found: int | None = await connection.scalar(select(cursors.c.value).where(cursors.c.name == name))
        return found

    async def put(self, name: str, value: int) -> None:
        """Store a number."""
        async with self._connections.writing() as connection:
            await upsert(connection, cursors, {"name": name, "value": value})
