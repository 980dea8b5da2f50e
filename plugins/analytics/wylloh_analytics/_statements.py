"""Adds to counts and replaces rows, many at once, by the same statements for SQLite and PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

# SQLite's `ON CONFLICT` is PostgreSQL's, and SQLAlchemy writes this insert for either of them.
from sqlalchemy.dialects.postgresql import insert as insert_or_update

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import ColumnElement, Table

    _Value = ColumnElement[Any]


def additions(table: Table, rows: Sequence[Mapping[str, Any]]) -> list[object]:
    """Make the statement that adds to a table's counts, for `PluginTables.change`.

    Columns of the primary key say which count, all others are counts. What is not there yet counts as 0.
    """
    return _stored(table, rows, lambda there, new: there + new)


def replacements(table: Table, rows: Sequence[Mapping[str, Any]]) -> list[object]:
    """Make the statement that puts whole rows in the place of those with the same primary key."""
    return _stored(table, rows, lambda _, new: new)


def _stored(
    table: Table, rows: Sequence[Mapping[str, Any]], merged: Callable[[_Value, _Value], _Value]
) -> list[object]:
    statement, keys = insert_or_update(table), list(table.primary_key)
    others = [column for column in table.c if column not in keys]
    changed = {column.name: merged(column, statement.excluded[column.name]) for column in others}
    return [(statement.on_conflict_do_update(index_elements=keys, set_=changed), list(rows))]
