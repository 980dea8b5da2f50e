"""What a data folder knows of its last backup: one small file, and the key store's own list of names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from wylloh_server.adapters.crypto.private_files import write_private
from wylloh_server.domain.backup import BackupStatus
from wylloh_server.domain.types import Timestamp

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from wylloh_server.domain.backup import BackupSummary

_FILM_KEYS = ("custody:", "film:")


def write_backup_record(data: Path, summary: BackupSummary, damaged: Collection[str]) -> None:
    """Note that a backup was made, which files of the key store are in it, and which of them do not open."""
    keys = sorted(set(summary.keys) - set(damaged))
    record = {"created": summary.created, "keys": keys, "damaged": sorted(damaged)}
    write_private(data / "backup.json", json.dumps(record, indent=1).encode())


def backup_status(data: Path) -> BackupStatus:
    """Compare the films' keys of a data folder with those of its last backup. Needs no passphrase."""
    last, kept, damaged = _record(data / "backup.json")
    keys = tuple((data / "keys").glob("*.json"))
    film_keys = {path.name for path in keys if _is_film_key(path)}
    still_there = damaged & {path.name for path in keys}
    return BackupStatus(len(film_keys), len(film_keys - kept - damaged), len(still_there), last)


def _record(file: Path) -> tuple[Timestamp | None, frozenset[str], frozenset[str]]:
    try:
        record = json.loads(file.read_bytes())
        kept, damaged = (frozenset(map(str, record.get(part, ()))) for part in ("keys", "damaged"))
        return Timestamp(float(record["created"])), kept, damaged
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None, frozenset(), frozenset()


def _is_film_key(path: Path) -> bool:
    try:
        return str(json.loads(path.read_bytes())["name"]).startswith(_FILM_KEYS)
    except (OSError, ValueError, KeyError, TypeError):
        return False
