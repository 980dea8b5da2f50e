"""Small private files, written so that a power cut leaves the old or the new one and never half of one."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


def write_private(path: Path, content: bytes) -> None:
    """Write or replace a file that only its owner may read."""
    temporary = _written_beside(path, content)
    temporary.replace(path)
    _sync_folder(path.parent)


def write_once(path: Path, content: bytes) -> None:
    """Write a file unless there is one: of two processes that try, the first wins and both read the same."""
    temporary = _written_beside(path, content)
    with contextlib.suppress(FileExistsError):
        os.link(temporary, path)
    temporary.unlink()
    _sync_folder(path.parent)


def read_private(path: Path) -> bytes:
    """Read a file and, where a copy or a restore widened its mode, narrow it again."""
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)
    return path.read_bytes()


def _written_beside(path: Path, content: bytes) -> Path:
    # mkstemp makes the file with mode 0600, so the secret is never readable by others, not even briefly.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return Path(name)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
