"""Disks that are too small or cannot be written, as far as this user may make them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def may_mount(folder: Path) -> bool:
    """Say whether this user may mount a file system; in many containers root may not."""
    if os.geteuid() != 0:
        return False
    folder.mkdir(parents=True, exist_ok=True)
    if _mount(folder, "size=64k").returncode:
        return False
    _unmount(folder)
    return True


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    """Mount a file system of this size at `folder` until the context ends; skipped where that is not allowed."""
    if not may_mount(folder):
        pytest.skip("cannot be installed: the right to mount a small disk")
    done = _mount(folder, f"size={kilobytes}k")
    assert done.returncode == 0, done.stderr
    try:
        yield folder
    finally:
        _unmount(folder)


@contextmanager
def read_only_folder(folder: Path) -> Iterator[Path]:
    """Make a folder in which nothing can be written, not even by root where it may mount."""
    folder.mkdir(parents=True)
    if os.geteuid() != 0:
        folder.chmod(0o500)
        yield folder
        folder.chmod(0o700)
    elif _mount(folder, "ro,size=64k").returncode == 0:
        try:
            yield folder
        finally:
            _unmount(folder)
    else:
        pytest.skip("cannot be installed: a folder that root cannot write")


def enlarge(folder: Path, kilobytes: int) -> None:
    """Give a small disk another size."""
    done = _mount(folder, f"remount,size={kilobytes}k")
    assert done.returncode == 0, done.stderr


def fill(folder: Path, *, leave: int = 0) -> Path:
    """Fill the disk that `folder` is on with one file, up to `leave` bytes; delete it to make room again."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
        if leave:
            file.truncate(max(0, file.tell() - leave))
    return filler


def _mount(folder: Path, options: str) -> subprocess.CompletedProcess[str]:
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _unmount(folder: Path) -> None:
    # Lazily: a process that was just killed may hold a file there for a moment longer.
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
