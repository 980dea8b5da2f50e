"""One segment of a stream, copied out of an open film."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeVar

from av.error import FFmpegError

from wylloh_server.adapters.ffmpeg.remux.demuxer import CONTAINERS, Demuxer
from wylloh_server.adapters.ffmpeg.remux.fragments import set_times, write_fragment
from wylloh_server.adapters.ffmpeg.remux.stream_index import index_film
from wylloh_server.domain.errors import MediaRefused
from wylloh_server.domain.media_formats import container_of
from wylloh_server.domain.media_index import IndexedAudio, MediaIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from av.packet import Packet

    from wylloh_server.adapters.ffmpeg.remux.source_file import SourceFile
    from wylloh_server.domain.media_index import IndexedStream
    from wylloh_server.domain.rendition import Probe

T = TypeVar("T")

_BEFORE = Fraction(1)
"""Seconds before a segment of sound at which reading begins where packets of all tracks lie mixed."""
_COARSE = Fraction(2, 1000)
"""Seconds by which a time that was rounded to milliseconds may be off."""


def open_film(file: SourceFile) -> Demuxer:
    """Open a film. Raises MediaRefused."""
    return _readable(lambda: Demuxer(file))


def indexed(file: SourceFile, probe: Probe) -> MediaIndex:
    """Return the index of a film. Raises MediaRefused."""
    if container_of(probe.container) not in CONTAINERS:
        return MediaIndex(Fraction(0), None, (), ("It is of a kind that is not cut.",))
    demuxer = open_film(file)
    try:
        return _readable(lambda: index_film(demuxer, probe))
    finally:
        demuxer.close()


def copied_segment(demuxer: Demuxer, stream: IndexedStream, number: int) -> bytes:
    """Return a segment as one fMP4 fragment. Raises MediaRefused."""
    return _readable(lambda: _segment(demuxer, stream, number))


def _readable(work: Callable[[], T]) -> T:
    try:
        return work()
    except (FFmpegError, ValueError, IndexError) as error:
        raise MediaRefused(
            f"This film cannot be read as it is: {error}.",
            fix="Let the server look through its folders again, or play another quality.",
        ) from error


def _segment(demuxer: Demuxer, stream: IndexedStream, number: int) -> bytes:
    timeline = stream.timeline
    first, until = timeline.cuts[number], timeline.cuts[number + 1]
    limit = None if number == timeline.count - 1 else until
    copied: list[tuple[Packet[Any], int]] = []
    for packet, shown in _from_segment(demuxer, stream, first):
        if limit is not None and shown >= limit and packet.is_keyframe:
            until = shown
            break
        copied.append((packet, shown))
    packets, times = [packet for packet, _ in copied], [shown for _, shown in copied]
    if number == 0 and times[0] == min(times):
        times[0] = 0  # what begins a little later is there from the beginning
    set_times(packets, times, until, timeline.unit)
    return write_fragment(demuxer.stream(stream.stream), packets)[1]


def _from_segment(demuxer: Demuxer, stream: IndexedStream, first: int) -> Iterator[tuple[Packet[Any], int]]:
    """Yield packets, and when they are shown, from the first one of a segment on to the end of the film."""
    unit = stream.timeline.unit
    is_sound, begun = isinstance(stream, IndexedAudio), False
    for packet in demuxer.packets(stream.stream, max(Fraction(0), first * unit - is_sound * _BEFORE)):
        shown = _begins(demuxer.shown(packet) * Fraction(packet.time_base) / unit, stream)
        begun = begun or (packet.is_keyframe and (shown >= first or (first == 0 and not is_sound)))
        if begun:
            yield packet, shown


def _begins(at: Fraction, stream: IndexedStream) -> int:
    """Return when a packet begins; of sound to the sample, on the grid of packets if it lies near it."""
    if not isinstance(stream, IndexedAudio) or not stream.frame:
        return round(at)
    on_grid = stream.begins + round((at - stream.begins) / stream.frame) * stream.frame
    return on_grid if abs(on_grid - at) * stream.timeline.unit < _COARSE else round(at)
