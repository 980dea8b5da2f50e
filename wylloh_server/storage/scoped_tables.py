"""A plugin's own tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Insert

from wylloh_server.domain.errors import PluginError
from wylloh_server.domain.ports.plugin_tables import PluginRows
from wylloh_server.storage.bulk_insert import bound, insert_many
from wylloh_server.storage.plugin_sql_guard import PluginSqlGuard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_server.storage.connections import Connections


class ScopedTables:
    """The tables of one plugin. Implements `domain.ports.plugin_tables.PluginTables`."""

    def __init__(self, connections: Connections, prefix: str) -> None:
        self._connections = connections
        self._guard = PluginSqlGuard(prefix, connections.dialect)

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

        A pair `(statement, rows)` runs the statement once for each row of values; no rows, not at all. For an
        insert, rows may be tuples: a value for each of the table's columns, in order.

        Raises:
            PluginError: a statement is something else or touches a table that is not the plugin's.
            StorageError: the database refused one.
        """
        changes = [self._checked(statement) for statement in statements]
        async with self._connections.writing() as connection:
            for change, rows in changes:
                if rows and isinstance(rows[0], tuple):
                    await insert_many(connection, change, rows)
                elif rows is None or rows:
                    await connection.execute(change, rows)

    def _checked(self, statement: object) -> tuple[Any, Sequence[Any] | None]:
        if not isinstance(statement, tuple):
            return self._guard.change(statement), None
        change, rows = statement
        if rows and isinstance(rows[0], tuple):
            return self._guard.change(change), self._bound(change, rows)
        return self._guard.change(change, {name for row in rows for name in row} or None), rows

    def _bound(self, change: object, rows: Sequence[tuple[Any, ...]]) -> Sequence[tuple[Any, ...]]:
        if not isinstance(change, Insert):
            raise PluginError("Only an insert takes rows that are tuples.", fix="Use mappings as rows.")
        try:
            return bound(change.table, rows, self._connections.dialect)
        except (TypeError, ValueError) as error:
            raise PluginError(f"A row cannot be stored in {change.table.name}: {error}.") from error
