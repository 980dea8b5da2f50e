"""A copy of a SQLite database from before its tables were brought up to date, to go back to."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from filelock import AsyncFileLock

from wylloh_server.domain.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_BEFORE = ".before-"


@asynccontextmanager
async def upgrade_lock(file: Path) -> AsyncIterator[None]:
    """Lock copying and upgrading a database; whoever waited reads its version again.

    Raises:
        StorageError: the folder cannot be written. The database is as it was.
    """
    lock = AsyncFileLock(file.with_name(f"{file.name}.upgrade-lock"), mode=0o600, preserve_lock_file=True)
    try:
        await lock.acquire()
    except OSError as error:
        raise _not_copied(file, error) from error
    try:
        yield
    finally:
        await lock.release()


def copy_before_upgrade(file: Path, revision: str) -> None:
    """Copy a database beside itself, as `<file>.before-<revision>`; older copies go once this one is whole.

    The version of this server that made the database opens the copy as it is. Hold `upgrade_lock`: what
    others upgrade meanwhile is no copy from before.

    Raises:
        StorageError: it cannot be made. The database is as it was.
    """
    target = file.with_name(f"{file.name}{_BEFORE}{revision}")
    draft: Path | None = None
    try:
        # mkstemp makes the file with mode 0600 and a name that nobody else has.
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f"{file.name}{_BEFORE}")
        os.close(descriptor)
        draft = Path(name)
        source = f"file:{quote(str(file))}?mode=ro"
        with closing(sqlite3.connect(source, uri=True)) as old, closing(sqlite3.connect(draft)) as new:
            old.backup(new)
        draft.replace(target)
    except (sqlite3.Error, OSError) as error:
        with suppress(OSError):
            if draft is not None:
                draft.unlink(missing_ok=True)
        raise _not_copied(file, error) from error
    for other in file.parent.glob(f"{file.name}{_BEFORE}*"):
        if other != target:
            other.unlink(missing_ok=True)


def _not_copied(file: Path, error: Exception) -> StorageError:
    return StorageError(
        f"The database could not be copied before it is brought up to date: {error}. It is as it was.",
        fix=f"Free as much room as {file.name} takes, then start again.",
    )
