"""Adds to counts and replaces rows, many at once, by the same statements for SQLite and PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, insert

# SQLite's `ON CONFLICT` is PostgreSQL's, and SQLAlchemy writes this insert for either of them.
from sqlalchemy.dialects.postgresql import insert as insert_or_update

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Table


def additions(table: Table, rows: Sequence[Mapping[str, Any]]) -> list[object]:
    """Make the statement that adds to a table's counts, for `PluginTables.change`.

    Columns of the primary key say which count, all others are counts. What is not there yet counts as 0.
    """
    statement = insert_or_update(table)
    keys = list(table.primary_key)
    more = {column.name: column + statement.excluded[column.name] for column in table.c if column not in keys}
    return [(statement.on_conflict_do_update(index_elements=keys, set_=more), list(rows))]


def replacements(table: Table, rows: Sequence[Mapping[str, Any]]) -> list[object]:
    """Make the statements that put whole rows in the place of those with the same primary key."""
    keys = [column.name for column in table.primary_key]
    gone = delete(table).where(*(table.c[name] == bindparam(f"_{name}") for name in keys))
    return [(gone, [{f"_{name}": row[name] for name in keys} for row in rows]), (insert(table), list(rows))]
