"""The port `Remuxer`: segments of films as they are, made in threads of this process."""

from __future__ import annotations

import asyncio
import importlib
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

from wylloh_server.adapters.ffmpeg.remux.source_file import SourceFile

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from types import ModuleType

    from wylloh_server.adapters.ffmpeg.remux.demuxer import Demuxer
    from wylloh_server.domain.media_index import IndexedStream, MediaIndex
    from wylloh_server.domain.ports.content import RandomAccess
    from wylloh_server.domain.rendition import Probe

T = TypeVar("T")

_THREADS = 4
"""They share the processor with the loop; a disk that hangs holds up those that read from it."""
_IDLE = 16
"""Films that stay open: the table of a long one takes some megabytes."""
_IDLE_SECONDS = 60.0


class PacketRemuxer:
    """Copies packets. Films that were used a moment ago stay open: the next segment begins at once."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="remux")
        self._idle: OrderedDict[str, list[_OpenFilm]] = OrderedDict()
        self._closing: asyncio.Task[None] | None = None

    async def index(self, source: RandomAccess, probe: Probe) -> MediaIndex:
        """Return the index of a film that was probed.

        Raises:
            MediaRefused: it cannot be read.
            ContentError: likewise.
        """
        return await self._run(lambda loop: _copying().indexed(SourceFile(source, loop), probe))

    async def segment(
        self,
        name: str,
        open_source: Callable[[], Awaitable[RandomAccess]],
        stream: IndexedStream,
        number: int,
    ) -> bytes:
        """Return segment `number` of a stream as one fMP4 fragment.

        Args:
            name: what tells this content from any other.
            open_source: opens it.
            stream: one of its streams.
            number: counts from 0.

        Raises:
            MediaRefused: the film is another one than its index says.
            ContentError: it cannot be read.
        """
        async with self._opened(name, open_source) as film:
            return await self._run(lambda _: _copying().copied_segment(film.demuxer, stream, number))

    async def close(self) -> None:
        """Close what is open. Nothing is asked for afterwards."""
        if self._closing:
            self._closing.cancel()
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
        if self._closing is None or self._closing.done():
            self._closing = asyncio.create_task(self._close_unused())

    def _taken(self, name: str) -> _OpenFilm | None:
        films = self._idle.get(name)
        film = films.pop() if films else None
        if films is not None and not films:
            del self._idle[name]
        return film

    async def _open(self, source: RandomAccess) -> _OpenFilm:
        try:
            demuxer = await self._run(lambda loop: _copying().open_film(SourceFile(source, loop)))
        except BaseException:
            await source.close()
            raise
        return _OpenFilm(demuxer, source)

    async def _close_unused(self) -> None:
        """Close all films in the end: a disk with one that is open cannot be taken out."""
        while self._idle:
            await asyncio.sleep(_IDLE_SECONDS)
            await self._close_spare()

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
        working = loop.run_in_executor(self._threads, work, loop)
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            await asyncio.wait([working])  # what a thread uses must not be closed under it
            raise


def _copying() -> ModuleType:
    """Return the module that copies. It imports PyAV, for which a server that starts has no time."""
    return importlib.import_module("wylloh_server.adapters.ffmpeg.remux.segment_copy")


class _OpenFilm:
    """A film that is open, and where its bytes come from."""

    def __init__(self, demuxer: Demuxer, source: RandomAccess) -> None:
        self.demuxer = demuxer
        self.idle_since = 0.0
        self._source = source

    async def close(self) -> None:
        self.demuxer.close()
        await self._source.close()
