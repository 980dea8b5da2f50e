"""The index of a film: from its container's tables where it has them, else from packets, without decoding."""

from __future__ import annotations

from fractions import Fraction
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import av
from av.error import FFmpegError

from wylloh_server.adapters.ffmpeg.remux.codec_strings import codec_name, dolby_vision_profile
from wylloh_server.adapters.ffmpeg.remux.fragments import set_times, write_fragment
from wylloh_server.domain.media_index import (
    LONGEST_SEGMENT,
    CutTimeline,
    DynamicRange,
    IndexedAudio,
    IndexedVideo,
    MediaIndex,
    cut_timeline,
    sound_timeline,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from av.packet import Packet

    from wylloh_server.adapters.ffmpeg.remux.demuxer import Demuxer
    from wylloh_server.domain.rendition import AudioTrack, Probe

_VIDEO = frozenset({"h264", "hevc", "av1", "vp9"})
_AUDIO = frozenset({"aac", "ac3", "eac3", "opus", "flac", "mp3"})
_LOOKS = 12
"""Key frames that are looked at to learn how much later than decoded they are shown."""
_FEW = 2
_TINY = Fraction(1, 1000)
_LATEST_PICTURE = 1
_LATE = Fraction(1, 10)
"""Seconds without sound at the beginning that a player gets over."""
_SAMPLE_PACKETS = 3
_BACK = (5, 60, 600)
"""Seconds before the end of a film at which the end of a sound track is looked for."""
_MEASURED = 200
"""Packets of sound after which the length of one is known to the sample, though times are in milliseconds."""
_UNEVEN = Fraction(11, 10_000)
"""Seconds by which the distance of two packets may be off where all are of one length."""
_TRANSFERS = {16: DynamicRange.HDR10, 18: DynamicRange.HLG}
"""SMPTE ST 2084 and ARIB STD-B67, as ITU-T H.273 numbers them."""
_NO_BASE_LAYER = 5
"""The Dolby Vision profile whose picture is nothing without it."""


class _Keys(NamedTuple):
    """When key frames are shown, with their places in the file; when the last picture is over. In ticks."""

    places: list[tuple[int, int]]
    end: int


class NotCuttable(Exception):
    """A stream cannot be handed through; the message says why."""


def index_film(demuxer: Demuxer, probe: Probe) -> MediaIndex:
    """Return the index of an open film.

    Raises:
        FFmpegError: it cannot be read.
    """
    obstacles: list[str] = []
    video = _tried(lambda: _video(demuxer, probe), "The picture", obstacles)
    cuts = video.timeline if video else _even_cuts(probe)
    sounds = (
        _tried(lambda track=track: _audio(demuxer, track, cuts), f"Sound track {track.index + 1}", obstacles)
        for track in probe.audio
    )
    return MediaIndex(demuxer.origin, video, tuple(filter(None, sounds)), tuple(obstacles))


def _tried(make: Any, name: str, obstacles: list[str]) -> Any:
    try:
        return make()
    except (NotCuttable, FFmpegError, ValueError) as error:
        obstacles.append(f"{name}: {error}.")
        return None


def _even_cuts(probe: Probe) -> CutTimeline:
    return cut_timeline(range(0, int(probe.duration), 4), max(1, int(probe.duration)), Fraction(1))


def _video(demuxer: Demuxer, probe: Probe) -> IndexedVideo:
    stream = demuxer.kind("video")[probe.video.index]
    codec, context = str(stream.codec_context.codec.canonical_name), stream.codec_context
    if codec not in _VIDEO:
        raise NotCuttable(f"{codec} is not put into fMP4")
    keys = _keys(demuxer, stream.index, probe)
    timeline = cut_timeline((shown for shown, _ in keys.places), keys.end, Fraction(stream.time_base))
    if timeline.longest > LONGEST_SEGMENT:
        raise NotCuttable(f"its key frames are up to {float(timeline.longest):.0f} s apart")
    init = _init(demuxer, stream, probe.video.pixels)
    name = codec_name(init)
    if name is None:
        raise NotCuttable("its codec has no name for playlists")
    return IndexedVideo(
        stream=stream.index,
        codec=codec,
        codec_string=name.text,
        bit_rate=_peak(keys, timeline) or context.bit_rate or 0,
        init=init,
        timeline=timeline,
        profile=str(stream.profile or name.profile),
        level=name.level,
        bit_depth=av.VideoFormat(probe.video.pixels).components[0].bits if probe.video.pixels else 8,
        width=context.width,
        height=context.height,
        frame_rate=probe.video.frame_rate,
        dynamic_range=_dynamic_range(init, context, is_hdr=probe.video.hdr),
        interlaced=probe.video.interlaced,
        rotated=round(probe.video.rotation / 90) % 4,
    )


def _keys(demuxer: Demuxer, number: int, probe: Probe) -> _Keys:
    first = next(demuxer.packets(number, Fraction(0)), None)
    if first is None or not first.is_keyframe:
        raise NotCuttable("it does not begin with a key frame")
    begins = demuxer.shown(first) * Fraction(first.time_base)
    if not -_TINY < begins <= _LATEST_PICTURE:
        raise NotCuttable("its first key frame is not where it begins")
    table = [
        (entry.timestamp, entry.pos) for entry in demuxer.stream(number).index_entries if entry.flags & 1
    ]
    shift = _shift(demuxer, number, [at for at, _ in table])
    if shift is None or (len(table) <= _FEW and probe.duration > LONGEST_SEGMENT):
        return _read_keys(demuxer, number)
    keys = sorted((at + shift, place) for at, place in table)
    return _Keys(keys, _end(demuxer, number, keys[-1][0]))


def _shift(demuxer: Demuxer, number: int, table: Sequence[int]) -> int | None:
    """Return what has to be added to times of the table to have those at which key frames are shown.

    None if it is not the same for all that are looked at.
    """
    unit = Fraction(demuxer.stream(number).time_base)
    shifts = set()
    for entry in table[:: max(1, len(table) // _LOOKS)]:
        packets = demuxer.packets(number, entry * unit - demuxer.origin)
        packet = next((one for one in packets if one.is_keyframe), None)
        if packet is not None:
            listed = packet.pts if demuxer.container == "matroska" else packet.dts
            shifts.add(demuxer.shown(packet) - entry if listed == entry else None)
    return shifts.pop() if len(shifts) == 1 else None


def _read_keys(demuxer: Demuxer, number: int) -> _Keys:
    keys, end = [], 0
    for packet in demuxer.packets(number, Fraction(0)):
        shown = demuxer.shown(packet)
        end = max(end, shown + (packet.duration or 1))
        if packet.is_keyframe:
            keys.append((shown, packet.pos or 0))
    return _Keys(keys, end)


def _end(demuxer: Demuxer, number: int, since: int) -> int:
    """Return when the last packet is over, reading from a place near the end on."""
    packets = demuxer.packets(number, since * Fraction(demuxer.stream(number).time_base))
    return max((demuxer.shown(packet) + (packet.duration or 1) for packet in packets), default=since)


def _sound_end(demuxer: Demuxer, number: int) -> int:
    """Return when the last packet of a sound track is over: it may be long before the film is."""
    unit = Fraction(demuxer.stream(number).time_base)
    for back in _BACK:
        since = round(max(Fraction(0), demuxer.duration - back) / unit)
        end = _end(demuxer, number, since)
        if end > since:
            return end
    return _end(demuxer, number, 0)


def _init(demuxer: Demuxer, stream: Any, pixels: str = "") -> bytes:
    """Return the init segment, written with the film's first packets; a packet without a time stops it."""
    packets = list(islice(demuxer.packets(stream.index, Fraction(0)), _SAMPLE_PACKETS))
    if not packets:
        raise NotCuttable("it has no packets")
    unit = Fraction(stream.time_base)
    set_times(packets, [demuxer.shown(packet) for packet in packets], 0, unit)
    return write_fragment(stream, packets, pixels)[0]


def _peak(keys: _Keys, timeline: CutTimeline) -> int:
    """Return the bit rate of the most demanding segment, from the places of key frames in the file."""
    place = dict(keys.places)
    starts = [place.get(cut, 0) for cut in (keys.places[0][0], *timeline.cuts[1:-1])]
    sizes = (later - earlier for earlier, later in pairwise(starts))
    return round(max((size * 8 / timeline.length(n) for n, size in enumerate(sizes)), default=Fraction(0)))


def _dynamic_range(init: bytes, context: Any, *, is_hdr: bool) -> DynamicRange:
    if dolby_vision_profile(init) == _NO_BASE_LAYER:
        return DynamicRange.DOLBY_VISION
    # Where the container does not say it, the probe has seen it in the pictures.
    unsaid = DynamicRange.HDR10 if is_hdr else DynamicRange.SDR
    return _TRANSFERS.get(int(context.color_trc or 0), unsaid)


def _audio(demuxer: Demuxer, track: AudioTrack, picture: CutTimeline) -> IndexedAudio:
    stream = demuxer.kind("audio")[track.index]
    codec, context = str(stream.codec_context.codec.canonical_name), stream.codec_context
    if codec not in _AUDIO:
        raise NotCuttable(f"{codec} is not put into fMP4")
    sound = _sound(demuxer, stream)
    init = _init(demuxer, stream)
    name = codec_name(init)
    if name is None:
        raise NotCuttable("its codec has no name for playlists")
    return IndexedAudio(
        stream=stream.index,
        codec=codec,
        codec_string=name.text,
        bit_rate=context.bit_rate or 64_000 * max(1, context.channels),
        init=init,
        timeline=sound_timeline(picture, sound.starts, sound.end, sound.unit),
        index=track.index,
        channels=context.channels,
        sample_rate=context.sample_rate,
        frame=sound.grid.step if sound.grid else 0,
        begins=sound.grid.start if sound.grid else 0,
    )


def _frame(demuxer: Demuxer, stream: Any) -> int:
    """Return how many samples every packet of sound holds; 0 if they are of different lengths."""
    unit = Fraction(stream.time_base)
    packets = islice(demuxer.packets(stream.index, Fraction(0)), _MEASURED)
    times = [demuxer.shown(packet) * unit for packet in packets]
    if len(times) < _MEASURED:
        return int(stream.codec_context.frame_size or 0)
    mean = (times[-1] - times[0]) / (len(times) - 1)
    if any(abs(later - earlier - mean) > _UNEVEN for earlier, later in pairwise(times)):
        return 0
    return round(mean * int(stream.codec_context.sample_rate))


class _Sound(NamedTuple):
    """When the packets of a sound track begin and the last one is over, in ticks of `unit` seconds."""

    starts: Sequence[int]
    end: int
    unit: Fraction
    grid: range | None = None


def _sound(demuxer: Demuxer, stream: Any) -> _Sound:
    first = next((one for one in demuxer.packets(stream.index, Fraction(0)) if demuxer.shown(one) >= 0), None)
    if first is None or demuxer.shown(first) * first.time_base > _LATE:
        raise NotCuttable("it begins later than the film")
    unit = Fraction(stream.time_base)
    if demuxer.container == "mov":
        zero = round(demuxer.origin / unit)
        table = [entry.timestamp - zero for entry in stream.index_entries]
        starts = [start for start in table if start >= 0]
        if len(starts) > _FEW:
            return _Sound(starts, 2 * starts[-1] - starts[-2], unit)
    return _regular(demuxer, stream, first)


def _regular(demuxer: Demuxer, stream: Any, first: Packet[Any]) -> _Sound:
    """Return when packets begin that no table lists: where they are all of one length, to the sample."""
    context, unit = stream.codec_context, Fraction(stream.time_base)
    begins, end = demuxer.shown(first), _sound_end(demuxer, stream.index)
    frame = _frame(demuxer, stream)
    if frame:
        to_samples = unit * context.sample_rate
        start = round(begins * to_samples)
        grid = range(start, round(end * to_samples), frame)
        return _Sound(grid, grid[-1] + grid.step, Fraction(1, context.sample_rate), grid)
    return _Sound(range(end), end, unit)
