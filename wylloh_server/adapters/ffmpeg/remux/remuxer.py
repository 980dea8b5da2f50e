"""The port `Remuxer`: segments of films as they are, made in threads of this process."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from fractions import Fraction
from typing import TYPE_CHECKING, TypeVar

from av.error import FFmpegError

from wylloh_server.adapters.ffmpeg.remux.demuxer import Demuxer
from wylloh_server.adapters.ffmpeg.remux.fragments import set_times, write_fragment
from wylloh_server.adapters.ffmpeg.remux.indexer import index_film
from wylloh_server.adapters.ffmpeg.remux.source_file import SourceFile
from wylloh_server.domain.errors import MediaRefused
from wylloh_server.domain.film_index import IndexedAudio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from av.packet import Packet

    from wylloh_server.domain.film_index import FilmIndex, IndexedStream
    from wylloh_server.domain.ports.content import RandomAccess
    from wylloh_server.domain.rendition import Probe

T = TypeVar("T")

_THREADS = 2
"""They share the processor with the loop, and copying packets takes a few milliseconds."""
_IDLE = 16
"""Films that stay open: the table of a long one takes some megabytes."""
_IDLE_SECONDS = 60.0
_BEFORE = Fraction(1)
"""Seconds before a segment of sound at which reading begins where packets of all tracks lie mixed."""


class PacketRemuxer:
    """Copies packets. Films that were used a moment ago stay open, so that the next segment begins at once."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="remux")
        self._idle: OrderedDict[str, list[_OpenFilm]] = OrderedDict()

    async def index(self, source: RandomAccess, probe: Probe) -> FilmIndex:
        """Return the index of a film that was probed.

        Raises:
            MediaRefused: it cannot be read.
            ContentError: likewise.
        """
        return await self._run(lambda loop: _indexed(SourceFile(source, loop), probe))

    async def segment(
        self,
        name: str,
        open_source: Callable[[], Awaitable[RandomAccess]],
        index: FilmIndex,
        stream: IndexedStream,
        number: int,
    ) -> bytes:
        """Return segment `number` of a stream as one fMP4 fragment.

        Args:
            name: what tells this content from any other.
            open_source: opens it.
            index: of the film.
            stream: one of its streams.
            number: counts from 0.

        Raises:
            MediaRefused: the film is another one than its index says.
            ContentError: it cannot be read.
        """
        async with self._opened(name, open_source) as film:
            return await self._run(lambda _: _segment(film.demuxer, index, stream, number))

    async def close(self) -> None:
        """Close what is open. Nothing is asked for afterwards."""
        idle = [film for films in self._idle.values() for film in films]
        self._idle.clear()
        await asyncio.gather(*(film.close() for film in idle))
        await asyncio.to_thread(self._threads.shutdown)

    @asynccontextmanager
    async def _opened(
        self, name: str, open_source: Callable[[], Awaitable[RandomAccess]]
    ) -> AsyncIterator[_OpenFilm]:
        """Take a film that is open already, or open it; keep it open unless something went wrong."""
        film = self._taken(name) or await self._open(await open_source())
        try:
            yield film
        except BaseException:
            await film.close()
            raise
        film.idle_since = asyncio.get_running_loop().time()
        self._idle.setdefault(name, []).append(film)
        self._idle.move_to_end(name)
        await self._close_spare()

    def _taken(self, name: str) -> _OpenFilm | None:
        films = self._idle.get(name)
        film = films.pop() if films else None
        if films is not None and not films:
            del self._idle[name]
        return film

    async def _open(self, source: RandomAccess) -> _OpenFilm:
        try:
            return _OpenFilm(await self._run(lambda loop: Demuxer(SourceFile(source, loop))), source)
        except BaseException:
            await source.close()
            raise

    async def _close_spare(self) -> None:
        """Close the films used longest ago, if they are too many or nobody has used them for a while."""
        now = asyncio.get_running_loop().time()
        while self._idle:
            name, films = next(iter(self._idle.items()))
            count = sum(map(len, self._idle.values()))
            if count <= _IDLE and now - films[0].idle_since < _IDLE_SECONDS:
                return
            film = films.pop(0)
            if not films:
                del self._idle[name]
            await film.close()

    async def _run(self, work: Callable[[asyncio.AbstractEventLoop], T]) -> T:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, work, loop)
        except (FFmpegError, ValueError, IndexError) as error:
            raise MediaRefused(
                f"This film cannot be read as it is: {error}.",
                fix="Let the server look through its folders again, or play another quality.",
            ) from error


class _OpenFilm:
    """A film that is open, and where its bytes come from."""

    def __init__(self, demuxer: Demuxer, source: RandomAccess) -> None:
        self.demuxer = demuxer
        self.idle_since = 0.0
        self._source = source

    async def close(self) -> None:
        self.demuxer.close()
        await self._source.close()


def _indexed(file: SourceFile, probe: Probe) -> FilmIndex:
    demuxer = Demuxer(file)
    try:
        return index_film(demuxer, probe)
    finally:
        demuxer.close()


def _segment(demuxer: Demuxer, index: FilmIndex, stream: IndexedStream, number: int) -> bytes:
    timeline = stream.timeline
    first, until = timeline.cuts[number], timeline.cuts[number + 1]
    last = number == timeline.count - 1
    if isinstance(stream, IndexedAudio):
        found = _sound(demuxer, stream, first, None if last else until)
    else:
        found = _picture(demuxer, stream, first, None if last else until)
    packets, shown = zip(*found, strict=True)
    if number == 0:  # what begins a little later is there from the beginning
        shown = (0, *shown[1:]) if shown[0] == min(shown) else shown
    set_times(packets, shown, until, timeline.unit)
    return write_fragment(demuxer.stream(stream.stream), packets)[1]


def _picture(
    demuxer: Demuxer, stream: IndexedStream, first: int, until: int | None
) -> Iterator[tuple[Packet, int]]:
    """Yield the packets from the key frame at `first` to that at `until`, and when they are shown."""
    begun = False
    for packet in demuxer.packets(stream.stream, first * stream.timeline.unit):
        shown = demuxer.shown(packet)
        begun = begun or bool(packet.is_keyframe and (shown >= first or first == 0))
        if until is not None and packet.is_keyframe and shown >= until:
            return
        if begun:
            yield packet, shown


def _sound(
    demuxer: Demuxer, stream: IndexedAudio, first: int, until: int | None
) -> Iterator[tuple[Packet, int]]:
    """Yield the packets that begin from `first` until before `until`, and when they do."""
    unit = stream.timeline.unit
    for packet in demuxer.packets(stream.stream, max(Fraction(0), first * unit - _BEFORE)):
        begins = _begins(demuxer.shown(packet) * Fraction(packet.time_base) / unit, stream)
        if until is not None and begins >= until:
            return
        if begins >= first:
            yield packet, begins


def _begins(at: Fraction, stream: IndexedAudio) -> int:
    """Return when a packet begins, to the sample: on the grid of packets, unless it lies beside it."""
    if not stream.frame:
        return round(at)
    on_grid = stream.begins + round((at - stream.begins) / stream.frame) * stream.frame
    return on_grid if abs(on_grid - at) * stream.timeline.unit < _COARSE else round(at)


_COARSE = Fraction(2, 1000)
"""Seconds by which a time that was rounded to milliseconds may be off."""
