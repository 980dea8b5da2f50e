"""What is inside a film file, and the encodings (renditions) made of it for playback."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wylloh_server.domain.types import Seconds


@dataclass(frozen=True, slots=True)
class VideoTrack:
    """The picture as it is shown: codec by ffmpeg's name, size in square pixels after rotation.

    `frame_rate` is what it is played at (frames per second), see `playback_rate`.
    """

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
    """One encoding: H.264 of even width and height; `bit_rate` in bits per second is never exceeded for long.

    `step` is the height of the 16:9 frame the picture fits into: 1080 for a film of 1920x800.
    """

    name: str
    width: int
    height: int
    bit_rate: int
    step: int

    @property
    def label(self) -> str:
        """What the quality menu shows."""
        return f"{self.step}p"


_STEPS = (
    (1080, 5_000_000),
    (720, 2_800_000),
    (480, 1_200_000),
    (360, 700_000),
    (240, 350_000),
    (144, 160_000),
)
_LEAST = 3
_START_STEP = 480


def bitrate_ladder(video: VideoTrack) -> tuple[Rendition, ...]:
    """Choose renditions for a film, best first: never larger than the source, three or four of them.

    A source between two steps is kept at its own size as the best one. A small source gets its three
    by going further down, and one too small for that by spending fewer bits on the same picture.
    """
    own = _own_step(video)
    steps = [(step, rate) for step, rate in _STEPS if step <= own][: _LEAST + 1]
    if not steps or steps[0][0] < own < _STEPS[0][0]:
        steps.insert(0, (own, _rate_for(own)))
    while len(steps) < _LEAST:
        steps.append((steps[-1][0], steps[-1][1] // 2))
    return tuple(_rendition(video, own, step, rate) for step, rate in steps[: _LEAST + 1])


def starting_rendition(ladder: tuple[Rendition, ...]) -> Rendition:
    """Choose what playback starts with: made and fetched quickly, and not ugly; the player climbs."""
    return next((rendition for rendition in ladder[1:] if rendition.step <= _START_STEP), ladder[-1])


def _own_step(video: VideoTrack) -> int:
    short, long = sorted((video.width, video.height))
    return max(short, long * 9 // 16)


def _rate_for(own: int) -> int:
    # From the step below upwards: by area from the one above it could fall under the next rendition's rate.
    step, rate = next(((step, rate) for step, rate in _STEPS if step <= own), _STEPS[-1])
    return max(120_000, rate * own // step)


def _rendition(video: VideoTrack, own: int, step: int, bit_rate: int) -> Rendition:
    width, height = (max(2, round(side * step / own / 2) * 2) for side in (video.width, video.height))
    return Rendition(f"{step}p-{bit_rate // 1000}k", width, height, bit_rate, step)


_RATES = tuple(
    Fraction(rate)
    for rate in (24, 25, 30, 48, 50, 60, Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001))
)
_HIGHEST_RATE = Fraction(60)


def playback_rate(measured: Fraction) -> Fraction:
    """Give the constant rate a film is played at: the usual one nearby, and never above 60 per second."""
    nearest = min(_RATES, key=lambda rate: abs(rate - measured))
    if abs(nearest - measured) < measured / 1000:
        return nearest
    return min(_HIGHEST_RATE, max(Fraction(1), measured.limit_denominator(100)))


_LEVELS = (
    (30, 40_500, 1620, 12_500_000),
    (31, 108_000, 3600, 17_500_000),
    (32, 216_000, 5120, 25_000_000),
    (40, 245_760, 8192, 25_000_000),
    (42, 522_240, 8704, 62_500_000),
    (51, 983_040, 36_864, 300_000_000),
    (52, 2_073_600, 36_864, 300_000_000),
)
"""ITU-T H.264 table A-1 for the High profile: ten times the level, then macroblocks a second, macroblocks
in a frame, bits a second."""


def h264_level(rendition: Rendition, frame_rate: Fraction) -> int:
    """Give the lowest H.264 level (times ten) whose limits hold this rendition."""
    blocks = -(-rendition.width // 16) * -(-rendition.height // 16)
    for level, per_second, per_frame, bits in _LEVELS:
        if blocks <= per_frame and blocks * frame_rate <= per_second and rendition.bit_rate <= bits:
            return level
    return _LEVELS[-1][0]


def h264_codec(rendition: Rendition, frame_rate: Fraction) -> str:
    """Name the codec as RFC 6381 does: High profile, no constraint flags, and the level."""
    return f"avc1.6400{h264_level(rendition, frame_rate):02x}"
