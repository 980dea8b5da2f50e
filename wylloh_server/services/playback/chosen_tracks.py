"""What a player gets of a film: the play decision, applied to the film's plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.media_formats import codec_label
from wylloh_server.domain.network_address import is_local
from wylloh_server.domain.play_decision import NO_LIMITS

if TYPE_CHECKING:
    from wylloh_server.domain.play_decision import PlaybackLimits, PlayDecision, StreamDecision
    from wylloh_server.services.playback.playback_plan import (
        AudioRendition,
        DirectRendition,
        MadeTrack,
        PlaybackPlan,
        VideoRendition,
    )

_MUCH_LESS = 0.5
"""Share of the original's bit rate from which on an encoding of the same size is worth having."""


@dataclass(frozen=True, slots=True)
class ChosenSound:
    """A sound track of the film, and as what it is played: as it is, or encoded."""

    sound: AudioRendition
    track: AudioRendition | DirectRendition


@dataclass(frozen=True, slots=True)
class ChosenTracks:
    """The tracks that a player gets.

    Attributes:
        pictures: the picture as it is and encodings of it, the one to start with first.
        sounds: the sound tracks, the one to begin with first.
    """

    pictures: tuple[VideoRendition | DirectRendition, ...]
    sounds: tuple[ChosenSound, ...]

    @property
    def first(self) -> tuple[MadeTrack | DirectRendition, ...]:
        """What playback begins with: a picture and the first sound."""
        return (self.pictures[0], *(sound.track for sound in self.sounds[:1]))


def choose_tracks(
    plan: PlaybackPlan, decision: PlayDecision, address: str, limits: PlaybackLimits = NO_LIMITS
) -> ChosenTracks:
    """Return what a player gets by a decision about the film of a plan.

    In the server's own network playback begins with the original. Lines from elsewhere may be too slow for
    that: there it begins with an encoding, and the player goes up to the original if the line carries it.
    """
    original = plan.original if decision.video.direct else None
    others = [picture for picture in plan.pictures if picture != plan.start]
    allowed = [picture for picture in (plan.start, *others) if _is_allowed(picture, limits)]
    pictures: list[VideoRendition | DirectRendition] = [
        picture
        for picture in allowed or plan.pictures[-1:]
        if original is None or _is_lesser(picture, plan, original)
    ]
    if original is not None:
        pictures.insert(0 if is_local(address) else 1, original)
    return ChosenTracks(tuple(pictures), tuple(_chosen(plan, sound, decision) for sound in plan.sounds))


def _is_allowed(picture: VideoRendition, limits: PlaybackLimits) -> bool:
    rendition = picture.rendition
    within_rate = not limits.bit_rate or rendition.bit_rate <= limits.bit_rate
    return within_rate and (not limits.height or rendition.step <= limits.height)


def _is_lesser(picture: VideoRendition, plan: PlaybackPlan, original: DirectRendition) -> bool:
    """Return whether an encoding helps where the line is too slow for the original."""
    smaller = picture.rendition.height < plan.probe.video.height
    share = 1 if smaller else _MUCH_LESS
    return picture.rendition.bit_rate < original.stream.bit_rate * share


def _chosen(plan: PlaybackPlan, sound: AudioRendition, decision: PlayDecision) -> ChosenSound:
    original = plan.original_sound(sound) if decision.direct_audio(sound.audio.index) else None
    return ChosenSound(sound, original or sound)


@dataclass(frozen=True, slots=True)
class PlayedTrack:
    """A track as people see it: what it is called, and what was decided of it."""

    label: str
    decision: StreamDecision


@dataclass(frozen=True, slots=True)
class PlayedTracks:
    """What a player gets and why: `client` is what the player calls itself."""

    client: str
    video: PlayedTrack
    audio: tuple[PlayedTrack, ...]


def played_tracks(plan: PlaybackPlan, decision: PlayDecision) -> PlayedTracks:
    """Return what was decided of each track, with what the track is called."""
    video, sounds = plan.probe.video, dict(decision.audio)
    picture = f"{codec_label(video.codec)} {video.width}\N{MULTIPLICATION SIGN}{video.height}"
    return PlayedTracks(
        client=decision.profile,
        video=PlayedTrack(picture, decision.video),
        audio=tuple(PlayedTrack(sound.label, sounds[sound.audio.index]) for sound in plan.sounds),
    )
