"""A plugin's own tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wylloh_server.adapters.database._plugin_guard import Guard
from wylloh_server.domain.ports.storage import PluginRows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.sql.dml import UpdateBase

    from wylloh_server.adapters.database._connections import Connections


class OwnTables:
    """The door to the tables of one plugin. See `domain.ports.storage.PluginTables`."""

    def __init__(self, connections: Connections, prefix: str) -> None:
        self._connections = connections
        self._guard = Guard(prefix, connections.dialect)

    async def fetch(self, statement: object) -> PluginRows:
        """Run a select.

        Raises:
            PluginError: the statement is no select or touches a table that is not the plugin's.
            StorageError: the database refused it.
        """
        select = self._guard.select(statement)
        async with self._connections.reading() as connection:
            found = await connection.execute(select)
            return PluginRows(tuple(found.keys()), tuple(tuple(row) for row in found))

    async def change(self, statements: Sequence[object]) -> None:
        """Run inserts, updates and deletes in one transaction: all are stored or none.

        A pair `(statement, rows)` runs the statement once for each row of values; no rows, not at all.

        Raises:
            PluginError: a statement is something else or touches a table that is not the plugin's.
            StorageError: the database refused one.
        """
        changes = [self._checked(statement) for statement in statements]
        async with self._connections.writing() as connection:
            for change, rows in changes:
                if rows is None or rows:
                    await connection.execute(change, rows)

    def _checked(self, statement: object) -> tuple[UpdateBase, Sequence[Mapping[str, Any]] | None]:
        if not isinstance(statement, tuple):
            return self._guard.change(statement), None
        change, rows = statement
        return self._guard.change(change, {name for row in rows for name in row} or None), rows
