"""A consistent copy of the database in one file, and such a copy put in the place of an empty database.

SQLite has its backup interface for that (https://www.sqlite.org/backup.html); PostgreSQL its own programs
`pg_dump` and `pg_restore`, which must be of the server's version or newer.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import tempfile
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import quote

from sqlalchemy import make_url

from wylloh_server.domain.errors import StorageError
from wylloh_server.domain.film import FilmState
from wylloh_server.storage.engine import driver_url
from wylloh_server.storage.migrate import newest_migration
from wylloh_server.storage.tables import films, sessions

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import URL

SQLITE_COPY, POSTGRES_COPY = "wylloh.sqlite3", "wylloh.pgdump"
"""What the copy is called, by the kind of database."""

_WAIT = 60
"""Seconds that the copy waits for somebody who is writing."""

_SESSION_ROWS = re.compile(rf"\d+; \d+ \d+ TABLE DATA \S+ {sessions.name} ")
"""The line of `pg_restore --list` for the rows of that table."""

_FETCH_AGAIN = (
    f"UPDATE {films.name} SET state = '{FilmState.DISCOVERED}', progress = 0 "  # noqa: S608 - our own words
    f"WHERE token IS NOT NULL AND state = '{FilmState.READY}'"
)

_LIBPQ = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "database": "PGDATABASE",
    "ssl": "PGSSLMODE",
}
"""What libpq calls the parts of a connection (https://www.postgresql.org/docs/current/libpq-envars.html)."""


def copy_name(place: str) -> str:
    """Return what the copy of the database at an URL is called."""
    return SQLITE_COPY if make_url(place).get_backend_name() == "sqlite" else POSTGRES_COPY


def copy_database(place: str, target: Path) -> None:
    """Copy a database into a file that is not there yet, beside servers that use it. Blocks: use a thread.

    Raises:
        StorageError: it cannot be read, or pg_dump is missing or failed.
    """
    url = make_url(place)
    if url.get_backend_name() != "sqlite":
        _run_program(url, "pg_dump", "--format=custom", "--no-owner", f"--file={target}")
        return
    try:
        with closing(_opened(str(url.database))) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
    except sqlite3.Error as error:
        raise StorageError(f"The database cannot be copied: {error}.", fix="Check the disk.") from None


def prepare_sqlite(copy: Path) -> None:
    """Make a copy of a SQLite database ready for another server, which has no packages yet.

    The sessions go, as some of them may have been ended since; the films are to be fetched again.
    """
    with closing(_opened(str(copy))) as database, database:
        database.execute(f"DELETE FROM {sessions.name}")  # noqa: S608 - the table's own name
        database.execute(_FETCH_AGAIN)


def check_copy(copy: Path) -> None:
    """Read a copy of a database through, as far as that is possible without a server.

    Raises:
        StorageError: it is damaged, or a newer version of this server made it.
    """
    if copy.name == POSTGRES_COPY:
        _call("pg_restore", ["--list", str(copy)], {})
        return
    try:
        with closing(_opened(str(copy))) as database:
            (answer,) = database.execute("PRAGMA integrity_check").fetchone()
            (version,) = database.execute("SELECT version_num FROM alembic_version").fetchone()
    except (sqlite3.Error, TypeError) as error:
        raise StorageError(f"The copy of the database is damaged: {error}.", fix=_ANOTHER_COPY) from None
    if answer != "ok":
        raise StorageError(f"The copy of the database is damaged: {answer[:200]}.", fix=_ANOTHER_COPY)
    if version > newest_migration():
        raise StorageError("A newer version of this server made the backup.", fix="Install that version.")


def restore_postgres(place: str, copy: Path) -> None:
    """Put a copy into an empty PostgreSQL database, as `prepare_sqlite` makes one ready; blocks.

    Raises:
        StorageError: it is not empty, or pg_restore is missing or failed. Nothing was stored.
    """
    url = make_url(place)
    query = "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    tables = _run_program(url, "psql", "--no-psqlrc", "--tuples-only", "--no-align", f"--command={query}")
    if int(tables.strip() or 0):
        raise StorageError("The database is not empty.", fix="Name an empty one in database.url.")
    parts = _call("pg_restore", ["--list", str(copy)], {}).splitlines()
    with tempfile.NamedTemporaryFile("w", dir=copy.parent) as wanted:
        wanted.write("\n".join(part for part in parts if not _SESSION_ROWS.match(part)))
        wanted.flush()
        options = ("--single-transaction", "--exit-on-error", "--no-owner", f"--use-list={wanted.name}")
        _run_program(url, "pg_restore", *options, f"--dbname={url.database or url.username}", str(copy))
    _run_program(url, "psql", "--no-psqlrc", "--quiet", f"--command={_FETCH_AGAIN}")


def _opened(file: str) -> sqlite3.Connection:
    # Not read-only: what a crash left in SQLite's journal is taken back by whoever opens the file next.
    return sqlite3.connect(f"file:{quote(file)}?mode=rw", uri=True, timeout=_WAIT)


def _run_program(url: URL, program: str, *arguments: str) -> str:
    """Run one of PostgreSQL's programs. The password goes by the environment: command lines can be read."""
    return _call(program, arguments, _connection_variables(url))


def _connection_variables(url: URL) -> dict[str, str]:
    """Return how the server connects, for libpq: what the URL says, its query too, and `PG…` variables."""
    driver = driver_url(url.render_as_string(hide_password=False))
    _, said = driver.get_dialect()().create_connect_args(driver)
    inherited = {name: value for name, value in os.environ.items() if name.startswith("PG") or name == "HOME"}
    return inherited | {
        variable: ",".join(map(str, value)) if isinstance(value, list) else str(value)
        for part, variable in _LIBPQ.items()
        if (value := said.get(part))
    }


def _call(program: str, arguments: tuple[str, ...] | list[str], variables: dict[str, str]) -> str:
    if shutil.which(program) is None:
        raise StorageError(
            f"{program} is not here; PostgreSQL is backed up and restored with its own programs.",
            fix="Install PostgreSQL's client programs, of the server's version or newer.",
        )
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", **variables}
    done = subprocess.run(  # noqa: S603 - a fixed program; the arguments are no shell's
        [program, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr.strip() or "it said nothing").splitlines()[-1]
        raise StorageError(f"{program} failed: {said[:300]}", fix="Check database.url and its server.")
    return done.stdout


_ANOTHER_COPY = "Take another copy of the backup."
