"""Adds to counts and replaces rows, many at once, by the same statements for SQLite and PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, delete, exists, insert, literal, select, update

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ColumnElement, Table
    from sqlalchemy.sql.dml import Insert, Update


def additions(table: Table, rows: Sequence[Mapping[str, Any]]) -> list[object]:
    """Make the statements that add to a table's counts, for `PluginTables.change`.

    Columns of the primary key say which count, all others are counts. A new row begins with zeros.
    """
    if not rows:
        return []
    keys = [column.name for column in table.primary_key]
    # Named apart from the columns, which an update does not allow.
    wanted = [{f"_{name}": value for name, value in row.items()} for row in rows]
    only_keys = [{f"_{name}": row[f"_{name}"] for name in keys} for row in wanted]
    return [(_beginning(table), only_keys), (_adding(table), wanted)]


def replacements(table: Table, rows: Sequence[Mapping[str, Any]]) -> list[object]:
    """Make the statements that put whole rows in the place of those with the same primary key."""
    keys = [column.name for column in table.primary_key]
    same = [{f"_{name}": row[name] for name in keys} for row in rows]
    return [(delete(table).where(_this_one(table)), same), (insert(table), list(rows))]


def _this_one(table: Table) -> ColumnElement[bool]:
    return and_(*(key == bindparam(f"_{key.name}") for key in table.primary_key))


def _beginning(table: Table) -> Insert:
    keys = list(table.primary_key)
    counts = [column for column in table.c if column not in keys]
    missing = ~exists().where(_this_one(table))
    values = [bindparam(f"_{key.name}", type_=key.type) for key in keys]
    zeros = [literal(0, count.type) for count in counts]
    names = [column.name for column in (*keys, *counts)]
    return insert(table).from_select(names, select(*values, *zeros).where(missing))


def _adding(table: Table) -> Update:
    keys = list(table.primary_key)
    counts = [column for column in table.c if column not in keys]
    more = {count.name: count + bindparam(f"_{count.name}") for count in counts}
    return update(table).where(_this_one(table)).values(more)
