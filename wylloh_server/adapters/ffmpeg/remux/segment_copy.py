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
_HOLE = Fraction(1, 5)
"""Seconds from which on nothing is stretched over what is missing."""
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
    except OSError as error:  # of the disk
        raise MediaRefused(
            f"The film's file cannot be read: {error.strerror or error}.",
            fix="Look whether its disk is there and healthy.",
        ) from error


def _segment(demuxer: Demuxer, stream: IndexedStream, number: int) -> bytes:
    timeline = stream.timeline
    is_last = number == timeline.count - 1
    first, until = timeline.cuts[number], timeline.cuts[number + 1]
    copied, end = _copied(demuxer, stream, first, None if is_last else until)
    packets, times = [packet for packet, _ in copied], [shown for _, shown in copied]
    if number == 0 and times[0] == min(times):
        times[0] = 0  # what begins a little later is there from the beginning
    set_times(packets, times, until if end is None else end, timeline.unit)
    return write_fragment(demuxer.stream(stream.stream), packets)[1]


def _copied(
    demuxer: Demuxer, stream: IndexedStream, first: int, limit: int | None
) -> tuple[list[tuple[Packet[Any], int]], int | None]:
    """Return the packets of a segment with when they are shown, and when what follows them is.

    Where a track has a hole as long as the segment, the packet nearest to it stands in: players stop at a
    segment without any.
    """
    copied: list[tuple[Packet[Any], int]] = []
    nearest = None
    for packet, shown in _from(demuxer, stream, first):
        if limit is not None and shown >= limit and packet.is_keyframe:
            follows = shown if (shown - limit) * stream.timeline.unit < _HOLE else limit
            return copied or [(nearest or packet, first)], follows
        if copied or _begins(packet, shown, stream, first):
            copied.append((packet, shown))
        else:
            nearest = packet
    return copied or ([(nearest, first)] if nearest else []), None


def _from(demuxer: Demuxer, stream: IndexedStream, first: int) -> Iterator[tuple[Packet[Any], int]]:
    """Yield packets from before a segment on, and when they are shown, in ticks."""
    unit = stream.timeline.unit
    before = _BEFORE if isinstance(stream, IndexedAudio) else Fraction(0)
    for packet in demuxer.packets(stream.stream, max(Fraction(0), first * unit - before)):
        yield packet, _shown(demuxer.shown(packet) * Fraction(packet.time_base) / unit, stream)


def _begins(packet: Packet[Any], shown: int, stream: IndexedStream, first: int) -> bool:
    is_beginning = first == 0 and not isinstance(stream, IndexedAudio)
    return bool(packet.is_keyframe) and (shown >= first or is_beginning)


def _shown(at: Fraction, stream: IndexedStream) -> int:
    """Return when a packet is shown; of sound to the sample, on the grid of packets if it lies near it."""
    if not isinstance(stream, IndexedAudio) or not stream.frame:
        return round(at)
    on_grid = stream.begins + round((at - stream.begins) / stream.frame) * stream.frame
    return on_grid if abs(on_grid - at) * stream.timeline.unit < _COARSE else round(at)
