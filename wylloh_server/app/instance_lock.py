"""One running server for each data folder."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from wylloh_server.domain.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def instance_lock(folder: Path) -> Iterator[None]:
    """Keep a second server off a data folder until the context ends, however this process ends.

    Commands such as `film pull` work beside a running server: what they touch is made for several processes.

    Raises:
        SettingsError: a server is working there already, or the folder cannot be written.
    """
    lock = _lock(folder)
    try:
        lock.acquire()
    except Timeout:
        raise SettingsError(
            f"another server is working with the data folder {folder}",
            fix="Stop it, or give this one a folder of its own: server.data.",
        ) from None
    except OSError as error:
        raise SettingsError(
            f"cannot write to the data folder {folder}: {error.strerror}",
            fix="Set server.data to a folder you own.",
        ) from None
    try:
        yield
    finally:
        lock.release()


def is_running(folder: Path) -> bool:
    """Return whether a server is working with a data folder."""
    lock = _lock(folder)
    try:
        with lock:
            return False
    except Timeout:
        return True
    except OSError:
        return False


def _lock(folder: Path) -> FileLock:
    return FileLock(folder / "server.lock", blocking=False, mode=0o600, preserve_lock_file=True)
