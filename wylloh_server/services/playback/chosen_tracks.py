"""What a player gets of a film: the play decision, applied to the film's plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.media_formats import codec_label

if TYPE_CHECKING:
    from wylloh_server.domain.play_decision import PlayDecision, StreamDecision
    from wylloh_server.services.playback.playback_plan import (
        AudioRendition,
        DirectRendition,
        MadeTrack,
        PlaybackPlan,
        VideoRendition,
    )


@dataclass(frozen=True, slots=True)
class ChosenSound:
    """A sound track of the film, and as what it is played: as it is, or encoded."""

    sound: AudioRendition
    track: AudioRendition | DirectRendition


@dataclass(frozen=True, slots=True)
class ChosenTracks:
    """The tracks that a player gets.

    Attributes:
        original: the picture as it is; None if it is encoded.
        pictures: encodings of the picture, the one to start with first; beside the original only lesser ones.
        sounds: the sound tracks, the one to begin with first.
    """

    original: DirectRendition | None
    pictures: tuple[VideoRendition, ...]
    sounds: tuple[ChosenSound, ...]

    @property
    def first(self) -> tuple[MadeTrack | DirectRendition, ...]:
        """What playback begins with: a picture and the first sound."""
        picture = self.original or self.pictures[0]
        return (picture, *(sound.track for sound in self.sounds[:1]))


def choose_tracks(plan: PlaybackPlan, decision: PlayDecision) -> ChosenTracks:
    """Return what a player gets by a decision about the film of a plan."""
    original = plan.original if decision.video.direct else None
    pictures = (plan.start, *(picture for picture in plan.pictures if picture != plan.start))
    if original is not None:
        lesser = [
            picture for picture in plan.pictures if picture.rendition.bit_rate < original.stream.bit_rate
        ]
        pictures = tuple(lesser)
    return ChosenTracks(original, pictures, tuple(_chosen(plan, sound, decision) for sound in plan.sounds))


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
