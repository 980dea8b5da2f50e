"""Looks into a film with PyAV and writes what it saw to stdout as JSON: `_look.py <url> <options as JSON>`.

Run as a program of its own, so that a film that crashes a demuxer or hangs in it costs a child process.
It therefore imports nothing of this package. The exit code is 0 also for a refusal: `{"refused": reason}`.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import av

_OPEN_SECONDS = 20.0
_TAIL_SECONDS = 3
_PICTURES_TRIED = 50
_HDR_TRANSFERS = (16, 18)
"""SMPTE ST 2084 (PQ) and ARIB STD-B67 (HLG), as ITU-T H.273 numbers them."""


def main() -> None:
    """Write the answer."""
    url, options = sys.argv[1], json.loads(sys.argv[2])
    try:
        with av.open(url, options=options, timeout=_OPEN_SECONDS) as container:
            answer = _seen(container)
    except av.error.FFmpegError as error:
        answer = {"refused": "unreadable", "detail": str(error.strerror or error)}
    sys.stdout.write(json.dumps(answer))


def _seen(container: Any) -> dict[str, Any]:
    pictures = [stream for stream in container.streams.video if not _is_cover(stream)]
    if not pictures or pictures[0].codec_context is None:
        return {"refused": "no-picture", "detail": ""}
    seconds = (container.duration or 0) / av.time_base
    video = _picture(container, pictures[0])
    if seconds > _TAIL_SECONDS and not _reaches(container, pictures[0], seconds):
        return {"refused": "cut-short", "detail": ""}
    return {
        "container": container.format.name,
        "duration": seconds,
        "video": video,
        "audio": [_track(stream) for stream in container.streams.audio],
        "subtitles": [_track(stream) for stream in container.streams.subtitles],
        "chapters": [_chapter(chapter) for chapter in container.chapters()],
    }


def _is_cover(stream: Any) -> bool:
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def _picture(container: Any, stream: Any) -> dict[str, Any]:
    """Decode one picture: only that proves that the codec works, and it knows how it is turned."""
    frame = _first_picture(container, stream)
    rate = stream.average_rate or stream.guessed_rate or stream.base_rate or 25
    shape = stream.sample_aspect_ratio or frame.sample_aspect_ratio or 1
    return {
        "codec": stream.codec_context.codec.canonical_name,
        "width": frame.width,
        "height": frame.height,
        "shape": [shape.numerator, shape.denominator],
        "rotation": frame.rotation,
        "rate": [rate.numerator, rate.denominator],
        "hdr": int(frame.color_trc) in _HDR_TRANSFERS,
    }


def _first_picture(container: Any, stream: Any) -> Any:
    for tried, packet in enumerate(container.demux(stream)):
        for frame in packet.decode():
            return frame
        if tried > _PICTURES_TRIED:
            break
    raise av.error.InvalidDataError(0, "no picture can be decoded")


def _reaches(container: Any, stream: Any, seconds: float) -> bool:
    """Say whether the file really goes on as long as its header claims."""
    container.seek(int((seconds - _TAIL_SECONDS) * av.time_base))
    try:
        packet = next(container.demux(stream))
    except (StopIteration, av.error.FFmpegError):
        return False
    return bool(packet.size)


def _track(stream: Any) -> dict[str, Any]:
    context = stream.codec_context
    return {
        "codec": context.codec.canonical_name if context else "",
        "decoder": context.name if context else "",
        "language": stream.metadata.get("language", ""),
        "title": stream.metadata.get("title", ""),
        "channels": getattr(context, "channels", 0) or 0,
    }


def _chapter(chapter: Any) -> dict[str, Any]:
    start = float(chapter["start"] * chapter["time_base"])
    return {"start": start, "title": (chapter.get("metadata") or {}).get("title", "")}


if __name__ == "__main__":
    main()
