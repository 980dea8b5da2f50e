"""What a viewer chose in the player: languages, volume, and how subtitles look."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SubtitleSize(StrEnum):
    """How large subtitles are."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"
    HUGE = "huge"


class SubtitleBackground(StrEnum):
    """What lies behind subtitles."""

    NONE = "none"
    SHADE = "shade"
    SOLID = "solid"


@dataclass(frozen=True, slots=True)
class TrackChoice:
    """A track somebody chose, to be found again in another film.

    Attributes:
        language: as the film's playlist names it (BCP 47); may be empty.
        name: its label, which tells several tracks of a language apart.
    """

    language: str
    name: str


@dataclass(frozen=True, slots=True)
class PlayerPreferences:
    """What a viewer chose last; the defaults stand for what they never chose.

    Attributes:
        audio: None for the film's own choice.
        subtitles: the last that were shown; None for the film's own choice.
        subtitles_off: whether subtitles were switched off after that.
        volume: from 0 to 1.
    """

    audio: TrackChoice | None = None
    subtitles: TrackChoice | None = None
    subtitles_off: bool = False
    volume: float = 1.0
    muted: bool = False
    subtitle_size: SubtitleSize = SubtitleSize.MEDIUM
    subtitle_background: SubtitleBackground = SubtitleBackground.NONE
