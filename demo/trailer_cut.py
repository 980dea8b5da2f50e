"""Cuts the trailer of one of the demo's films out of it, without encoding anything."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import MediaError

if TYPE_CHECKING:
    from pathlib import Path

_FROM, _SECONDS = 18, 12


def cut_trailer(ffmpeg: str, film: Path) -> Path:
    """Return the trailer beside a film, which is cut out if it is not there yet.

    Raises:
        MediaError: ffmpeg failed; its last lines of stderr are in the message.
    """
    target = film.with_suffix(".trailer.mp4")
    if target.exists():
        return target
    draft = film.with_suffix(".trailer.part.mp4")
    where = ["-ss", str(_FROM), "-i", f"file:{film}", "-t", str(_SECONDS), "-map", "0:v:0", "-map", "0:a:0"]
    quiet = [ffmpeg, "-hide_banner", "-nostdin", "-loglevel", "error", "-y"]
    command = [*quiet, *where, "-c", "copy", "-movflags", "+faststart", f"file:{draft}"]
    done = subprocess.run(  # noqa: S603 - our own words
        command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        raise MediaError(f"ffmpeg could not cut the demo's trailer: {done.stderr.strip()[-300:]}")
    draft.replace(target)
    return target
