"""One running server for each data folder."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep a second server off a data folder until the context ends, however this process ends.

    Commands such as `film pull` work beside a running server: what they touch is made for several processes.

    Raises:
        SettingsError: a server is working there already, or the folder cannot be written.
    """
    try:
        descriptor = os.open(folder / "server.lock", os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise SettingsError(
            f"cannot write to the data folder {folder}: {error.strerror}",
            fix="Set server.data to a folder you own.",
        ) from None
    try:
        _lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def in_use(folder: Path) -> bool:
    """Say whether a server is working with a data folder."""
    try:
        descriptor = os.open(folder / "server.lock", os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SettingsError(
            f"another server is working with the data folder {folder}",
            fix="Stop it, or give this one a folder of its own: server.data.",
        ) from None
