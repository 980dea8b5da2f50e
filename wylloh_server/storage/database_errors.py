"""Turns what databases say went wrong into errors that say what to do."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from wylloh_server.domain.errors import StorageError, StoreFull, WyllohError

if TYPE_CHECKING:
    from collections.abc import Iterator

_PG_DISK_FULL = "53100"
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise StoreFull for a full disk and StorageError for anything else a database refuses."""
    try:
        yield
    except DBAPIError as problem:
        raise _translated(problem) from problem
    except SQLAlchemyError as problem:
        raise StorageError(f"The database cannot do that: {problem}") from problem
    except OSError as problem:
        raise StorageError(
            f"The database server cannot be reached: {problem}",
            fix="Start it, or correct the database's URL in the settings.",
        ) from problem


def _translated(problem: DBAPIError) -> WyllohError:
    cause = problem.orig
    # SQLite's extended codes carry the primary one in the low byte.
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL or getattr(cause, "sqlstate", "") == _PG_DISK_FULL:
        return StoreFull(
            "There is no room left on the database's disk. What was stored is safe.",
            fix="Free some room; the server goes on by itself.",
        )
    if code in _BUSY:
        return StorageError(
            "Another program has been writing to the database for too long. Nothing was changed.",
            fix="Try again; close other programs that have the database open.",
        )
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return StorageError(
            f"The database file is damaged or is no database: {cause}.",
            fix="Put back a backup of it.",
        )
    return StorageError(f"The database refused: {cause}", fix="Look at `wylloh doctor`.")
