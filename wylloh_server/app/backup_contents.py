"""What is inside a backup: packed and sealed into one file, and read from one again.

Inside the seal is a gzipped tar archive: `backup.json` (what is in it, with SHA-256 of each file), the copy
of the database, and the files of the key store as they lie on disk. A key store with a passphrase keeps it.
Keys that are read from a backup are in memory only.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
import tempfile
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from wylloh_server.adapters.crypto import damaged_entries
from wylloh_server.adapters.crypto.private_files import sync_to_disk
from wylloh_server.adapters.crypto.sealed_file import seal_file, unseal_file
from wylloh_server.domain.backup import BACKUP_FORMAT, BackupSummary
from wylloh_server.domain.errors import InvalidValue, SealBroken
from wylloh_server.domain.json_values import matching, record
from wylloh_server.domain.types import Timestamp
from wylloh_server.passphrase import take_passphrase
from wylloh_server.storage.database_copy import POSTGRES_COPY, SQLITE_COPY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KEY_FILE = re.compile(r"master\.key|master\.salt|[0-9a-f]{1,64}\.json")
"""The files of a key store."""

_SUMMARY, _KEYS = "backup.json", "keys"
_COPY = re.compile(f"{re.escape(SQLITE_COPY)}|{re.escape(POSTGRES_COPY)}")
_PIECE = 1 << 20
_OTHER = "Take another copy of the backup."


@dataclass(frozen=True, slots=True)
class BackupContents:
    """What a backup holds: the copy of the database as a file, the files of the key store in memory."""

    summary: BackupSummary
    copy: Path
    keys: Mapping[str, bytes]

    def damaged(self) -> Mapping[str, str]:
        """Return the entries of the key store that do not open, as they did not when the backup was made.

        By file: the name of the entry.

        Raises:
            SealBroken: another one does not, or none.
        """
        damaged = damaged_entries(self.keys, take_passphrase())
        if broken := sorted(set(damaged.values()) - set(self.summary.unreadable)):
            raise SealBroken(f"The key {broken[0]!r} in the backup does not open.", fix=_OTHER)
        return damaged


def write_sealed(contents: BackupContents, sealed: Path, passphrase: str) -> None:
    """Seal contents into a file that is there already, and read it back. Blocks: use a thread.

    Raises:
        InvalidValue: the passphrase is too short.
        SealBroken: the file reads differently.
    """
    folder = contents.copy.parent
    with tempfile.TemporaryFile(dir=folder) as archive:
        _pack(contents, archive)
        with sealed.open("r+b") as file:
            archive.seek(0)
            seal_file(archive, file, passphrase)
        sync_to_disk(sealed)
        # What cannot be read back is no backup.
        with tempfile.TemporaryFile(dir=folder) as again:
            unseal_file(sealed, again, passphrase)
            if not _same(archive, again):
                raise SealBroken("The backup that was written reads differently.", fix="Check the disk.")


def read_sealed(source: Path, folder: Path, passphrase: str) -> BackupContents:
    """Unseal a file, the copy of the database into a folder. Blocks: use a thread.

    Raises:
        InvalidValue: the file is no backup, or one of a newer version.
        SealBroken: the passphrase is another one, or something in it is damaged.
    """
    with tempfile.TemporaryFile(dir=folder) as archive:
        unseal_file(source, archive, passphrase)
        archive.seek(0)
        try:
            return _unpack(archive, folder)
        except (tarfile.TarError, OSError, ValueError, KeyError, TypeError) as error:
            raise InvalidValue(f"{source} is no backup this server can read: {error}.", fix=_OTHER) from None


def _pack(content: BackupContents, archive: BinaryIO) -> None:
    told = {"format": BACKUP_FORMAT, **asdict(content.summary), "files": _digests(content)}
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        _add(tar, _SUMMARY, json.dumps(told, indent=1).encode())
        tar.add(content.copy, content.copy.name, recursive=False)
        for name, key in content.keys.items():
            _add(tar, f"{_KEYS}/{name}", key)


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o600
    tar.addfile(entry, io.BytesIO(content))


def _unpack(archive: BinaryIO, folder: Path) -> BackupContents:
    with tarfile.open(fileobj=archive, mode="r:gz") as tar:
        told = record(json.loads(_member(tar, _SUMMARY)))
        summary = _summary(told)
        tar.extract(summary.database, folder, filter="data")
        keys = {name: _member(tar, f"{_KEYS}/{name}") for name in summary.keys}
    contents, digests = BackupContents(summary, folder / summary.database, keys), record(told["files"])
    for name, digest in _digests(contents).items():
        if digest != digests[name]:
            raise SealBroken(f"{name} in the backup is damaged.", fix=_OTHER)
    return contents


def _member(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    if file is None:
        raise KeyError(name)
    return file.read()


def _summary(told: dict[str, Any]) -> BackupSummary:
    if told["format"] != BACKUP_FORMAT:
        raise InvalidValue(
            f"The backup's format {told['format']!r} is unknown here.", fix="Update this server."
        )
    return BackupSummary(
        created=Timestamp(float(told["created"])),
        version=str(told["version"]),
        database=matching(told["database"], _COPY, "a copy of a database"),
        keys=tuple(matching(name, KEY_FILE, "a file of a key store") for name in told["keys"]),
        unreadable=tuple(map(str, told["unreadable"])),
    )


def _digests(contents: BackupContents) -> dict[str, str]:
    return {contents.copy.name: _sha256(contents.copy)} | {
        f"{_KEYS}/{name}": hashlib.sha256(key).hexdigest() for name, key in contents.keys.items()
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return _digest(file)


def _same(one: BinaryIO, other: BinaryIO) -> bool:
    one.seek(0)
    other.seek(0)
    return _digest(one) == _digest(other)


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while piece := file.read(_PIECE):
        digest.update(piece)
    return digest.hexdigest()
