"""HLS playlists (RFC 8216, and its second edition's draft for FRAME-RATE and CHANNELS), as pure functions.

Everything is predicted: the whole film is listed before any of it has been made. Addresses are relative, so
they inherit the play token from the path of the playlist.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

from wylloh_server.domain.languages import UNKNOWN
from wylloh_server.domain.media_index import DynamicRange, IndexedAudio, IndexedVideo
from wylloh_server.domain.rendition import h264_codec
from wylloh_server.services.playback.playback_plan import INIT, DirectRendition

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction

    from wylloh_server.domain.media_index import CutTimeline
    from wylloh_server.domain.playback import Timeline
    from wylloh_server.domain.types import Seconds
    from wylloh_server.services.playback.chosen_tracks import ChosenSound, ChosenTracks
    from wylloh_server.services.playback.playback_plan import (
        PlaybackPlan,
        SubtitleRendition,
        VideoRendition,
    )

KEY_PERIOD = 30
"""Segments under one key."""

_SOUND = "sound"
_TEXT = "text"
_DESCRIBED = "public.accessibility.describes-video"
_HEARD = "public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound"
_SOUND_RATE = 140_000
_AAC = "mp4a.40.2"
_STEREO = 2
_RANGES = {DynamicRange.HDR10: ",VIDEO-RANGE=PQ", DynamicRange.HLG: ",VIDEO-RANGE=HLG"}
_PEAK = 1.6
"""What a segment may be at worst, against a rendition's ceiling: the encoder may spend one second's worth at
once, on top of the two that a segment lasts, and the container adds a little."""


def key_period(number: int) -> int:
    """Return the key period a segment belongs to."""
    return number // KEY_PERIOD


def master_playlist(plan: PlaybackPlan, chosen: ChosenTracks) -> str:
    """List the pictures, the one to start with first, and the groups of sound and subtitles."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS"]
    lines += [_sound(sound, first=number == 0) for number, sound in enumerate(chosen.sounds)]
    lines += [_text(track) for track in plan.subtitles]
    for picture in chosen.pictures:
        lines += [_picture(plan, chosen, picture), f"{picture.name}/playlist.m3u8"]
    return "\n".join(lines) + "\n"


@lru_cache(maxsize=64)
def media_playlist(timeline: Timeline | CutTimeline) -> str:
    """List the segments of one track, with a new key every `KEY_PERIOD` segments.

    The key comes after the map, so the init segment stays clear; without an IV in it, a segment's IV is its
    sequence number. The last lists written are remembered: all renditions of a film share one, and exact
    fractions of thousands of segments take tens of milliseconds.
    """
    lines = [*_head(timeline.longest), f'#EXT-X-MAP:URI="{INIT}"']
    for number in range(timeline.count):
        if number % KEY_PERIOD == 0:
            lines.append(f'#EXT-X-KEY:METHOD=AES-128,URI="{key_period(number)}.key"')
        lines += [f"#EXTINF:{float(timeline.length(number)):.6f},", f"{number}.m4s"]
    return "\n".join([*lines, "#EXT-X-ENDLIST"]) + "\n"


def text_playlist(duration: Seconds) -> str:
    """List subtitles: one WebVTT file as long as the film."""
    lines = [*_head(duration), f"#EXTINF:{duration:.6f},", "subtitles.vtt", "#EXT-X-ENDLIST"]
    return "\n".join(lines) + "\n"


def _head(longest: Fraction | float) -> Iterator[str]:
    yield "#EXTM3U"
    yield "#EXT-X-VERSION:7"
    yield f"#EXT-X-TARGETDURATION:{math.ceil(longest)}"
    yield "#EXT-X-MEDIA-SEQUENCE:0"
    yield "#EXT-X-PLAYLIST-TYPE:VOD"


def _sound(chosen: ChosenSound, *, first: bool) -> str:
    sound, track = chosen.sound, chosen.track
    default = "YES" if first else "NO"
    stream = track.stream if isinstance(track, DirectRendition) else None
    channels = stream.channels if isinstance(stream, IndexedAudio) else _STEREO
    described = f',CHARACTERISTICS="{_DESCRIBED}"' if sound.audio.described else ""
    return (
        f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="{_SOUND}",NAME="{sound.label}"{_language(sound.language)},'
        f'DEFAULT={default},AUTOSELECT=YES,CHANNELS="{channels}"{described},URI="{track.name}/playlist.m3u8"'
    )


def _text(track: SubtitleRendition) -> str:
    default, forced = ("YES" if on else "NO" for on in (track.default, track.forced))
    heard = f',CHARACTERISTICS="{_HEARD}"' if track.hearing_impaired else ""
    return (
        f'#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="{_TEXT}",NAME="{track.label}"{_language(track.language)},'
        f'DEFAULT={default},AUTOSELECT=YES,FORCED={forced}{heard},URI="{track.name}/playlist.m3u8"'
    )


def _language(tag: str) -> str:
    return "" if tag == UNKNOWN else f',LANGUAGE="{tag}"'


def _picture(plan: PlaybackPlan, chosen: ChosenTracks, picture: VideoRendition | DirectRendition) -> str:
    if isinstance(picture, DirectRendition):
        return _original(plan, chosen, picture)
    rendition = picture.rendition
    codec = h264_codec(rendition, plan.probe.video.frame_rate)
    size = f"{rendition.width}x{rendition.height}"
    return _stream_line(plan, chosen, math.ceil(rendition.bit_rate * _PEAK), codec, size)


def _original(plan: PlaybackPlan, chosen: ChosenTracks, picture: DirectRendition) -> str:
    stream, shown = picture.stream, plan.probe.video
    size = f"{shown.width}x{shown.height}"
    if isinstance(stream, IndexedVideo):
        size += _RANGES.get(stream.dynamic_range, "")
    return _stream_line(plan, chosen, stream.bit_rate, stream.codec_string, size)


def _stream_line(plan: PlaybackPlan, chosen: ChosenTracks, bit_rate: int, codec: str, size: str) -> str:
    """Write what a player chooses a picture by, together with the sound beside it."""
    codecs = dict.fromkeys([codec, *(_codec(sound) for sound in chosen.sounds)])
    bandwidth = bit_rate + max((_rate(sound) for sound in chosen.sounds), default=0)
    line = (
        f'#EXT-X-STREAM-INF:BANDWIDTH={bandwidth},CODECS="{",".join(codecs)}",'
        f"RESOLUTION={size},FRAME-RATE={float(plan.probe.video.frame_rate):.3f}"
    )
    line += f',AUDIO="{_SOUND}"' if chosen.sounds else ""
    return line + (f',SUBTITLES="{_TEXT}"' if plan.subtitles else "")


def _codec(chosen: ChosenSound) -> str:
    track = chosen.track
    return track.stream.codec_string if isinstance(track, DirectRendition) else _AAC


def _rate(chosen: ChosenSound) -> int:
    track = chosen.track
    return track.stream.bit_rate if isinstance(track, DirectRendition) else _SOUND_RATE
