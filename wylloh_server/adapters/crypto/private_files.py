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
    sync_to_disk(path.parent)


def write_once(path: Path, content: bytes) -> None:
    """Write a file unless there is one: of two processes that try, the first wins and both read the same."""
    temporary = _written_beside(path, content)
    with contextlib.suppress(FileExistsError):
        os.link(temporary, path)
    temporary.unlink()
    sync_to_disk(path.parent)


def remove_private(path: Path) -> None:
    """Delete a file, also for a power cut right after; one that is not there is fine."""
    path.unlink(missing_ok=True)
    sync_to_disk(path.parent)


def read_private(path: Path) -> bytes:
    """Read a file and, where a copy or a restore widened its mode, narrow it again."""
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)
    return path.read_bytes()


def place_new(written: Path, target: Path) -> None:
    """Rename a file, unless something has that name by then; the name survives a power cut.

    Raises:
        FileExistsError: something has it. The file stays where it was.
    """
    sync_to_disk(written)
    try:
        os.link(written, target)
    except FileExistsError:
        raise
    except OSError:
        # A file system without links, such as that of a memory stick: the name is taken first, then filled.
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        written.replace(target)
    else:
        written.unlink()
    sync_to_disk(target.parent)


def sync_to_disk(path: Path) -> None:
    """Return once the disk has what was written to a file, or what was named in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _written_beside(path: Path, content: bytes) -> Path:
    # mkstemp makes the file with mode 0600, so the secret is never readable by others, not even briefly.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return Path(name)
