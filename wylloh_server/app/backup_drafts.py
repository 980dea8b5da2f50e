"""Where a backup is made before it gets its name; what a killed one left there is deleted by the next."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from wylloh_server.domain.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDER = ".backup-"


@contextmanager
def backup_drafts(data: Path, target: Path) -> Iterator[tuple[Path, Path]]:
    """Open a folder in the data folder and an empty file beside the target, both gone at the end.

    Raises:
        SettingsError: another backup of this data folder is being made.
    """
    with _one_at_a_time(data):
        prefix = f".wylloh-backup-{hashlib.sha256(bytes(data.resolve())).hexdigest()[:8]}-"
        for left in data.glob(f"{_FOLDER}*"):
            shutil.rmtree(left)
        for left in target.parent.glob(f"{prefix}*"):
            left.unlink()
        with tempfile.TemporaryDirectory(dir=data, prefix=_FOLDER) as folder:
            descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=prefix)
            os.close(descriptor)
            try:
                yield Path(folder), Path(name)
            finally:
                Path(name).unlink(missing_ok=True)


@contextmanager
def _one_at_a_time(data: Path) -> Iterator[None]:
    lock = FileLock(data / "backup.lock", blocking=False, mode=0o600, preserve_lock_file=True)
    try:
        lock.acquire()
    except Timeout:
        raise SettingsError(f"another backup of {data} is being made", fix="Wait for it.") from None
    try:
        yield
    finally:
        lock.release()
