"""Chooses the driver and sets a database up the way this server needs it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import create_async_engine

from wylloh_server.domain.errors import SettingsError, StorageError

if TYPE_CHECKING:
    from sqlalchemy import Connection, ExceptionContext
    from sqlalchemy.ext.asyncio import AsyncEngine

    from wylloh_server.domain.types import Seconds

WRITES = "wylloh_writes"
"""Execution option of a connection whose transaction will write."""

DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
"""SQLAlchemy's names of the drivers, by kind of database."""

_CONNECTIONS = 4


def engine_for(place: str | Path, busy: Seconds) -> AsyncEngine:
    """Make the engine for a SQLite file or a database URL. Connects to nothing yet."""
    url = driver_url(place)
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, busy)
    return create_async_engine(url, pool_size=_CONNECTIONS, pool_pre_ping=True)


def sqlite_file(place: str) -> Path | None:
    """Return the file of the database at an URL; None if it is behind a server.

    Raises:
        SettingsError: the URL names no database this server works with.
    """
    url = driver_url(place)
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def libpq_url(place: str) -> URL:
    """Return the URL of a PostgreSQL database for what connects by libpq, whose drivers say `sslmode`."""
    return _renamed(make_url(place).set(drivername="postgresql"), "ssl", "sslmode")


def driver_url(place: str | Path) -> URL:
    """Return the URL of a database for this server's drivers; asyncpg calls libpq's `sslmode` `ssl`.

    Raises:
        SettingsError: it names no database this server works with.
    """
    if isinstance(place, Path):
        return URL.create(DRIVERS["sqlite"], database=str(place))
    try:
        url = make_url(place)
        return _renamed(url.set(drivername=DRIVERS[url.get_backend_name()]), "sslmode", "ssl")
    except (ArgumentError, KeyError):
        # The URL may hold a password: it is not repeated.
        raise SettingsError(
            "The database's URL names no database this server works with.",
            fix="Use sqlite:///<file> or postgresql://<user>:<password>@<host>/<name>.",
        ) from None


def _renamed(url: URL, name: str, to: str) -> URL:
    if name not in url.query:
        return url
    return url.difference_update_query([name]).update_query_dict({to: url.query[name]})


def _sqlite(url: URL, busy: Seconds) -> AsyncEngine:
    if not url.database or url.database.startswith(":"):
        raise SettingsError("A database in memory would forget everything.", fix="Name a file for it.")
    _make_private(Path(url.database))
    engine = create_async_engine(url, pool_size=_CONNECTIONS, connect_args={"timeout": busy})
    event.listen(engine.sync_engine, "connect", _set_up_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    event.listen(engine.sync_engine, "handle_error", _keep_shared_transaction)
    return engine


def _make_private(file: Path) -> None:
    """Restrict the database to its owner: it names wallets and what they watched."""
    try:
        file.touch(mode=0o600)
    except OSError as problem:
        raise StorageError(
            f"The database file {file} cannot be opened: {problem.strerror}.",
            fix="Check that the folder exists and that the server's user may write there.",
        ) from problem


def _set_up_sqlite(connection: Any, _record: object) -> None:
    # The driver must not begin or end transactions on its own: _begin_sqlite does.
    connection.isolation_level = None
    cursor = connection.cursor()
    # Not WAL: SQLite 3.7.0 to 3.51.2 can corrupt it when two connections checkpoint at the same moment.
    for pragma in ("journal_mode = DELETE", "synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # Two transactions that both read first and then write refuse each other at once, whatever the busy
    # timeout. One that says from the start that it will write waits for its turn.
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _keep_shared_transaction(context: ExceptionContext) -> None:
    # SQLAlchemy drops the connection of whoever is cancelled; those who share its transaction go on with it.
    cancelled = isinstance(context.original_exception, asyncio.CancelledError)
    if cancelled and context.connection is not None:
        context.is_disconnect = not context.connection.get_execution_options().get(WRITES, False)
