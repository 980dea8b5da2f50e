"""Backup and restore: the database and the key store of a server, in one sealed file."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from wylloh_server import __version__
from wylloh_server.adapters.crypto import damaged_entries
from wylloh_server.adapters.crypto.backup_record import write_backup_record
from wylloh_server.adapters.crypto.private_files import place_new, sync_to_disk, write_private
from wylloh_server.adapters.system_clock import system_clock
from wylloh_server.app.backup_contents import KEY_FILE, BackupContents, read_sealed, write_sealed
from wylloh_server.app.backup_drafts import backup_drafts
from wylloh_server.app.instance_lock import instance_lock
from wylloh_server.domain.backup import BackupSummary
from wylloh_server.domain.errors import InvalidValue, NotFound, SettingsError, StorageError
from wylloh_server.passphrase import take_passphrase
from wylloh_server.storage.database_copy import (
    SQLITE_COPY,
    check_copy,
    copy_database,
    copy_name,
    prepare_sqlite,
    restore_postgres,
)
from wylloh_server.storage.engine import sqlite_file
from wylloh_server.storage.plugin_schemas import table_prefix
from wylloh_server.storage.plugin_tables_move import merge_plugin_tables, tables_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wylloh_server.config import Settings

_KEYS = "keys"
_RESTORING = ".restore-"


def create_backup(settings: Settings, target: Path, passphrase: str) -> BackupSummary:
    """Write a backup beside a server that may be running. The file is there whole or not at all.

    The key store's own passphrase is taken from where the server takes it: see `take_passphrase`.

    Raises:
        NotFound: no server has worked with the data folder yet.
        InvalidValue: the target exists, or the passphrase is too short.
        SealBroken: the key store does not open: its own passphrase is missing or another one, for example.
        SettingsError: another backup is being made, or the key store's passphrase cannot be read.
        StorageError: the database cannot be copied.
    """
    data, place = settings.server.data, settings.database_url
    if not (data / _KEYS).is_dir():
        raise NotFound(f"There is nothing to back up in {data}.", fix="Name the settings with --config.")
    if target.exists():
        raise _taken(target)
    with backup_drafts(data, target) as (folder, sealed):
        # The database first: every key that it speaks of is then among those that are copied.
        copy = folder / copy_name(place)
        copy_database(place, copy)
        _merge_plugins(data, copy)
        check_copy(copy)
        keys = _read_keys(data / _KEYS)
        damaged = damaged_entries(keys, take_passphrase())
        summary = BackupSummary(
            system_clock(), __version__, copy.name, tuple(keys), tuple(sorted(damaged.values()))
        )
        write_sealed(BackupContents(summary, copy, keys), sealed, passphrase)
        try:
            place_new(sealed, target)
        except FileExistsError:
            raise _taken(target) from None
    write_backup_record(data, summary, damaged)
    return summary


def _merge_plugins(data: Path, copy: Path) -> None:
    """Add the tables of plugins in processes of their own; a restored server moves them out again."""
    if copy.name != SQLITE_COPY:
        return
    for own in sorted(data.glob(tables_file(Path(), "*").as_posix())):
        try:
            merge_plugin_tables(copy, own, table_prefix(own.parent.name))
        except sqlite3.Error as error:
            raise StorageError(
                f"The tables in {own} cannot be copied: {error}.", fix="Free some room, then try again."
            ) from error


def restore_backup(
    settings: Settings, source: Path, passphrase: str, *, check_only: bool = False
) -> BackupSummary:
    """Put a backup into an empty data folder, after everything in it was checked.

    Nobody is signed in afterwards: a browser or TV may have been signed out since the backup was made.

    Args:
        settings: they name the data folder, and the database where that is not in it.
        source: the file that `create_backup` wrote.
        passphrase: what it was sealed with; that of the key store is taken from where the server takes it.
        check_only: change nothing.

    Raises:
        SettingsError: the data folder is not empty, the database is there already, or the settings name
            another kind of database.
        InvalidValue: the file is no backup, or one of a newer version.
        SealBroken: a passphrase is another one, or something in it is damaged.
        StorageError: the copy of the database is damaged, or cannot be put back.
    """
    data = settings.server.data
    with ExitStack() as stack:
        if not check_only:
            _require_empty(data)
            _require_no_database(settings)
            data.mkdir(parents=True, exist_ok=True, mode=0o700)
            stack.enter_context(instance_lock(data))
            for left in data.glob(f"{_RESTORING}*"):
                shutil.rmtree(left)
        name = tempfile.mkdtemp(dir=None if check_only else data, prefix=_RESTORING)
        stack.callback(shutil.rmtree, name, ignore_errors=True)
        contents = read_sealed(source, Path(name), passphrase)
        check_copy(contents.copy)
        damaged = contents.damaged()
        if not check_only:
            _put_in_place(settings, contents, damaged)
    return contents.summary


def _put_in_place(settings: Settings, contents: BackupContents, damaged: Mapping[str, str]) -> None:
    data, copy, summary = settings.server.data, contents.copy, contents.summary
    if summary.database != copy_name(settings.database_url):
        raise SettingsError(
            f"The backup holds {summary.database}, which is not for the database that the settings name.",
            fix="Set database.url as on the server that was backed up.",
        )
    file = sqlite_file(settings.database_url)
    if file is None:
        restore_postgres(settings.database_url, copy)
    else:
        prepare_sqlite(copy)
    _write_keys(copy.parent / _KEYS, contents.keys)
    (copy.parent / _KEYS).rename(data / _KEYS)
    sync_to_disk(data)
    write_backup_record(data, summary, damaged)
    if file is not None:
        # Last of all: until then a server that is started finds no database of its own.
        _place_database(copy, file)


def _place_database(copy: Path, file: Path) -> None:
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=_RESTORING) as folder:
        # The settings may name another file system.
        written = Path(shutil.move(copy, Path(folder, file.name)))
        written.chmod(0o600)
        try:
            place_new(written, file)
        except FileExistsError:
            raise _database_there(file) from None


def _write_keys(folder: Path, keys: Mapping[str, bytes]) -> None:
    folder.mkdir(mode=0o700)
    for name, content in keys.items():
        write_private(folder / name, content)


def _require_empty(data: Path) -> None:
    ours = ("server.lock", _RESTORING)
    left = sorted(path.name for path in data.iterdir()) if data.is_dir() else []
    if other := [name for name in left if not name.startswith(ours)]:
        raise SettingsError(
            f"The data folder {data} is not empty: it has {other[0]}.",
            fix="Restore into an empty folder: name one in server.data, or move this one away.",
        )


def _require_no_database(settings: Settings) -> None:
    file = sqlite_file(settings.database_url)
    if file is None:
        return
    for name in (file.name, f"{file.name}-journal", f"{file.name}-wal"):
        if file.with_name(name).exists():
            raise _database_there(file.with_name(name))
    if file.parent != settings.server.data and not file.parent.is_dir():
        raise SettingsError(
            f"The folder of the database, {file.parent}, is not there.",
            fix="Make it, or name another file in database.url.",
        )


def _database_there(file: Path) -> SettingsError:
    return SettingsError(
        f"The database {file} is there already.",
        fix="Name a file in database.url that is not, or move this one away.",
    )


def _taken(target: Path) -> InvalidValue:
    return InvalidValue(f"{target} is there already.", fix="Name a file that is not: no backup is replaced.")


def _read_keys(folder: Path) -> dict[str, bytes]:
    keys = {}
    for path in sorted(folder.iterdir()):
        # The server, which may be running, may have deleted one meanwhile.
        with suppress(FileNotFoundError):
            if KEY_FILE.fullmatch(path.name):
                keys[path.name] = path.read_bytes()
    return keys
