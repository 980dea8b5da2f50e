"""A lease on a film's playback, and how the film is cut into segments."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING

from wylloh_server.domain.types import Seconds

if TYPE_CHECKING:
    from wylloh_server.domain.access import Receipt, Viewer
    from wylloh_server.domain.types import FilmId, PlayToken, Timestamp


@dataclass(frozen=True, slots=True)
class Timeline:
    """Equal segments, the last one shorter: `duration` and `segment` in exact seconds."""

    duration: Fraction
    segment: Fraction

    @property
    def count(self) -> int:
        """How many segments there are, at least one."""
        return max(1, math.ceil(self.duration / self.segment))

    @property
    def longest(self) -> Fraction:
        """The length of the longest segment, in seconds."""
        return min(self.segment, self.duration)

    def at(self, seconds: float) -> int:
        """Return the segment that is shown at a moment; the first or last one outside of the film."""
        return min(max(0, int(Fraction(seconds) / self.segment)), self.count - 1)

    def start(self, number: int) -> Fraction:
        """Where segment `number` (from 0) begins."""
        return self.segment * number

    def length(self, number: int) -> Fraction:
        """How long segment `number` lasts."""
        return min(self.segment, self.duration - self.start(number))


def video_timeline(duration: Seconds, frame_rate: Fraction, target: Seconds = Seconds(2)) -> Timeline:
    """Cut at whole frames, so that every rendition's segments begin at the same frame and last the same."""
    frames = max(1, round(frame_rate * Fraction(target)))
    total = max(1, round(Fraction(duration) * frame_rate))
    return Timeline(Fraction(total) / frame_rate, Fraction(frames) / frame_rate)


SAMPLE_RATE = 48_000
AAC_FRAME = 1024
"""Samples in one AAC frame (ISO/IEC 14496-3)."""
AUDIO_SEGMENT = Fraction(375 * AAC_FRAME, SAMPLE_RATE)
"""8 s: a cut that falls between two AAC frames, always."""


def audio_timeline(duration: Seconds) -> Timeline:
    """Cut sound every 8 s; HLS does not ask that it be cut where the picture is. Lasts whole AAC frames."""
    frames = max(1, math.ceil(Fraction(duration) * SAMPLE_RATE / AAC_FRAME))
    return Timeline(Fraction(frames * AAC_FRAME, SAMPLE_RATE), AUDIO_SEGMENT)


class LeaseEnd(StrEnum):
    """Why a lease is over."""

    STOPPED = "stopped"
    RIGHTS_GONE = "rights-gone"
    IDLE = "idle"
    SIGNED_OUT = "signed-out"
    ENDED_BY_ADMIN = "ended-by-admin"


@dataclass(frozen=True, slots=True)
class Lease:
    """Permission for one playback session. `token` exists in memory only; the store keeps its hash."""

    token: PlayToken
    viewer: Viewer
    film: FilmId
    address: str
    receipt: Receipt
    started: Timestamp
    checked: Timestamp


BEGUN_SECONDS = 5.0
"""Seconds of a film after which it counts as begun."""
FINISHED_SHARE = 0.95
"""Share of a film's length from which on it counts as watched to its end."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far somebody has watched a film, in seconds from its start."""

    film: FilmId
    at: Seconds
    of: Seconds
    updated: Timestamp

    @property
    def is_begun(self) -> bool:
        """Whether somebody is in the middle of the film."""
        return BEGUN_SECONDS <= self.at < self.of * FINISHED_SHARE
