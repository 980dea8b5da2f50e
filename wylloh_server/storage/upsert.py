"""Adds a row or replaces the one with the same key, in one statement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Table
    from sqlalchemy.ext.asyncio import AsyncConnection


async def upsert(connection: AsyncConnection, table: Table, row: Mapping[str, Any]) -> None:
    """Store a whole row by its primary key.

    Both databases know `ON CONFLICT … DO UPDATE`, each through its own dialect's insert.
    """
    statement = _insert(connection)(table).values(dict(row))
    keys = [column.name for column in table.primary_key]
    others = {name: statement.excluded[name] for name in row if name not in keys}
    await connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=others))


async def insert_new(connection: AsyncConnection, table: Table, row: Mapping[str, Any]) -> bool:
    """Store a row unless one with the same key or unique value is there; say whether it was stored."""
    statement = _insert(connection)(table).values(dict(row)).on_conflict_do_nothing()
    return bool((await connection.execute(statement)).rowcount)


def _insert(connection: AsyncConnection) -> Callable[[Table], postgresql.Insert | sqlite.Insert]:
    return postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
