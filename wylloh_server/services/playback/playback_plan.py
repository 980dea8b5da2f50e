"""The plan of a film's playback: its tracks, how they are cut, and what they are called."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import NotFound
from wylloh_server.domain.film import PackageFile
from wylloh_server.domain.languages import language_name, sort_subtitles_by_audio
from wylloh_server.domain.playback import audio_timeline, video_timeline
from wylloh_server.domain.rendition import SidecarSubtitles, bitrate_ladder, starting_rendition

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wylloh_server.domain.film import Film
    from wylloh_server.domain.media_index import CutTimeline, IndexedAudio, IndexedVideo, MediaIndex
    from wylloh_server.domain.playback import Timeline
    from wylloh_server.domain.rendition import AudioTrack, Probe, Rendition, SubtitleTrack
    from wylloh_server.services.library.film_contents import FilmContents

INIT = "init.mp4"


@dataclass(frozen=True, slots=True)
class VideoRendition:
    """One rendition of the picture."""

    name: str
    rendition: Rendition
    timeline: Timeline


@dataclass(frozen=True, slots=True)
class AudioRendition:
    """One sound track. `label` is what the menu shows; no two of a film are alike."""

    name: str
    audio: AudioTrack
    label: str
    timeline: Timeline

    @property
    def language(self) -> str:
        """The BCP 47 tag."""
        return self.audio.language


MadeTrack = VideoRendition | AudioRendition
"""A track that is encoded into segments."""


@dataclass(frozen=True, slots=True)
class DirectRendition:
    """A stream that is handed through as it is, in place of what is encoded of it."""

    name: str
    stream: IndexedVideo | IndexedAudio

    @property
    def timeline(self) -> CutTimeline:
        """Where it is cut."""
        return self.stream.timeline


@dataclass(frozen=True, slots=True)
class SubtitleRendition:
    """Subtitles, from a file of the package, from one beside the film, or from inside the film.

    Attributes:
        label: what the menu shows; no two of a film are alike.
        forced: only what everybody needs, such as a foreign tongue.
        default: they are shown unless the viewer chooses: forced ones in the language of the sound.
    """

    name: str
    language: str
    label: str
    origin: PackageFile | SubtitleTrack | SidecarSubtitles
    forced: bool = False
    default: bool = False
    hearing_impaired: bool = False


@dataclass(frozen=True, slots=True)
class PlaybackPlan:
    """Everything about how one film can be played. What of it a player gets, the play decision says.

    `store` is the film's name in the segment store: another film file or another encoder is another name, so
    that segments which do not belong together never meet.
    """

    film: Film
    store: str
    probe: Probe
    pictures: tuple[VideoRendition, ...]
    sounds: tuple[AudioRendition, ...]
    subtitles: tuple[SubtitleRendition, ...]
    index: MediaIndex | None = None

    @property
    def original(self) -> DirectRendition | None:
        """The picture as it is; None if it cannot be handed through."""
        video = self.index.video if self.index else None
        return DirectRendition("v-original", video) if video else None

    def original_sound(self, sound: AudioRendition) -> DirectRendition | None:
        """Return a sound track as it is; None if it cannot be handed through."""
        streams = self.index.audio if self.index else ()
        found = next((stream for stream in streams if stream.index == sound.audio.index), None)
        return DirectRendition(f"{sound.name}-original", found) if found else None

    @property
    def start(self) -> VideoRendition:
        """The rendition playback starts with."""
        first = starting_rendition(tuple(picture.rendition for picture in self.pictures))
        return next(picture for picture in self.pictures if picture.rendition == first)

    @property
    def in_order(self) -> tuple[MadeTrack, ...]:
        """The made tracks, what is wanted most first."""
        others = [picture for picture in self.pictures if picture != self.start]
        tracks: list[MadeTrack] = [self.start, *self.sounds, *others]
        return tuple(tracks)

    def made(self, name: str) -> MadeTrack:
        """Find a track of segments.

        Raises:
            NotFound: the film has none of this name.
        """
        tracks: tuple[MadeTrack, ...] = (*self.pictures, *self.sounds)
        for track in tracks:
            if track.name == name:
                return track
        raise NotFound("This film has no such track.", fix="Load the player again.")

    def track(self, name: str) -> MadeTrack | DirectRendition:
        """Find a track of segments, made or handed through.

        Raises:
            NotFound: the film has none of this name.
        """
        originals = (self.original, *(self.original_sound(sound) for sound in self.sounds))
        found = next((track for track in originals if track and track.name == name), None)
        return found or self.made(name)

    def text(self, name: str) -> SubtitleRendition:
        """Find subtitles.

        Raises:
            NotFound: the film has none of this name.
        """
        for track in self.subtitles:
            if track.name == name:
                return track
        raise NotFound("This film has no such subtitles.", fix="Load the player again.")


def make_playback_plan(
    film: Film, contents: FilmContents, beside: Sequence[PackageFile] | Sequence[SidecarSubtitles]
) -> PlaybackPlan:
    """Make the plan of a film's playback.

    Args:
        film: the film.
        contents: what is inside it. Segments made of other contents do not fit.
        beside: subtitles that come with it.
    """
    probe = contents.probe
    timeline = video_timeline(probe.duration, probe.video.frame_rate)
    # The one to begin with comes first: what is marked so, and never somebody who talks about the film.
    audio_tracks = sorted(
        probe.audio, key=lambda track: (track.commentary or track.described, not track.default)
    )
    sound_labels = _labels((audio.language, audio.title, _sound_kind(audio)) for audio in audio_tracks)
    digest = hashlib.sha256(f"{contents.content}|{probe}".encode()).hexdigest()[:12]
    return PlaybackPlan(
        film=film,
        store=f"{film.id}-{digest}",
        probe=probe,
        pictures=tuple(
            VideoRendition(f"v-{rendition.name}", rendition, timeline)
            for rendition in bitrate_ladder(probe.video)
        ),
        sounds=tuple(
            AudioRendition(f"a{audio.index}", audio, label, audio_timeline(probe.duration))
            for audio, label in zip(audio_tracks, sound_labels, strict=True)
        ),
        subtitles=_subtitles(probe, beside, [audio.language for audio in audio_tracks]),
        index=contents.index,
    )


def _sound_kind(audio: AudioTrack) -> str:
    return "commentary" if audio.commentary else "audio description" if audio.described else ""


def _only_inside(
    embedded: Sequence[SubtitleTrack], beside: Sequence[PackageFile]
) -> tuple[SubtitleTrack, ...]:
    """Leave out what publishing copied into files beside the film: the first track of each language."""
    copied = {text.language for text in beside}
    kept = []
    for track in embedded:
        if track.language in copied:
            copied.remove(track.language)
        else:
            kept.append(track)
    return tuple(kept)


def _subtitles(
    probe: Probe, beside: Sequence[PackageFile] | Sequence[SidecarSubtitles], spoken: Sequence[str]
) -> tuple[SubtitleRendition, ...]:
    """Return the subtitles in the order of the menu.

    What is taken out of the film is kept under its name, so a file put beside it must not change that.
    """
    copied = [one for one in beside if isinstance(one, PackageFile)]
    sidecars = [one for one in beside if isinstance(one, SidecarSubtitles)]
    kept: list[PackageFile | SubtitleTrack] = [*copied, *_only_inside(probe.subtitles, copied)]
    named: list[tuple[str, PackageFile | SubtitleTrack | SidecarSubtitles]]
    named = [(f"s{number}", origin) for number, origin in enumerate(kept)]
    named += [(f"x{number}", origin) for number, origin in enumerate(sidecars)]
    labels = _labels((one.language, getattr(one, "title", ""), _text_kind(one)) for _, one in named)
    found = (
        SubtitleRendition(
            name,
            origin.language,
            label,
            origin,
            forced=getattr(origin, "forced", False),
            hearing_impaired=getattr(origin, "hearing_impaired", False),
        )
        for (name, origin), label in zip(named, labels, strict=True)
    )
    return _with_default(sort_subtitles_by_audio(found, spoken, attrgetter("language")), spoken[:1])


def _with_default(
    subtitles: tuple[SubtitleRendition, ...], spoken: Sequence[str]
) -> tuple[SubtitleRendition, ...]:
    """Mark the forced subtitles in the language that is heard as those to be shown by themselves."""
    heard = {tag.partition("-")[0] for tag in spoken}
    shown = next((one for one in subtitles if one.forced and one.language.partition("-")[0] in heard), None)
    return tuple(replace(one, default=True) if one is shown else one for one in subtitles)


def _text_kind(origin: object) -> str:
    if getattr(origin, "forced", False):
        return "forced"
    return "SDH" if getattr(origin, "hearing_impaired", False) else ""


def _labels(tracks: Iterable[tuple[str, str, str]]) -> list[str]:
    """Name tracks for a menu: by title, else by language, and kind; equal ones are numbered."""
    labels: list[str] = []
    for number, (language, title, kind) in enumerate(tracks, start=1):
        wanted = _written(title) or language_name(language) or f"Track {number}"
        if kind and kind.lower() not in wanted.lower():
            wanted = f"{wanted} ({kind})"
        label, count = wanted, 1
        while label in labels:
            count += 1
            label = f"{wanted} {count}"
        labels.append(label)
    return labels


def _written(title: str) -> str:
    """Write a title so that a playlist can hold it; some parsers stumble over an apostrophe too."""
    title = title.replace('"', "\N{RIGHT DOUBLE QUOTATION MARK}")
    title = title.replace("'", "\N{RIGHT SINGLE QUOTATION MARK}")
    return " ".join(title.split())[:80]
