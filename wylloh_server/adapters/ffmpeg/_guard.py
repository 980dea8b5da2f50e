"""What keeps a hostile film inside its cage: the same for ffmpeg's command line and for PyAV.

A file is only opened if its container and codecs are ones that films use, and nothing it names is followed:
the only protocol allowed is the loopback HTTP over which the server itself hands out the film.
"""

from __future__ import annotations

import functools
import shutil

PROTOCOLS = "http,tcp"

CONTAINERS = "matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mpegts,avi"

_PICTURE = "h264,hevc,av1,libdav1d,vp8,vp9,libvpx,libvpx-vp9,mpeg4,mpeg2video,mpeg1video,prores,mjpeg"
_SOUND = (
    "aac,ac3,eac3,mp3,mp3float,opus,libopus,vorbis,libvorbis,flac,alac,dca,truehd,"
    "pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_f32le"
)
_TEXT = "mov_text,subrip,srt,ass,ssa,webvtt,text"
CODECS = f"{_PICTURE},{_SOUND},{_TEXT}"
"""Names of *decoders*, which is what ffmpeg compares."""

TEXT_CODECS = frozenset(_TEXT.split(","))

INPUT_OPTIONS = {
    "protocol_whitelist": PROTOCOLS,
    "format_whitelist": CONTAINERS,
    "codec_whitelist": CODECS,
}
"""Goes before every input."""

PICTURE_OPTIONS = {
    "protocol_whitelist": PROTOCOLS,
    "format_whitelist": "jpeg_pipe,png_pipe,webp_pipe",
    "codec_whitelist": "mjpeg,png,webp,vp8",
    "max_pixels": 1 << 26,
    "err_detect": "explode",
}
"""Goes before an input that shall be one picture: 64 megapixels of it at most, and none of them missing."""

MOST_PIXELS = 8192
"""Neither side of a picture may be longer."""

_MEMORY_BYTES = 6 << 30
_BACKGROUND_NICE = 10


def cage(*, patient: bool = False) -> tuple[str, ...]:
    """Give the words to put before a command so that it can gain and write nothing.

    No new privileges, no file larger than nothing, no core dump, bounded memory, and an end together with
    this process even if that is killed. A machine that lacks one of the tools does without its part.
    """
    words = [word for tool, options in _CAGE for word in (tool, *options) if _have(tool)]
    if patient and _have("nice"):
        words += ["nice", "-n", str(_BACKGROUND_NICE)]
    return tuple(words)


_CAGE = (
    ("setpriv", ("--no-new-privs", "--pdeathsig", "KILL")),
    ("prlimit", ("--fsize=0", "--core=0", f"--as={_MEMORY_BYTES}", "--")),
)


@functools.cache
def _have(tool: str) -> bool:
    return shutil.which(tool) is not None
