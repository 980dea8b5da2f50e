"""Which plugins have a say in who may watch, as rows: a lock that vanishes must not open what it locked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from wylloh_server.storage.tables import voting_plugins

if TYPE_CHECKING:
    from collections.abc import Collection

    from wylloh_server.storage.connections import Connections


class VotingPluginRepository:
    """The names of the plugins that had a vote when the server ran last."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def all(self) -> frozenset[str]:
        """Return their names."""
        async with self._connections.reading() as connection:
            return frozenset(await connection.scalars(select(voting_plugins.c.name)))

    async def replace(self, names: Collection[str]) -> None:
        """Store these names instead of those before."""
        async with self._connections.writing() as connection:
            await connection.execute(delete(voting_plugins))
            if names:
                await connection.execute(insert(voting_plugins), [{"name": name} for name in sorted(names)])
