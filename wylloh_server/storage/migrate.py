"""Brings the core's tables up to date: makes them in an empty database, or runs the missing migrations."""

from __future__ import annotations

import asyncio
from importlib import import_module, resources
from typing import TYPE_CHECKING

from sqlalchemy import Column, MetaData, String, Table, func, insert, inspect, select

from wylloh_server.storage import chain_tables, tables
from wylloh_server.storage.pre_upgrade_copy import copy_before_upgrade, upgrade_lock

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from wylloh_server.storage.connections import Connections

_LOCK = 0x57594C4C4F48
"""Any number that every Wylloh server uses and nobody else on the same PostgreSQL: "WYLLOH" in ASCII."""

_alembic_version = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))
"""Where Alembic notes the newest migration a database has had."""

_FIRST_ROWS = (
    (tables.locks, {"name": "claim"}),
    (tables.locks, {"name": "custody"}),
    (chain_tables.state, {"name": "chain", "subject": "", "step": 0, "complete": False, "kinds": []}),
)
"""Rows that every database has from the start."""


async def migrate(connections: Connections) -> None:
    """Bring a database up to date. Two servers at once do it one after the other.

    Alembic is imported only for a database of an older version, because it is slow to import. All migrations
    are one transaction, and a SQLite file is copied before: an upgrade that fails leaves everything as it
    was, and one that succeeds can be undone with the server's version before.

    Raises:
        StorageError: a newer version made the database, it cannot be read, or a migration failed.
    """
    version = await _read_version(connections)
    if version == newest_migration():
        return
    if not version or connections.file is None:
        await _upgrade(connections)
        return
    async with upgrade_lock(connections.file):
        # Whoever had the lock before may have upgraded it: then there is nothing from before to copy.
        if (await _read_version(connections) or "") < newest_migration():
            await asyncio.to_thread(copy_before_upgrade, connections.file, newest_migration())
        await _upgrade(connections)


async def _read_version(connections: Connections) -> str | None:
    async with connections.reading() as connection:
        return await connection.run_sync(_version)


async def _upgrade(connections: Connections) -> None:
    async with connections.writing() as connection:
        if connection.dialect.name == "postgresql":
            await connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        await connection.run_sync(_bring_up_to_date)


def newest_migration() -> str:
    """Return the revision of the newest migration, which its file's name begins with."""
    files = resources.files(__package__) / "migrations" / "versions"
    return max(file.name.partition("_")[0] for file in files.iterdir() if file.name.endswith(".py"))


def _version(connection: Connection) -> str | None:
    """Return the newest migration a database has had; None if it has no tables of this server."""
    if not inspect(connection).has_table(_alembic_version.name):
        return None
    return connection.scalar(select(_alembic_version.c.version_num)) or ""


def _bring_up_to_date(connection: Connection) -> None:
    version = _version(connection)
    if version is None:
        _make_tables(connection)
    elif version != newest_migration():
        import_module("wylloh_server.storage.alembic_upgrade").upgrade(connection)


def _make_tables(connection: Connection) -> None:
    # Tables of somebody else with our names are an error.
    tables.metadata.create_all(connection, checkfirst=False)
    for table, row in _FIRST_ROWS:
        connection.execute(insert(table).values(row))
    _alembic_version.create(connection)
    connection.execute(insert(_alembic_version).values(version_num=newest_migration()))
