"""Bring a plugin's tables to where it runs: into a SQLite file of its own, or into the server's database.

What was moved is complete where it went before it is removed where it was. After a crash in between both hold
the same; the plugin's own file is the one that counts, and the move is finished at the next start.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import PluginError
from wylloh_server.storage.plugin_dry_run import attach, copy_attached, copy_tables, quoted

if TYPE_CHECKING:
    from pathlib import Path

    from wylloh_server.storage.connections import Connections

_BUSY_SECONDS = 30


def tables_file(data: Path, plugin: str) -> Path:
    """Return the file with the tables of a plugin that runs in a process of its own, in a data folder."""
    return data / "plugin-data" / plugin / "tables.sqlite3"


async def place_plugin_tables(connections: Connections, own: Path, prefix: str, *, apart: bool) -> None:
    """Move a plugin's tables if they are not where they should be.

    Args:
        connections: to the server's database.
        own: the plugin's own file.
        prefix: what the names of its tables begin with.
        apart: whether the tables belong there.

    Raises:
        PluginError: they cannot be moved. They are where they were.
    """
    server = connections.file
    if server is None:
        await _check_postgresql(connections, own, prefix, apart=apart)
        return
    try:
        await asyncio.to_thread(_move_out if apart else _move_back, server, own, prefix)
    except (sqlite3.Error, OSError) as error:
        raise PluginError(
            f"Its tables could not be moved: {error}.",
            fix="Free some room where the data folder is, then start it again.",
        ) from error
    finally:
        connections.writes.add()


def _move_out(server: Path, own: Path, prefix: str) -> None:
    with closing(_open(server)) as database:
        found = _tables(database, prefix)
    if not found:
        return
    if not own.exists():
        own.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = own.with_suffix(".part")
        part.unlink(missing_ok=True)
        copy_tables(server, part, prefix)
        _sync(part)
        part.replace(own)
        _sync(own.parent)  # before the tables are dropped: a power cut must not leave them nowhere
    with closing(_open(server)) as database:
        database.execute("BEGIN IMMEDIATE")
        _drop(database, prefix)
        database.execute("COMMIT")


def _move_back(server: Path, own: Path, prefix: str) -> None:
    if not own.exists():
        return
    merge_plugin_tables(server, own, prefix)
    for rest in ("-journal", "-wal", "-shm", ""):
        own.with_name(f"{own.name}{rest}").unlink(missing_ok=True)


def merge_plugin_tables(server: Path, own: Path, prefix: str) -> None:
    """Copy a plugin's tables from its own file into a copy of the server's database, or into that itself.

    Raises:
        sqlite3.Error: they cannot be read, or there is no room.
    """
    if own.is_symlink() or not own.is_file():
        raise sqlite3.DatabaseError(f"{own} is no file")
    with closing(_open(server)) as database:
        attach(database, own)
        database.execute("BEGIN IMMEDIATE")
        _drop(database, prefix)
        copy_attached(database, prefix, trusted=False)
        database.execute("COMMIT")


def _sync(place: Path) -> None:
    """Have a file or folder on the disk before what follows."""
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _open(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(file, timeout=_BUSY_SECONDS, isolation_level=None, uri=True)


def _tables(database: sqlite3.Connection, prefix: str) -> list[str]:
    found = database.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall()
    return [name for (name,) in found if name.startswith(prefix)]


def _drop(database: sqlite3.Connection, prefix: str) -> None:
    for table in _tables(database, prefix):
        database.execute(f"DROP TABLE main.{quoted(table)}")


async def _check_postgresql(connections: Connections, own: Path, prefix: str, *, apart: bool) -> None:
    """Refuse to start a plugin whose tables lie on the other side: PostgreSQL's are not moved."""
    setting = f"plugins.isolation.{prefix.removeprefix('plugin_').removesuffix('_')}"
    if not apart and await asyncio.to_thread(own.exists):
        raise PluginError(
            f"Its tables are in {own}, and are not moved into PostgreSQL.",
            fix=f'Set {setting} to "process", or move the file away to begin with empty tables.',
        )
    async with connections.reading() as connection:
        names = await connection.run_sync(lambda sync: sync.dialect.get_table_names(sync))
    if apart and any(name.startswith(prefix) for name in names):
        raise PluginError(
            "Its tables are in PostgreSQL, which a process of its own cannot reach.",
            fix=f'Set {setting} to "thread".',
        )
