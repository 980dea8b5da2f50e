"""What is inside a film file, and the encodings (renditions) made of it for playback."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fractions import Fraction

    from wylloh_server.domain.types import Seconds


@dataclass(frozen=True, slots=True)
class VideoTrack:
    """The picture: codec by ffmpeg's name, size in pixels after rotation, frames per second."""

    codec: str
    width: int
    height: int
    frame_rate: Fraction
    hdr: bool = False


@dataclass(frozen=True, slots=True)
class AudioTrack:
    """One sound track; `index` counts audio tracks from 0, `language` is a BCP 47 tag or 'und'."""

    index: int
    codec: str
    language: str
    channels: int
    title: str = ""


@dataclass(frozen=True, slots=True)
class SubtitleTrack:
    """One embedded subtitle track that is text; `index` counts subtitle tracks from 0."""

    index: int
    codec: str
    language: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Chapter:
    """A named stretch of the film."""

    start: Seconds
    title: str


@dataclass(frozen=True, slots=True)
class Probe:
    """What a film file contains."""

    container: str
    duration: Seconds
    video: VideoTrack
    audio: tuple[AudioTrack, ...] = ()
    subtitles: tuple[SubtitleTrack, ...] = ()
    chapters: tuple[Chapter, ...] = ()


@dataclass(frozen=True, slots=True)
class Rendition:
    """One encoding: H.264 of even width and height, bit rates in bits per second."""

    name: str
    width: int
    height: int
    bit_rate: int

    @property
    def label(self) -> str:
        """What the quality menu shows."""
        return f"{self.height}p"


_STEPS = (
    (1080, 5_000_000),
    (720, 2_800_000),
    (480, 1_200_000),
    (360, 700_000),
    (240, 350_000),
    (144, 160_000),
)
_LEAST = 3


def bitrate_ladder(video: VideoTrack) -> tuple[Rendition, ...]:
    """Choose renditions for a film, best first: never larger than the source, at least three.

    A source between two steps is kept at its own height as the best one. A small source gets its three
    by going further down, and one too small for that by spending fewer bits on the same picture.
    """
    heights = [(height, rate) for height, rate in _STEPS if height <= video.height][:4]
    if not heights or heights[0][0] < video.height < _STEPS[0][0]:
        heights.insert(0, (video.height, _rate_for(video.height)))
    while len(heights) < _LEAST:
        heights.append((heights[-1][0], heights[-1][1] // 2))
    return tuple(_rendition(video, height, rate) for height, rate in heights[: _LEAST + 1])


def _rate_for(height: int) -> int:
    above = next((rate for step, rate in reversed(_STEPS) if step >= height), _STEPS[0][1])
    step = next(step for step, rate in _STEPS if rate == above)
    return max(120_000, above * height * height // (step * step))


def _rendition(video: VideoTrack, height: int, bit_rate: int) -> Rendition:
    width = round(video.width * height / video.height / 2) * 2
    even = max(2, height // 2 * 2)
    return Rendition(f"{even}p-{bit_rate // 1000}k", max(2, width), even, bit_rate)
