"""What is inside a film file, and the encodings (renditions) made of it for playback."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from wylloh_server.domain.languages import UNKNOWN, english_name, language_tag
from wylloh_server.domain.types import Seconds

if TYPE_CHECKING:
    from pathlib import PurePath


@dataclass(frozen=True, slots=True)
class VideoTrack:
    """The picture as it is shown: codec by ffmpeg's name, size in square pixels after rotation.

    Attributes:
        frame_rate: what it is played at (frames per second), see `playback_rate`.
        index: counts the file's tracks of pictures from 0, covers too.
        interlaced: its frames are two fields each, as television's are.
        last: when its last picture begins, in seconds; 0 while unknown. Sound may go on after it.
        run_up: how many seconds before a picture reading must begin to meet a key frame, where the reader
            does not look for one by itself; 0 where it does.
        pixels: the format of its pixels by ffmpeg's name, such as yuv420p; empty while unknown.
        rotation: by how many degrees the coded pictures are turned to be shown.
    """

    codec: str
    width: int
    height: int
    frame_rate: Fraction
    hdr: bool = False
    index: int = 0
    interlaced: bool = False
    last: Seconds = Seconds(0)
    run_up: Seconds = Seconds(0)
    # Not in what names the film's segments, or those made before it was known would be made again.
    pixels: str = field(default="", repr=False)
    rotation: int = field(default=0, repr=False)


@dataclass(frozen=True, slots=True)
class AudioTrack:
    """One sound track.

    Attributes:
        index: counts audio tracks from 0.
        language: a BCP 47 tag, or 'und'.
        default: it is marked as the one to begin with.
        commentary: somebody talks about the film.
        described: somebody says what is to be seen, for those who do not see it.
    """

    index: int
    codec: str
    language: str
    channels: int
    title: str = ""
    default: bool = False
    commentary: bool = False
    described: bool = False


@dataclass(frozen=True, slots=True)
class SubtitleTrack:
    """One embedded subtitle track that is text.

    Attributes:
        index: counts subtitle tracks from 0.
        language: a BCP 47 tag, or 'und'.
        forced: only what everybody needs, such as a foreign tongue among the sound's own.
        hearing_impaired: also what is to be heard besides words.
    """

    index: int
    codec: str
    language: str
    title: str = ""
    forced: bool = False
    hearing_impaired: bool = False


@dataclass(frozen=True, slots=True)
class SidecarSubtitles:
    """Subtitles in a file beside a film of a folder, named after it: `Film.de.forced.srt`.

    Attributes:
        path: of the file.
        language: a BCP 47 tag, or 'und'.
        title: what else its name says.
        forced: as of `SubtitleTrack`.
        hearing_impaired: as of `SubtitleTrack`.
    """

    path: str
    language: str
    title: str = ""
    forced: bool = False
    hearing_impaired: bool = False


_NAMED_FORCED = frozenset({"forced", "foreign"})
_NAMED_HEARING = frozenset({"sdh", "cc"})


def sidecar_subtitles(path: PurePath, film: PurePath) -> SidecarSubtitles:
    """Read what the name of a subtitle file says, beside that of its film."""
    words = path.stem[len(film.stem) :].strip(". ").split(".")
    tags = {word: language_tag(word) for word in words}
    known = next((word for word, tag in tags.items() if english_name(tag)), "")
    marks = {word.lower() for word in words}
    rest = [word for word in words if word != known and word.lower() not in _NAMED_FORCED | _NAMED_HEARING]
    return SidecarSubtitles(
        str(path),
        tags[known] if known else UNKNOWN,
        " ".join(rest),
        forced=bool(marks & _NAMED_FORCED),
        hearing_impaired=bool(marks & _NAMED_HEARING),
    )


@dataclass(frozen=True, slots=True)
class Chapter:
    """A named stretch of the film."""

    start: Seconds
    title: str


@dataclass(frozen=True, slots=True)
class ClockJump:
    """Where another recording begins in a transport stream.

    From the packet at byte `offset` on, `shift` ticks of 90 kHz are added to all times. A packet begins every
    `stride` bytes: 188, 192 on Blu-ray and in camcorders, 204 with error correction.
    """

    offset: int
    shift: int
    stride: int = 188


@dataclass(frozen=True, slots=True)
class Probe:
    """What a film file contains; `notes` has a sentence for each track that cannot be played."""

    container: str
    duration: Seconds
    video: VideoTrack
    audio: tuple[AudioTrack, ...] = ()
    subtitles: tuple[SubtitleTrack, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    notes: tuple[str, ...] = ()
    clock_jumps: tuple[ClockJump, ...] = ()


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
    """Return the rendition that playback starts with: quick to encode and fetch; the player switches up."""
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
    """Return the constant rate a film is played at: the usual one nearby, and never above 60 per second."""
    nearest = min(_RATES, key=lambda rate: abs(rate - measured))
    if abs(nearest - measured) < measured / 1000:
        return nearest
    return min(_HIGHEST_RATE, max(Fraction(1), measured.limit_denominator(100)))


_SAME = Fraction(1, 200)
_NEAR = Fraction(6, 100)
_MUCH_QUICKER = Fraction(13, 10)


def real_rate(average: Fraction, fastest: float) -> Fraction:
    """Return how many pictures a second a film has where it moves.

    A constant rate is its average. A variable one, as phones and screen recorders write it, is what pictures
    follow each other at where they do so most quickly, since at the average motion would be jerky there.

    Args:
        average: pictures by length.
        fastest: pictures a second in the quickest part that was seen; 0 if unknown.
    """
    quick = Fraction(fastest).limit_denominator(1000)
    is_usual = any(abs(rate - average) <= average * _SAME for rate in _RATES)
    if quick <= average * (_MUCH_QUICKER if is_usual else 1 + _SAME):
        return average
    usual = min(_RATES, key=lambda rate: abs(rate - quick))
    return usual if abs(usual - quick) <= quick * _NEAR else quick


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
    """Return the lowest H.264 level (times ten) whose limits hold this rendition."""
    blocks = -(-rendition.width // 16) * -(-rendition.height // 16)
    for level, per_second, per_frame, bits in _LEVELS:
        if blocks <= per_frame and blocks * frame_rate <= per_second and rendition.bit_rate <= bits:
            return level
    return _LEVELS[-1][0]


def h264_codec(rendition: Rendition, frame_rate: Fraction) -> str:
    """Name the codec as RFC 6381 does: High profile, no constraint flags, and the level."""
    return f"avc1.6400{h264_level(rendition, frame_rate):02x}"
