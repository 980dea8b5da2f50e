"""Probe a film with PyAV and write the result to stdout as JSON: `probe_worker.py <url> <request as JSON>`.

The request has `options` for opening and `codecs`, the names of those that may be decoded. It runs as a
program of its own, so that a film that crashes a demuxer or hangs in it costs a child process, and therefore
imports nothing of this package. The exit code is 0 also for a refusal: `{"refused": reason, "detail": …}`.
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from fractions import Fraction
from itertools import pairwise
from typing import Any

import av
from av.stream import Disposition

_OPEN_SECONDS = 20.0
_TAIL_SECONDS = 3
_LARGE_TAIL_SECONDS = 60
_READING_SECONDS = 25.0
"""For how long the end is looked for in a file that has to be read in order."""
_HDR_TRANSFERS = (16, 18)
"""SMPTE ST 2084 (PQ) and ARIB STD-B67 (HLG), as ITU-T H.273 numbers them."""
_COVER_CODECS = frozenset({"mjpeg", "png", "bmp", "gif", "webp", "tiff"})
_COVERS = Disposition.attached_pic | Disposition.still_image | Disposition.timed_thumbnails
_FLAGS = ("default", "forced", "comment", "hearing_impaired", "visual_impaired")

_MOST_PICTURES = 1000
"""Pictures a second that a film may have; more is no rate of pictures."""
_FRAMES = 12
"""Pictures decoded at the beginning."""
_SECONDS_WITH_INDEX = 4
_SECONDS_WITHOUT_INDEX = 12
_MOST_SECONDS = 40
"""After which a film that has shown no picture never will."""
_MOST_PACKETS = 20_000
_BAD_PACKETS = 12
"""Packets of sound after which a track that gave no sound cannot be decoded."""
_UNINDEXED = frozenset({"mpegts", "mpeg", "ogg"})


def main() -> None:
    """Write the answer."""
    url, request = sys.argv[1], json.loads(sys.argv[2])
    try:
        with av.open(url, options=request["options"], timeout=_OPEN_SECONDS) as container:
            answer = _seen(container, frozenset(request["codecs"]))
    except av.error.FFmpegError as error:
        answer = {"refused": "unreadable", "detail": str(error.strerror or error)}
    except Exception as error:  # noqa: BLE001 - a fault of ours is told as one, whatever it is
        answer = {"refused": "fault", "detail": f"{type(error).__name__}: {error}"}
    sys.stdout.write(json.dumps(answer))


def _seen(container: Any, allowed: frozenset[str]) -> dict[str, Any]:
    video = _film_picture(container)
    if video is None:
        return {"refused": "no-picture", "detail": ""}
    if _codec(video) not in allowed:
        return {"refused": "codec", "detail": _codec(video)}
    beginning = _Beginning(container, video, allowed)
    beginning.read()
    if beginning.protected:
        return {"refused": "protected", "detail": ""}
    if not beginning.frames:
        return {"refused": "unreadable", "detail": f"no picture of {_codec(video)} can be decoded"}
    seconds = (container.duration or 0) / av.time_base
    end = _End(container, video, seconds)
    end.find()
    if end.is_early:
        return {"refused": "cut-short", "detail": ""}
    return {
        "container": container.format.name,
        "duration": seconds or end.whole,
        "video": _picture(video, beginning, end),
        "audio": [
            _track(stream) | {"silent": beginning.is_silent(stream), "protected": beginning.is_locked(stream)}
            for stream in container.streams.audio
        ],
        "subtitles": [_track(stream) for stream in container.streams.subtitles],
        "chapters": [_chapter(chapter) for chapter in container.chapters()],
    }


def _film_picture(container: Any) -> Any:
    """Return the stream of the film: no cover, rather the one flagged as default, the largest."""
    streams = [stream for stream in container.streams.video if not int(stream.disposition) & int(_COVERS)]
    moving = [stream for stream in streams if _codec(stream) not in _COVER_CODECS]

    def rank(stream: Any) -> tuple[bool, int]:
        context = stream.codec_context
        area = (context.width or 0) * (context.height or 0) if context else 0
        return bool(int(stream.disposition) & int(Disposition.default)), area

    return max(moving or streams, key=rank, default=None)


def _codec(stream: Any) -> str:
    return str(stream.codec_context.codec.canonical_name) if stream.codec_context else ""


class _Beginning:
    """What the first seconds of a film show: pictures, sounds, distances of pictures and of key frames."""

    def __init__(self, container: Any, video: Any, allowed: frozenset[str]) -> None:
        self.frames: list[Any] = []
        self.times: list[float] = []
        self.keys: list[float] = []
        self.protected = False
        self._container = container
        self._video = video
        self._sounds = [stream for stream in container.streams.audio if _codec(stream) in allowed]
        self._heard: set[int] = set()
        self._locked: set[int] = set()
        self._failed: dict[int, int] = defaultdict(int)
        indexed = container.format.name.split(",")[0] not in _UNINDEXED
        self._enough = _SECONDS_WITH_INDEX if indexed else _SECONDS_WITHOUT_INDEX

    def read(self) -> None:
        """Read until enough is known."""
        for number, packet in enumerate(self._packets()):
            if self.protected or number > _MOST_PACKETS or self._is_over(packet):
                return

    def is_locked(self, stream: Any) -> bool:
        """Return whether a sound track is encrypted for a program of its own."""
        return stream.index in self._locked

    def is_silent(self, stream: Any) -> bool:
        """Return whether packets of a sound track were there, and none could be decoded."""
        return stream.index not in self._heard and self._failed[stream.index] >= _BAD_PACKETS

    def _packets(self) -> Any:
        packets = self._container.demux([self._video, *self._sounds])
        while True:
            try:
                packet = next(packets)
            except (StopIteration, av.error.FFmpegError):
                return
            is_picture = packet.stream.index == self._video.index
            if packet.size and packet.has_sidedata("encryption_info"):
                self.protected |= is_picture
                self._locked.add(packet.stream.index)
            elif is_picture:
                self._see(packet)
            else:
                self._hear(packet)
            yield packet

    def _is_over(self, packet: Any) -> bool:
        if packet.stream.index != self._video.index or packet.pts is None or not self.times:
            return False
        seconds = float(packet.pts * packet.time_base) - self.times[0]
        return seconds > (self._enough if len(self.frames) >= _FRAMES else _MOST_SECONDS)

    def _see(self, packet: Any) -> None:
        if packet.pts is not None and packet.size:
            self.times.append(float(packet.pts * packet.time_base))
            if packet.is_keyframe:
                self.keys.append(self.times[-1])
        if len(self.frames) < _FRAMES:
            self.frames += _decoded(packet)

    def _hear(self, packet: Any) -> None:
        index = packet.stream.index
        if index not in self._heard and self._failed[index] < _BAD_PACKETS:
            if _decoded(packet):
                self._heard.add(index)
            else:
                self._failed[index] += bool(packet.size)


def _decoded(packet: Any) -> list[Any]:
    try:
        return list(packet.decode())
    except av.error.FFmpegError:
        return []


class _End:
    """Where a film really ends: `any` of its tracks, and its `picture`, in seconds on its own time line."""

    def __init__(self, container: Any, video: Any, seconds: float) -> None:
        self.any = self.picture = 0.0
        self.times: list[float] = []
        self._container = container
        self._video = video
        self._seconds = seconds
        self._start = (container.start_time or 0) / av.time_base
        self._until = time.monotonic() + _READING_SECONDS
        self._complete = True

    @property
    def is_early(self) -> bool:
        """Whether the file ends long before its header says; unknown where no place of it can be reached."""
        return self._complete and 0 < self.any < self._seconds - max(_TAIL_SECONDS, self._seconds / 100)

    @property
    def whole(self) -> float:
        """The length of a film that has been read to its end; 0 if it was too long for that."""
        return self.any if self._complete else 0.0

    def find(self) -> None:
        """Read the end; from further back where no picture is, at last from the beginning."""
        for back in (_TAIL_SECONDS, _LARGE_TAIL_SECONDS, self._seconds):
            if self._seek(max(0.0, self._seconds - back)):
                self._read()
            if self.picture or back >= self._seconds:
                return

    def _seek(self, at: float) -> bool:
        try:
            self._container.seek(int((self._start + at) * av.time_base))
        except av.error.FFmpegError:
            return False
        return True

    def _read(self) -> None:
        packets = self._container.demux()  # subtitles too: they may go on after everything else
        while time.monotonic() < self._until:
            try:
                packet = next(packets)
            except (StopIteration, av.error.FFmpegError):
                return
            if packet.pts is not None and packet.size:
                self._note(packet)
        self._complete = False

    def _note(self, packet: Any) -> None:
        begin = float(packet.pts * packet.time_base) - self._start
        end = begin + float((packet.duration or 0) * packet.time_base)
        self.any = max(self.any, end)
        if packet.stream.index == self._video.index:
            self.picture = max(self.picture, begin)
            self.times.append(begin)


def _picture(stream: Any, beginning: _Beginning, end: _End) -> dict[str, Any]:
    frame = beginning.frames[0]
    rate = _rate(stream)
    shape = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio or 1
    fastest = max(_fastest(beginning.times), _fastest(end.times))
    return {
        "codec": _codec(stream),
        "index": stream.container.streams.video.index(stream),
        "width": frame.width,
        "height": frame.height,
        "shape": [shape.numerator, shape.denominator],
        "rotation": frame.rotation,
        "rate": [rate.numerator, rate.denominator],
        "fastest": fastest,
        "pixels": frame.format.name,
        "interlaced": any(one.interlaced_frame for one in beginning.frames),
        "hdr": int(frame.color_trc) in _HDR_TRANSFERS,
        "captions": any(data.type.name == "A53_CC" for one in beginning.frames for data in one.side_data),
        "last": end.picture,
        "keys": max((later - earlier for earlier, later in pairwise(beginning.keys)), default=0),
    }


def _rate(stream: Any) -> Fraction:
    """Return the pictures a second as the file says; raw DV gives the ticks of its clock for an average."""
    said = (stream.average_rate, stream.guessed_rate, stream.base_rate)
    return next((rate for rate in said if rate and rate <= _MOST_PICTURES), Fraction(25))


def _fastest(times: list[float]) -> float:
    """Return how many pictures a second there are where they follow each other most quickly; 0 if unknown."""
    ordered = sorted(set(times))
    steps = sorted(later - earlier for earlier, later in pairwise(ordered) if later > earlier)
    if len(steps) < _FRAMES:
        return 0.0
    quick = steps[: max(_FRAMES, len(steps) // 4)]
    return len(quick) / sum(quick)


def _track(stream: Any) -> dict[str, Any]:
    context, flags = stream.codec_context, int(stream.disposition)
    return {
        "codec": context.codec.canonical_name if context else "",
        "language": stream.metadata.get("language", ""),
        "title": stream.metadata.get("title", ""),
        "channels": getattr(context, "channels", 0) or 0,
        "flags": [name for name in _FLAGS if flags & int(Disposition[name])],
    }


def _chapter(chapter: Any) -> dict[str, Any]:
    start = float(chapter["start"] * chapter["time_base"])
    return {"start": start, "title": (chapter.get("metadata") or {}).get("title", "")}


if __name__ == "__main__":
    main()
