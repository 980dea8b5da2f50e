"""What a film may make its decoder open: the same for ffmpeg's command line and for PyAV.

A file is only opened if its container and codecs are ones that films use, and nothing it names is followed:
the only protocol allowed is the loopback HTTP over which the server itself hands out the film.
"""

from __future__ import annotations

from wylloh_server.domain.media_formats import CODECS, CONTAINERS

PROTOCOLS = "http,tcp"

_CODECS = ",".join(decoder for codec in CODECS.values() for decoder in codec.decoders)
"""Names of *decoders*, which is what ffmpeg compares."""

INPUT_OPTIONS = {
    "protocol_whitelist": PROTOCOLS,
    "format_whitelist": ",".join(name for container in CONTAINERS for name in container.demuxers),
    "codec_whitelist": _CODECS,
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
