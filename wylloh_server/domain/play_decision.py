"""What is done with each stream of a film for a player: handed through, encoded or drawn into the picture."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from wylloh_server.domain.media_formats import codec_label
from wylloh_server.domain.media_index import DynamicRange

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wylloh_server.domain.client_profile import ClientProfile, VideoSupport
    from wylloh_server.domain.media_index import IndexedAudio, IndexedVideo, MediaIndex
    from wylloh_server.domain.rendition import AudioTrack, Probe, SubtitleTrack


class PlayAction(StrEnum):
    """What is done with a stream."""

    DIRECT = "direct"
    ENCODE = "encode"
    BURN_IN = "burn-in"


class PlayReason(StrEnum):
    """Why it is done, for programs."""

    FITS = "fits"
    CODEC = "codec"
    PROFILE = "profile"
    LEVEL = "level"
    BIT_DEPTH = "bit-depth"
    SIZE = "size"
    FRAME_RATE = "frame-rate"
    DYNAMIC_RANGE = "dynamic-range"
    INTERLACED = "interlaced"
    ROTATED = "rotated"
    CHANNELS = "channels"
    BIT_RATE = "bit-rate"
    LIMIT_BIT_RATE = "limit-bit-rate"
    LIMIT_SIZE = "limit-size"
    SUBTITLE_FORMAT = "subtitle-format"
    CONTAINER = "container"
    NOT_INDEXED = "not-indexed"
    NOT_CUTTABLE = "not-cuttable"


@dataclass(frozen=True, slots=True)
class StreamDecision:
    """What is done with one stream.

    Attributes:
        reasons: all that apply, in the order of `PlayReason`.
        sentence: the reasons in plain words, one sentence each.
    """

    action: PlayAction
    reasons: tuple[PlayReason, ...]
    sentence: str

    @property
    def direct(self) -> bool:
        """Whether it is handed through as it is."""
        return self.action is PlayAction.DIRECT


@dataclass(frozen=True, slots=True)
class PlaybackLimits:
    """What the owner of the server allows a device, or everybody away from home; 0 limits nothing.

    Attributes:
        bit_rate: the most bits per second of a stream.
        height: of the 16:9 frame that the picture fits into, as the step of a rendition.
    """

    bit_rate: int = 0
    height: int = 0

    def tighter(self, other: PlaybackLimits) -> PlaybackLimits:
        """Return limits that keep both."""
        return PlaybackLimits(_lower(self.bit_rate, other.bit_rate), _lower(self.height, other.height))


NO_LIMITS = PlaybackLimits()


@dataclass(frozen=True, slots=True)
class PlayDecision:
    """What is done with each stream of a film for a player.

    Attributes:
        profile: name of the player's profile.
        audio: by `AudioTrack.index`, in the order of the probe.
        subtitles: by `SubtitleTrack.index`, in the order of the probe.
    """

    profile: str
    video: StreamDecision
    audio: tuple[tuple[int, StreamDecision], ...]
    subtitles: tuple[tuple[int, StreamDecision], ...]

    def direct_audio(self, index: int) -> bool:
        """Whether a sound track is handed through as it is; a track that is not in the film is not."""
        return any(number == index and decision.direct for number, decision in self.audio)


def decide_play(
    profile: ClientProfile, probe: Probe, index: MediaIndex | None, limits: PlaybackLimits = NO_LIMITS
) -> PlayDecision:
    """Decide for each stream by itself: direct where the player takes it as it is and the limits allow it.

    Args:
        profile: what the player takes.
        probe: what is in the film.
        index: what can be handed through; None while that is not known.
        limits: hold for each stream; what picture and sound need together is the playlist's business.
    """
    return PlayDecision(
        profile.name,
        _stream_decision(_video_obstacles(profile, probe, index, limits)),
        tuple((track.index, _audio_decision(profile, track, index, limits)) for track in probe.audio),
        tuple((track.index, _subtitle_decision(profile, track)) for track in probe.subtitles),
    )


_Obstacle = tuple[PlayReason, str]
_HANDED_THROUGH_IN = "fmp4"
_RANK = {reason: rank for rank, reason in enumerate(PlayReason)}


def _stream_decision(
    obstacles: Iterator[_Obstacle], otherwise: PlayAction = PlayAction.ENCODE
) -> StreamDecision:
    found = sorted(obstacles, key=lambda obstacle: _RANK[obstacle[0]])
    if not found:
        return StreamDecision(PlayAction.DIRECT, (PlayReason.FITS,), "This player plays it as it is.")
    reasons, sentences = zip(*found, strict=True)
    return StreamDecision(otherwise, reasons, " ".join(sentences))


def _audio_decision(
    profile: ClientProfile, track: AudioTrack, index: MediaIndex | None, limits: PlaybackLimits
) -> StreamDecision:
    return _stream_decision(_audio_obstacles(profile, track, index, limits))


def _subtitle_decision(profile: ClientProfile, track: SubtitleTrack) -> StreamDecision:
    return _stream_decision(_subtitle_obstacles(profile, track), otherwise=PlayAction.BURN_IN)


def _video_obstacles(
    profile: ClientProfile, probe: Probe, index: MediaIndex | None, limits: PlaybackLimits
) -> Iterator[_Obstacle]:
    video = index and index.video
    supports = [support for support in profile.video if support.codec == (video or probe.video).codec]
    if not supports:
        yield _undecoded((video or probe.video).codec)
    if not profile.interlaced and (probe.video.interlaced or (video and video.interlaced)):
        yield PlayReason.INTERLACED, "This player does not show interlaced pictures, as television has them."
    if not video:
        yield _unavailable(index)
    else:
        # A codec with several bounds: those that are nearest to the picture tell what is in its way.
        yield from min((list(_bounds(support, video)) for support in supports), key=len, default=[])
        yield from _presentation(profile, video)
        yield from _rates(profile, video, limits)
        yield from _limited_size(video, limits)
    yield from _container(profile)


def _audio_obstacles(
    profile: ClientProfile, track: AudioTrack, index: MediaIndex | None, limits: PlaybackLimits
) -> Iterator[_Obstacle]:
    found = (audio for audio in (index.audio if index else ()) if audio.index == track.index)
    audio = next(found, None)
    codec, channels = (audio or track).codec, (audio or track).channels
    supports = [support.channels for support in profile.audio if support.codec == codec]
    if not supports:
        yield _undecoded(codec)
    elif all(_exceeds(channels, most) for most in supports):
        yield (
            PlayReason.CHANNELS,
            f"The sound has {channels} channels; this player takes up to {max(supports)}.",
        )
    if audio is None:
        yield _unavailable(index)
    else:
        yield from _rates(profile, audio, limits)
    yield from _container(profile)


def _subtitle_obstacles(profile: ClientProfile, track: SubtitleTrack) -> Iterator[_Obstacle]:
    # All text becomes WebVTT; a player that reads a film's own kind of text needs no other.
    if not {"webvtt", track.codec} & profile.subtitles:
        yield PlayReason.SUBTITLE_FORMAT, "This player shows no subtitles: they belong in the picture."


def _bounds(support: VideoSupport, video: IndexedVideo) -> Iterator[_Obstacle]:
    """Yield what of a picture a decoder of its codec cannot do; a level that is not known is no obstacle."""
    label = codec_label(video.codec)
    if not support.decodes_profile(video.profile):
        kind = f"of the kind {video.profile}" if video.profile else "of an unknown kind"
        yield PlayReason.PROFILE, f"This player does not decode {label} {kind}."
    if _exceeds(video.level, support.level):
        level, highest = (_level_label(video.codec, level) for level in (video.level, support.level))
        yield (
            PlayReason.LEVEL,
            f"The picture is {label} of level {level}; this player decodes up to {highest}.",
        )
    if _exceeds(video.bit_depth, support.bit_depth):
        depth = f"The picture has colours of {video.bit_depth} bits"
        yield PlayReason.BIT_DEPTH, f"{depth}; this player decodes up to {support.bit_depth}."
    if not _fits(video, support):
        most = _size_label(support.width, support.height)
        yield PlayReason.SIZE, f"{_pixels(video)}; this player decodes up to {most}."
    if _exceeds(float(video.frame_rate), support.frame_rate * _NEAR):
        rate = f"The film has {float(video.frame_rate):.5g} pictures a second"
        yield PlayReason.FRAME_RATE, f"{rate}; this player decodes up to {support.frame_rate:.5g}."


def _presentation(profile: ClientProfile, video: IndexedVideo) -> Iterator[_Obstacle]:
    if video.dynamic_range not in profile.dynamic_ranges:
        yield PlayReason.DYNAMIC_RANGE, f"This player does not show {_RANGE_LABELS[video.dynamic_range]}."
    if video.rotated % 4 and not profile.rotation:
        yield PlayReason.ROTATED, "The picture must be turned, and this player does not do that."


def _rates(
    profile: ClientProfile, stream: IndexedVideo | IndexedAudio, limits: PlaybackLimits
) -> Iterator[_Obstacle]:
    needed = f"It needs {_rate_label(stream.bit_rate)}"
    if _exceeds(stream.bit_rate, profile.bit_rate):
        yield PlayReason.BIT_RATE, f"{needed}; this player takes up to {_rate_label(profile.bit_rate)}."
    if _exceeds(stream.bit_rate, limits.bit_rate):
        allowed = _rate_label(limits.bit_rate)
        yield PlayReason.LIMIT_BIT_RATE, f"{needed}; the owner of this server allows up to {allowed}."


def _limited_size(video: IndexedVideo, limits: PlaybackLimits) -> Iterator[_Obstacle]:
    # Cinemas' frames are a little wider than 16:9: 4096x2160 counts as 2160p.
    short, long = sorted((video.width, video.height))
    if _exceeds(short, _whole_blocks(limits.height)) or _exceeds(long * 135, limits.height * 256):
        allowed = f"the owner of this server allows up to {limits.height}p"
        yield PlayReason.LIMIT_SIZE, f"{_pixels(video)}; {allowed}."


def _container(profile: ClientProfile) -> Iterator[_Obstacle]:
    if _HANDED_THROUGH_IN not in profile.containers:
        yield PlayReason.CONTAINER, "This player does not take films in the form they are handed through in."


def _undecoded(codec: str) -> _Obstacle:
    return PlayReason.CODEC, f"This player does not decode {codec_label(codec)}."


def _unavailable(index: MediaIndex | None) -> _Obstacle:
    if index is None:
        return PlayReason.NOT_INDEXED, "It is not known yet whether it can be sent as it is."
    return PlayReason.NOT_CUTTABLE, "It cannot be cut into the short pieces that players fetch."


_NEAR = 1.005
"""A rate that was measured may lie a little above the one that is meant."""
_MEGABIT = 1_000_000
_BLOCK = 16
"""Pictures are coded in blocks of so many lines: 1080 of them as 1088."""
_RANGE_LABELS = {
    DynamicRange.SDR: "plain colours (SDR)",
    DynamicRange.HDR10: "HDR10",
    DynamicRange.HLG: "HLG",
    DynamicRange.DOLBY_VISION: "Dolby Vision",
}


def _exceeds(value: float, most: float) -> bool:
    return 0 < most < value


def _lower(one: int, other: int) -> int:
    return min(one, other) if one and other else one or other


def _whole_blocks(lines: int) -> int:
    return -(-lines // _BLOCK) * _BLOCK


def _fits(video: IndexedVideo, support: VideoSupport) -> bool:
    wide, high = _whole_blocks(support.width), _whole_blocks(support.height)
    sides = (video.width, video.height), (video.height, video.width)
    return any(not _exceeds(width, wide) and not _exceeds(height, high) for width, height in sides)


def _level_label(codec: str, level: int) -> str:
    if codec == "hevc":
        return f"{level / 30:.1f}"
    return f"{2 + level // 4}.{level % 4}" if codec == "av1" else f"{level / 10:.1f}"


def _pixels(video: IndexedVideo) -> str:
    return f"The picture has {_size_label(video.width, video.height)} pixels"


def _size_label(width: int, height: int) -> str:
    return f"{width}x{height}" if width and height else f"{width or height}"


def _rate_label(bit_rate: int) -> str:
    return f"{bit_rate / 1e6:.1f} Mbit/s" if bit_rate >= _MEGABIT else f"{bit_rate / 1e3:.0f} kbit/s"
