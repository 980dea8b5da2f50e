"""How much of a disk is for what can be fetched or made again: its last part is left to the database."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_MOST_SPARED, _SPARED_PART = 64 << 20, 20
"""Bytes of a disk that are left to the database and all else, at most; or this part of a small disk."""


def room_below(folder: Path) -> int:
    """Return how many bytes more may be written below a folder; less than none when others took the rest.

    Raises:
        OSError: the disk cannot be asked.
    """
    disk = shutil.disk_usage(folder)
    return disk.free - min(_MOST_SPARED, disk.total // _SPARED_PART)
