"""What a published trailer is: short, unencrypted, and a file that every browser plays by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.domain.errors import MediaRefused

if TYPE_CHECKING:
    from wylloh_server.domain.rendition import AudioTrack, Probe, VideoTrack

TRAILER_BYTES = 512 << 20
"""A trailer of a package may have so many bytes; one of more is not fetched."""

_LONGEST_MINUTES = 10
_PLAIN_PIXELS = frozenset({"yuv420p", "yuvj420p"})
_QUICKTIME = b"qt  "
_HEADER_BYTES = 12
"""Of an MP4 file, its brand being the last four of them."""


def check_trailer(probe: Probe) -> None:
    """Check that a film is a trailer. It is published unencrypted, where everybody can watch it.

    Raises:
        MediaRefused: it is too long for one; perhaps it is the film.
    """
    if probe.duration > _LONGEST_MINUTES * 60:
        raise MediaRefused(
            f"A trailer may last {_LONGEST_MINUTES} minutes; this file lasts {probe.duration / 60:.0f}.",
            fix="Choose the trailer and not the film: a trailer is published unencrypted.",
        )


def browsers_play(probe: Probe, header: bytes) -> bool:
    """Return whether every browser plays a file as it is: MP4 with H.264, and with AAC if it has sound.

    Args:
        probe: what is in it.
        header: its first bytes, which tell MP4 from QuickTime.
    """
    brand = header[8:_HEADER_BYTES]
    is_mp4 = header[4:8] == b"ftyp" and len(brand) == len(_QUICKTIME) and brand != _QUICKTIME
    return is_mp4 and plays_picture(probe.video) and all(plays_sound(track) for track in probe.audio)


def plays_picture(video: VideoTrack) -> bool:
    """Return whether every browser decodes a picture."""
    return video.codec == "h264" and video.pixels in _PLAIN_PIXELS and not (video.interlaced or video.hdr)


def plays_sound(audio: AudioTrack) -> bool:
    """Return whether every browser decodes a sound."""
    return audio.codec == "aac"
