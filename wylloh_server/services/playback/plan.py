"""The plan of a film's playback: its tracks, how they are cut, and what they are called."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import NotFound
from wylloh_server.domain.languages import after_the_sound, language_name
from wylloh_server.domain.playback import audio_timeline, video_timeline
from wylloh_server.domain.rendition import bitrate_ladder, starting_rendition

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wylloh_server.domain.film import Film
    from wylloh_server.domain.playback import Timeline
    from wylloh_server.domain.rendition import AudioTrack, Probe, Rendition, SubtitleTrack
    from wylloh_server.services.sources import SideText

INIT = "init.mp4"


@dataclass(frozen=True, slots=True)
class PictureTrack:
    """One rendition of the picture."""

    name: str
    rendition: Rendition
    timeline: Timeline


@dataclass(frozen=True, slots=True)
class SoundTrack:
    """One sound track. `label` is what the menu shows; no two of a film are alike."""

    name: str
    audio: AudioTrack
    label: str
    timeline: Timeline

    @property
    def language(self) -> str:
        """The BCP 47 tag."""
        return self.audio.language


MadeTrack = PictureTrack | SoundTrack
"""A track that is encoded into segments."""


@dataclass(frozen=True, slots=True)
class TextTrack:
    """Subtitles, from a file of the package or from inside the film."""

    name: str
    language: str
    label: str
    origin: SideText | SubtitleTrack


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything about how one film is played.

    `store` is the film's name in the segment store: another film file or another encoder is another name, so
    that segments which do not belong together never meet.
    """

    film: Film
    store: str
    probe: Probe
    pictures: tuple[PictureTrack, ...]
    sounds: tuple[SoundTrack, ...]
    texts: tuple[TextTrack, ...]

    @property
    def start(self) -> PictureTrack:
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

    def text(self, name: str) -> TextTrack:
        """Find subtitles.

        Raises:
            NotFound: the film has none of this name.
        """
        for track in self.texts:
            if track.name == name:
                return track
        raise NotFound("This film has no such subtitles.", fix="Load the player again.")


def plan_of(film: Film, probe: Probe, fingerprint: str, beside: Sequence[SideText]) -> Plan:
    """Plan a film's playback.

    Args:
        film: the film.
        probe: what is inside it.
        fingerprint: anything that changes when segments made before no longer fit.
        beside: subtitles that come with it.
    """
    timeline = video_timeline(probe.duration, probe.video.frame_rate)
    sound_labels = _labels((audio.language, audio.title) for audio in probe.audio)
    digest = hashlib.sha256(f"{fingerprint}|{probe}".encode()).hexdigest()[:12]
    return Plan(
        film=film,
        store=f"{film.id}-{digest}",
        probe=probe,
        pictures=tuple(
            PictureTrack(f"v-{rendition.name}", rendition, timeline)
            for rendition in bitrate_ladder(probe.video)
        ),
        sounds=tuple(
            SoundTrack(f"a{audio.index}", audio, label, audio_timeline(probe.duration))
            for audio, label in zip(probe.audio, sound_labels, strict=True)
        ),
        # By the names they had before: what was taken out of the film is kept under them.
        texts=after_the_sound(
            _texts((*beside, *_only_inside(probe.subtitles, beside))),
            [audio.language for audio in probe.audio],
            attrgetter("language"),
        ),
    )


def _only_inside(embedded: Sequence[SubtitleTrack], beside: Sequence[SideText]) -> tuple[SubtitleTrack, ...]:
    """Leave out what publishing copied into files beside the film: the first track of each language."""
    copied = {text.language for text in beside}
    kept = []
    for track in embedded:
        if track.language in copied:
            copied.remove(track.language)
        else:
            kept.append(track)
    return tuple(kept)


def _texts(origins: Sequence[SideText | SubtitleTrack]) -> tuple[TextTrack, ...]:
    labels = _labels((origin.language, getattr(origin, "title", "")) for origin in origins)
    return tuple(
        TextTrack(f"s{number}", origin.language, label, origin)
        for number, (origin, label) in enumerate(zip(origins, labels, strict=True))
    )


def _labels(tracks: Iterable[tuple[str, str]]) -> list[str]:
    """Name tracks for a menu: by title, else by language; equal ones are numbered."""
    labels: list[str] = []
    for number, (language, title) in enumerate(tracks, start=1):
        wanted = _written(title) or language_name(language) or f"Track {number}"
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
