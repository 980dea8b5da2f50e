"""Copies one plugin's tables into a SQLite file of their own, to try migrations on."""

from __future__ import annotations

import asyncio
import re
import shutil
import sqlite3
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING
from urllib.parse import quote

from wylloh_server.domain.errors import PluginError
from wylloh_server.domain.types import Seconds
from wylloh_server.storage.connections import Connections
from wylloh_server.storage.engine import engine_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

_BUSY = Seconds(10)
_PLAIN = re.compile(r"CREATE\s+(TABLE|(UNIQUE\s+)?INDEX)\b", re.IGNORECASE)
_DECLARED = 0
"""What `PRAGMA table_xinfo` calls columns that are neither hidden nor generated."""


@asynccontextmanager
async def copy_plugin_tables(file: Path, prefix: str) -> AsyncIterator[Connections]:
    """Open a copy of the tables whose names begin with `prefix`, indexes and triggers included.

    The copy lies beside the file, because there is room where the data is, and is removed when the context
    ends; one that a crash left behind is removed before.

    Raises:
        PluginError: it cannot be made. The data is as it was.
    """
    folder = file.with_name(f"{file.name}.{prefix}trial")
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    connections = None
    try:
        folder.mkdir(mode=0o700)
        copy = folder / "copy.sqlite3"
        await asyncio.to_thread(copy_tables, file, copy, prefix)
        connections = Connections(engine_for(copy, _BUSY))
        yield connections
    except (sqlite3.Error, OSError) as error:
        raise PluginError(
            f"Its tables could not be copied to try the migrations on: {error}.",
            fix="Free some room where the data folder is, then start it again.",
        ) from error
    finally:
        if connections is not None:
            await connections.close()
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def copy_tables(source: Path, target: Path, prefix: str) -> None:
    """Copy the tables whose names begin with `prefix` into a SQLite file; beside servers that use them.

    Raises:
        sqlite3.Error: they cannot be read, or there is no room for the copy.
    """
    # Foreign keys are not enforced while copying: sqlite3 leaves them off unless told otherwise.
    with closing(sqlite3.connect(f"file:{quote(str(target))}", uri=True, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous = OFF")  # the copy need not outlive a crash
        attach(database, source)
        database.execute("BEGIN")
        copy_attached(database, prefix)
        database.execute("COMMIT")


def attach(database: sqlite3.Connection, source: Path) -> None:
    """Attach a file as `data`, to be read."""
    database.execute("ATTACH ? AS data", (f"file:{quote(str(source))}?mode=ro",))


def copy_attached(database: sqlite3.Connection, prefix: str, *, trusted: bool = True) -> None:
    """Copy the tables whose names begin with `prefix` from the attached `data`, with indexes and triggers.

    Of a file that a plugin wrote only plain tables and indexes are: triggers and virtual tables are code.
    """
    found = database.execute("SELECT type, name, tbl_name, sql FROM data.sqlite_master").fetchall()
    own = [(kind, name, sql) for kind, name, table, sql in found if table.startswith(prefix) and sql]
    if not trusted:
        own = [(kind, name, sql) for kind, name, sql in own if _PLAIN.match(sql)]
    for kind, name, sql in sorted(own, key=lambda item: item[0] != "table"):
        database.execute(sql)
        if kind == "table":
            _copy_rows(database, name)


def _copy_rows(database: sqlite3.Connection, table: str) -> None:
    name = quoted(table)
    rows = database.execute(f"PRAGMA data.table_xinfo({name})").fetchall()
    columns = ", ".join(quoted(row[1]) for row in rows if row[6] == _DECLARED)
    # Names are those the database itself gave, quoted.
    database.execute(f"INSERT INTO main.{name} ({columns}) SELECT {columns} FROM data.{name}")  # noqa: S608


def quoted(name: str) -> str:
    """Return a name as SQL writes it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'
