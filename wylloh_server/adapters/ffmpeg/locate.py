"""Finding ffmpeg: the setting, then PATH, then the one inside the `imageio-ffmpeg` wheel."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass

import imageio_ffmpeg

from wylloh_server.adapters.ffmpeg.child_sandbox import child_environment
from wylloh_server.domain.errors import MediaError, SettingsError

_OLDEST = (5, 1)
_ASK_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Ffmpeg:
    """An ffmpeg that works.

    Attributes:
        path: absolute, or as the setting gave it.
        version: what it calls itself, such as `5.1.9-0+deb12u1`.
        origin: `setting`, `PATH` or `imageio-ffmpeg`.
        tone_maps: it can turn HDR into SDR properly (it has the filter `zscale`).
        decoders: the names of what it can decode with.
    """

    path: str
    version: str
    origin: str
    tone_maps: bool
    decoders: frozenset[str] = frozenset()


def find_ffmpeg(setting: str = "") -> Ffmpeg:
    """Find an ffmpeg of version 5.1 or newer that encodes H.264. Runs it several times: use a thread.

    Args:
        setting: path or command name that the operator chose; '' leaves the choice to the server.

    Raises:
        SettingsError: the one the operator chose is not usable.
        MediaError: there is none at all.
    """
    if setting:
        if (found := _examine(shutil.which(setting) or setting, "setting")) is None:
            raise SettingsError(
                f"playback.ffmpeg = {setting!r} is no ffmpeg of version 5.1 or newer with libx264",
                fix="Give the path of one, or remove the setting.",
            )
        return found
    for path, origin in ((shutil.which("ffmpeg"), "PATH"), (_bundled(), "imageio-ffmpeg")):
        if path and (found := _examine(path, origin)):
            return found
    raise MediaError(
        "no ffmpeg of version 5.1 or newer was found",
        fix="Install ffmpeg, or reinstall wylloh-server together with imageio-ffmpeg.",
    )


def _bundled() -> str | None:
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError:
        return None


def _examine(path: str, origin: str) -> Ffmpeg | None:
    version = re.match(r"ffmpeg version n?(\S+)", _ask(path, "-version"))
    if version is None or _is_old(version[1]) or "libx264" not in _ask(path, "-encoders"):
        return None
    decoders = frozenset(re.findall(r"(?m)^ [VAS][A-Z.]{5} (\w+)", _ask(path, "-decoders")))
    return Ffmpeg(path, version[1], origin, " zscale " in _ask(path, "-filters"), decoders)


def _is_old(version: str) -> bool:
    """Builds from the development branch (`N-112233-g…`) have no number and are taken as new."""
    numbers = re.match(r"(\d+)\.(\d+)", version)
    return numbers is not None and (int(numbers[1]), int(numbers[2])) < _OLDEST


def _ask(path: str, question: str) -> str:
    try:
        answer = subprocess.run(  # noqa: S603 - the operator's own choice of program
            [path, "-hide_banner", question] if question != "-version" else [path, question],
            env=child_environment(),
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_ASK_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.decode(errors="replace")
