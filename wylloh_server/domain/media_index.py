"""The index of a film: what its streams are, and where each can be cut without encoding it again."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING

from wylloh_server.domain.types import Seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class DynamicRange(StrEnum):
    """How bright and colourful a picture may be."""

    SDR = "sdr"
    HDR10 = "hdr10"
    HLG = "hlg"
    DOLBY_VISION = "dolby-vision"


@dataclass(frozen=True, slots=True)
class CutTimeline:
    """Segments that begin where a stream lets them: `cuts` are their starts and the end, in ticks of `unit`.

    A tick is so many seconds. The first segment begins at 0.
    """

    cuts: tuple[int, ...]
    unit: Fraction

    @property
    def duration(self) -> Fraction:
        """How long the stream is, in seconds."""
        return self.cuts[-1] * self.unit

    @property
    def count(self) -> int:
        """How many segments there are, at least one."""
        return len(self.cuts) - 1

    @property
    def longest(self) -> Fraction:
        """The length of the longest segment, in seconds."""
        return max(self.length(number) for number in range(self.count))

    def start(self, number: int) -> Fraction:
        """Where segment `number` (from 0) begins, in seconds."""
        return self.cuts[number] * self.unit

    def length(self, number: int) -> Fraction:
        """How long segment `number` lasts, in seconds."""
        return (self.cuts[number + 1] - self.cuts[number]) * self.unit

    def at(self, seconds: float) -> int:
        """Return the segment that is shown at a moment; the first or last one outside of the film."""
        found = bisect_right(self.cuts, Fraction(seconds) / self.unit) - 1
        return min(max(0, found), self.count - 1)


@dataclass(frozen=True, slots=True)
class IndexedStream:
    """What picture and sound have in common.

    Attributes:
        stream: its number in the file, from 0 over streams of all kinds.
        codec: ffmpeg's name of it.
        codec_string: the name of codec, profile and level as of RFC 6381, for playlists.
        bit_rate: of the most demanding stretch, in bits per second.
        init: the init segment (fMP4: `ftyp` and `moov`).
        timeline: where it is cut.
    """

    stream: int
    codec: str
    codec_string: str
    bit_rate: int
    init: bytes
    timeline: CutTimeline


@dataclass(frozen=True, slots=True)
class IndexedVideo(IndexedStream):
    """The picture as it lies in the file.

    Attributes:
        profile: ffmpeg's name of the codec's profile, such as "High" or "Main 10"; empty if unknown.
        level: in the codec's own numbers: H.264 and VP9 41 for 4.1, HEVC 123 for 4.1, AV1 `seq_level_idx`.
        bit_depth: bits a sample.
        width: in pixels as they are coded, before rotation and pixel shape.
        height: as `width`.
        frame_rate: pictures a second.
        dynamic_range: what a screen must show.
        interlaced: its pictures are two fields each.
        rotated: how many quarter turns it takes to show it upright.
    """

    profile: str
    level: int
    bit_depth: int
    width: int
    height: int
    frame_rate: Fraction
    dynamic_range: DynamicRange = DynamicRange.SDR
    interlaced: bool = False
    rotated: int = 0


@dataclass(frozen=True, slots=True)
class IndexedAudio(IndexedStream):
    """A sound track as it lies in the file.

    Attributes:
        index: counts sound tracks from 0, as `AudioTrack.index` does.
        channels: how many.
        sample_rate: in hertz.
        frame: samples in each of its packets, where the file's own times are too coarse to join them; else 0.
        begins: when the first packet begins, in samples; 0 without `frame`.
    """

    index: int
    channels: int
    sample_rate: int
    frame: int = 0
    begins: int = 0


@dataclass(frozen=True, slots=True)
class MediaIndex:
    """What can be handed through of a film, without encoding it again.

    Attributes:
        origin: when the film begins in the file's own time, in seconds: what is 0 in playlists.
        video: the picture; None if it cannot be cut, or not be put into fMP4.
        audio: the sound tracks that can.
        obstacles: why others cannot, one sentence each.
    """

    origin: Fraction
    video: IndexedVideo | None
    audio: tuple[IndexedAudio, ...]
    obstacles: tuple[str, ...] = ()


LEAST_SEGMENT = Seconds(2)
"""A segment is at least so long, but the last one."""
LONGEST_SEGMENT = Seconds(12)
"""Key frames further apart than this make seeking and changing quality slow: such a picture is encoded."""


def cut_timeline(keys: Iterable[int], end: int, unit: Fraction) -> CutTimeline:
    """Cut a stream at its key frames, no closer to each other than `LEAST_SEGMENT`.

    Args:
        keys: when key frames are shown, in order.
        end: when the last picture is over.
        unit: seconds a tick.
    """
    cuts = [0]
    for key in keys:
        if (key - cuts[-1]) * unit >= LEAST_SEGMENT and key < end:
            cuts.append(key)
    return CutTimeline((*cuts, max(end, cuts[-1] + 1)), unit)


def sound_timeline(picture: CutTimeline, starts: Sequence[int], end: int, unit: Fraction) -> CutTimeline:
    """Cut sound at the first of its packets after each cut of the picture.

    Args:
        picture: where the picture is cut.
        starts: when packets begin, in order.
        end: when the last packet is over.
        unit: seconds a tick.
    """
    cuts = [0]
    for number in range(1, picture.count):
        at = bisect_right(starts, picture.start(number) / unit - 1)
        if at < len(starts) and starts[at] > cuts[-1]:
            cuts.append(starts[at])
    return CutTimeline((*cuts, max(end, cuts[-1] + 1)), unit)
