"""Rows of a plugin's tables as mappings: to select, and to put in the place of others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, insert

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import ColumnElement, Select, Table

    from wylloh_server.domain.ports.plugin_tables import PluginTables

_IN_ONE_QUERY = 400
"""Values in one `IN (…)`; SQLite takes 999 and more, depending on how it was built."""


async def select_rows(
    tables: PluginTables,
    statement: Select[Any],
    column: ColumnElement[Any] | None = None,
    values: Collection[object] | None = None,
) -> list[dict[str, Any]]:
    """Return the rows of a select; with a column and values only those where it has one of them."""
    if column is None or values is None:
        return (await tables.fetch(statement)).dicts()
    wanted, rows = list(values), []
    for begin in range(0, len(wanted), _IN_ONE_QUERY):
        part = statement.where(column.in_(wanted[begin : begin + _IN_ONE_QUERY]))
        rows += (await tables.fetch(part)).dicts()
    return rows


def replace_rows(
    table: Table, rows: Mapping[tuple[object, ...], Mapping[str, Any] | None]
) -> tuple[object, object]:
    """Return the statements that put rows in the place of those with the same primary key.

    Args:
        table: with a primary key.
        rows: the other columns by primary key; None only deletes.
    """
    names = [column.name for column in table.primary_key]
    keys = [dict(zip(names, key, strict=True)) for key in rows]
    gone = delete(table)
    for name in names:
        gone = gone.where(table.c[name] == bindparam(f"a_{name}"))
    new = [{**key, **row} for key, row in zip(keys, rows.values(), strict=True) if row is not None]
    return (gone, [{f"a_{name}": value for name, value in key.items()} for key in keys]), (insert(table), new)
