"""Finds the programs of the operating system that some tests need. `make test` installs them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

_PACKAGES = {
    "chromium": "chromium",
    "ffmpeg": "ffmpeg",
    "ffprobe": "ffmpeg",
    "nginx": "nginx-light",
    "wrk": "wrk",
}


def program(name: str) -> Path:
    """The path of `chromium`, `ffmpeg`, `ffprobe`, `nginx` or `wrk`; without it the test is skipped."""
    # Debian keeps nginx where only root looks.
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")
    if found is None:
        pytest.skip(f"{name} is not here; type: apt-get install {_PACKAGES[name]}")
    return Path(found)
