"""Questions and changes of the plugin's tables: rows as plain tuples, many at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

# SQLite's `ON CONFLICT` is PostgreSQL's, and SQLAlchemy writes this insert for either of them.
from sqlalchemy.dialects.postgresql import insert as insert_or_update

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import ColumnElement, Select, Table

    from wylloh_server.sdk import PluginTables

    _Value = ColumnElement[Any]

_AT_ONCE = 500
"""Values in one question: databases take some thousands."""

_T = TypeVar("_T")

Rows = list[tuple[Any, ...]]
"""Values in the order of the table's columns, of which the first are the primary key."""


async def rows_of(tables: PluginTables, question: Select[Any]) -> Sequence[Any]:
    """Return the rows of a select, each a tuple."""
    return (await tables.fetch(question)).rows


def chunks(values: Sequence[_T], size: int = _AT_ONCE) -> Iterator[Sequence[_T]]:
    """Cut values into pieces that fit into one question."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def packed(wallet: str) -> bytes:
    """Return an address as the 20 bytes that tables keep."""
    return bytes.fromhex(wallet[2:])


def additions(table: Table, rows: Rows) -> object:
    """Make the statement that adds to a table's counts, for `PluginTables.change`.

    Columns of the primary key say which count, all others are counts. What is not there yet counts as 0.
    """
    return _stored(table, rows, lambda there, new: there + new)


def replacements(table: Table, rows: Rows) -> object:
    """Make the statement that puts whole rows in the place of those with the same primary key."""
    return _stored(table, rows, lambda _, new: new)


def _stored(table: Table, rows: Rows, merged: Callable[[_Value, _Value], _Value]) -> object:
    statement, keys = insert_or_update(table), list(table.primary_key)
    others = [column for column in table.c if column not in keys]
    changed = {column.name: merged(column, statement.excluded[column.name]) for column in others}
    # Neighbours are written one after the other: a database finds their place several times quicker.
    return statement.on_conflict_do_update(index_elements=keys, set_=changed), sorted(rows)
