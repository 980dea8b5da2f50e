"""What a backup says about itself, and what is known of the last one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wylloh_server.domain.types import Timestamp

BACKUP_FORMAT = "wylloh-backup-1"


@dataclass(frozen=True, slots=True)
class BackupSummary:
    """What is in a backup.

    Attributes:
        created: when it was made.
        version: the version of the server that made it.
        database: the name of the copy of the database.
        keys: the files of the key store.
        unreadable: entries of the key store that did not open when it was made.
    """

    created: Timestamp
    version: str
    database: str
    keys: tuple[str, ...]
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BackupStatus:
    """How the film keys of a server are backed up.

    Attributes:
        film_keys: how many there are.
        missing: how many of them are in no backup.
        damaged: how many entries of the key store did not open when the last backup was made.
        last: when the last backup was made; None if there is none.
    """

    film_keys: int
    missing: int
    damaged: int
    last: Timestamp | None
