"""What a player can decode and show: as it reports it, or as its maker's documents say for known kinds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from wylloh_server.domain import json_values
from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.media_formats import CODECS, TrackKind
from wylloh_server.domain.media_index import DynamicRange

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    _Read = TypeVar("_Read")

_INCLUDED_PROFILES = {
    ("h264", "Baseline"): {"Constrained Baseline"},
    ("h264", "Main"): {"Constrained Baseline"},
    ("h264", "High"): {"Main", "Constrained Baseline"},
    ("h264", "High 10"): {"High", "Main", "Constrained Baseline"},
    ("hevc", "Main 10"): {"Main"},
    ("av1", "High"): {"Main"},
    ("av1", "Professional"): {"High", "Main"},
}
"""Profiles that a decoder of another one decodes too: ITU-T H.264 A.2, H.265 A.3, AV1 A.2."""


@dataclass(frozen=True, slots=True)
class VideoSupport:
    """A kind of picture that a player decodes. A bound of 0 bounds nothing.

    Attributes:
        codec: ffmpeg's name of it.
        profiles: ffmpeg's names of the codec's profiles, such as "High" or "Main 10"; empty for all.
        level: the highest one, in the codec's own numbers as in `IndexedVideo`.
        bit_depth: the most bits a sample.
        width: the largest one in pixels; pictures on edge may be as high.
        height: the largest one in pixels; pictures on edge may be as wide.
        frame_rate: the most pictures a second.
    """

    codec: str
    profiles: frozenset[str] = frozenset()
    level: int = 0
    bit_depth: int = 0
    width: int = 0
    height: int = 0
    frame_rate: float = 0

    def decodes_profile(self, name: str) -> bool:
        """Whether a profile of the codec is decoded, by itself or as part of a larger one."""
        return (
            not self.profiles
            or name in self.profiles
            or any(name in _INCLUDED_PROFILES.get((self.codec, larger), ()) for larger in self.profiles)
        )


@dataclass(frozen=True, slots=True)
class AudioSupport:
    """A kind of sound that a player decodes, by ffmpeg's name, with up to `channels`; 0 for any number."""

    codec: str
    channels: int = 0


@dataclass(frozen=True, slots=True)
class ClientProfile:
    """What a player can decode and show.

    Attributes:
        name: what people call it.
        video: a codec may stand there several times, with other profiles, bit depths or sizes.
        audio: the sound it decodes.
        dynamic_ranges: pictures that it shows as they are meant, or fits to its screen by itself.
        subtitles: of "webvtt", "ass" and "pgs".
        containers: forms in which it takes a film.
        bit_rate: the most bits per second; 0 for any number.
        interlaced: it shows pictures of two fields without combs.
        rotation: it turns pictures that the file says are to be turned.
    """

    name: str
    video: tuple[VideoSupport, ...]
    audio: tuple[AudioSupport, ...]
    dynamic_ranges: frozenset[DynamicRange]
    subtitles: frozenset[str]
    containers: frozenset[str] = frozenset({"fmp4"})
    bit_rate: int = 0
    interlaced: bool = False
    rotation: bool = False


_SDR = frozenset({DynamicRange.SDR})
# Not Dolby Vision: devices decode some of its profiles only, and a film's index does not tell which it has.
_HDR = _SDR | {DynamicRange.HDR10, DynamicRange.HLG}
_WEBVTT = frozenset({"webvtt"})
_HIGH = frozenset({"Baseline", "Main", "High"})
_MAIN = frozenset({"Main"})
_MAIN_10 = frozenset({"Main", "Main 10"})
_VP9_8 = frozenset({"Profile 0"})
_VP9_10 = frozenset({"Profile 0", "Profile 2"})


def _full_hd(codec: str, profiles: frozenset[str], level: int = 0, bit_depth: int = 8) -> VideoSupport:
    return VideoSupport(codec, profiles, level, bit_depth, 1920, 1080, 60)


def _ultra_hd(
    codec: str, profiles: frozenset[str], level: int = 0, bit_depth: int = 10, frame_rate: float = 60
) -> VideoSupport:
    return VideoSupport(codec, profiles, level, bit_depth, 4096, 2160, frame_rate)


def _sound(**channels: int) -> tuple[AudioSupport, ...]:
    return tuple(AudioSupport(codec, most) for codec, most in channels.items())


# At level 4.1 1080 lines come 30 times a second, and 720 lines 60 times: the level itself bounds that.
UNKNOWN_CLIENT = ClientProfile("unknown", (_full_hd("h264", _HIGH, 41),), _sound(aac=2), _SDR, _WEBVTT)
"""What every player decodes."""

# Google Cast, "Supported media". Dolby sound is only passed on to what hangs on HDMI: not relied upon.
_CHROMECAST = replace(UNKNOWN_CLIENT, name="Chromecast")
_CHROMECAST_ULTRA = ClientProfile(
    "Chromecast Ultra",
    (
        _full_hd("h264", _HIGH, 42),
        _ultra_hd("hevc", _MAIN_10, 153),
        _ultra_hd("vp9", _VP9_10, 51),
    ),
    _sound(aac=2),
    _HDR,
    _WEBVTT,
)

# Apple, "HLS Authoring Specification" and "Apple TV 4K technical specifications".
_APPLE_SOUND = _sound(aac=8, ac3=6, eac3=8, flac=8, alac=8)
_APPLE_VIDEO = (_ultra_hd("h264", _HIGH, 52, 8), _ultra_hd("hevc", _MAIN_10, 153))
_APPLE_TV = ClientProfile("Apple TV", _APPLE_VIDEO, _APPLE_SOUND, _HDR, _WEBVTT)
# What of HDR is seen depends on the screen: a browser that knows reports it.
_SAFARI = replace(_APPLE_TV, name="Safari", dynamic_ranges=_SDR)

# Android Compatibility Definition, 5.1 and 5.3: what each television must decode; many decode more.
_ANDROID_TV = ClientProfile(
    "Android TV",
    (
        _full_hd("h264", _HIGH, 42),
        _full_hd("hevc", _MAIN, 123),
        _full_hd("vp9", _VP9_8),
    ),
    _sound(aac=6, opus=6, flac=2, mp3=2),
    _SDR,
    _WEBVTT,
)

# LG, "Supported video and audio formats", and Samsung, "TV video specifications": UHD sets since 2018.
# Neither names VP9, AV1 or MP3 in HLS.
_WEBOS = ClientProfile(
    "LG webOS",
    (
        _full_hd("h264", _HIGH, 42),
        _ultra_hd("h264", _HIGH, 51, 8, 30),
        _ultra_hd("hevc", _MAIN_10, 153),
    ),
    _sound(aac=6, ac3=6, eac3=6),
    _HDR,
    _WEBVTT,
)
_TIZEN = replace(_WEBOS, name="Samsung Tizen")

# DLNA Guidelines, media profiles AVC_MP4_HP_HD_AAC and AVC_TS_HP_HD_AC3: whole files, no playlists.
_DLNA = ClientProfile(
    "DLNA",
    (_full_hd("h264", _HIGH, 41),),
    _sound(aac=2, ac3=6),
    _SDR,
    frozenset(),
    containers=frozenset({"mp4", "mpegts"}),
)

# Manuals of the players: all of them decode in software what the machine does not, and fit HDR to the screen.
_PLAYER_SOUND = _sound(
    aac=0, ac3=0, eac3=0, opus=0, flac=0, mp3=0, alac=0, vorbis=0, mp2=0, dts=0
)  # fmt: skip
_MPV = ClientProfile(
    "mpv",
    tuple(map(VideoSupport, ("h264", "hevc", "av1", "vp9", "vp8", "mpeg4", "mpeg2video", "vc1"))),
    (*_PLAYER_SOUND, AudioSupport("truehd")),
    _HDR | {DynamicRange.DOLBY_VISION},
    _WEBVTT | {"ass", "pgs"},
)
_VLC = replace(_MPV, name="VLC", audio=_PLAYER_SOUND, dynamic_ranges=_HDR, interlaced=True)
# Runs on small boxes too: 4K only as their decoders do it.
_KODI = replace(
    _VLC,
    name="Kodi",
    video=(
        _full_hd("h264", frozenset(), bit_depth=10),
        _ultra_hd("h264", _HIGH, 51, 8, 30),
        _ultra_hd("hevc", _MAIN_10, 153),
        _ultra_hd("vp9", _VP9_10),
        _full_hd("av1", _MAIN, bit_depth=10),
        _full_hd("mpeg4", frozenset()),
        _full_hd("mpeg2video", frozenset()),
        _full_hd("vc1", frozenset()),
    ),
)

CLIENT_PROFILES: Mapping[str, ClientProfile] = MappingProxyType(
    {
        "unknown": UNKNOWN_CLIENT,
        "chromecast": _CHROMECAST,
        "chromecast-ultra": _CHROMECAST_ULTRA,
        "apple-tv": _APPLE_TV,
        "safari": _SAFARI,
        "android-tv": _ANDROID_TV,
        "webos": _WEBOS,
        "tizen": _TIZEN,
        "dlna": _DLNA,
        "mpv": _MPV,
        "vlc": _VLC,
        "kodi": _KODI,
    }
)
"""Known kinds of players, careful ones: what a device may lack is not in its profile."""

_MOST_ENTRIES = 40
_LONGEST_NAME = 60
_HIGHEST = 100_000
"""Of levels, bits a sample, sides, pictures a second and channels: none comes near."""
_HIGHEST_BIT_RATE = 10**12
_SUBTITLES = frozenset({"webvtt", "ass", "pgs"})


def client_profile_from(report: object) -> ClientProfile:
    """Read what a player reports of itself in JSON.

    `{"name", "video": [{"codec", "profiles", "level", "bit_depth", "width", "height", "frame_rate"}],
    "audio": [{"codec", "channels"}], "dynamic_ranges", "subtitles", "bit_rate"}`, with names and numbers as
    in `ClientProfile`. All may be absent but the codecs. Codecs, ranges, kinds of subtitles and fields that
    are not known here are left out. Each player shows SDR, and WebVTT unless it names kinds of subtitles.

    Raises:
        InvalidValue: it is no object, or a field has another type or is too large.
    """
    fields = _entry("report", report)
    ranges = _names(fields, "dynamic_ranges")
    return ClientProfile(
        name=_field(fields, "name", _name, "").strip() or UNKNOWN_CLIENT.name,
        video=tuple(_video(entry) for entry in _entries(fields, "video", TrackKind.PICTURE)),
        audio=tuple(
            AudioSupport(entry["codec"], _bound(entry, "channels"))
            for entry in _entries(fields, "audio", TrackKind.SOUND)
        ),
        dynamic_ranges=_SDR | {shown for shown in DynamicRange if shown in ranges},
        subtitles=_names(fields, "subtitles") & _SUBTITLES if "subtitles" in fields else _WEBVTT,
        bit_rate=_bound(fields, "bit_rate", _HIGHEST_BIT_RATE),
    )


def _video(entry: dict[str, Any]) -> VideoSupport:
    return VideoSupport(
        entry["codec"],
        _names(entry, "profiles"),
        level=_bound(entry, "level"),
        bit_depth=_bound(entry, "bit_depth"),
        width=_bound(entry, "width"),
        height=_bound(entry, "height"),
        frame_rate=_field(entry, "frame_rate", lambda value: json_values.number(value, _HIGHEST), 0.0),
    )


def _entries(fields: dict[str, Any], name: str, kind: TrackKind) -> list[dict[str, Any]]:
    """Return what a list says about codecs of a kind that are known here."""
    values: list[Any] = _field(fields, name, _list, [])
    entries = [_entry(name, value) for value in values]
    known = {codec.name for codec in CODECS.values() if codec.kind is kind}
    return [entry for entry in entries if _field({"codec": None, **entry}, "codec", _word, "") in known]


def _entry(name: str, value: object) -> dict[str, Any]:
    return _field({name: value}, name, json_values.record, {})


def _names(fields: dict[str, Any], name: str) -> frozenset[str]:
    words: list[str] = _field(fields, name, _words, [])
    return frozenset(words)


def _bound(fields: dict[str, Any], name: str, most: int = _HIGHEST) -> int:
    return _field(fields, name, lambda value: json_values.whole(value, most), 0)


def _name(value: Any) -> str:
    return json_values.line(value, _LONGEST_NAME)


def _word(value: Any) -> str:
    return json_values.text(value, _LONGEST_NAME)


def _words(value: Any) -> list[str]:
    return [_word(entry) for entry in _list(value)]


def _list(value: Any) -> list[Any]:
    return json_values.rows(value, _MOST_ENTRIES)


def _field(fields: dict[str, Any], name: str, read: Callable[[Any], _Read], absent: _Read) -> _Read:
    try:
        return read(fields[name]) if name in fields else absent
    except InvalidValue as error:
        raise InvalidValue(
            f"A player tells what it can play in a way that is not understood. Its {name}: {error}",
            fix="Reload the page, or update the player.",
        ) from None
