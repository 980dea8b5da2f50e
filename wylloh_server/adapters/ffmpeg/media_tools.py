"""The port `MediaTools`: commands run as processes, which read and write over the loopback."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from wylloh_server.adapters.ffmpeg.command import (
    MediaRoute,
    StillShape,
    picture_command,
    picture_file_command,
    sound_command,
    still_command,
    subtitles_command,
    trailer_command,
)
from wylloh_server.adapters.ffmpeg.joined_streams import JoinedStream, clock_jumps
from wylloh_server.adapters.ffmpeg.prober import probe_film
from wylloh_server.adapters.ffmpeg.process import running
from wylloh_server.adapters.ffmpeg.progress_watch import WatchedEncoding
from wylloh_server.domain.errors import InvalidValue, TranscodeFailed
from wylloh_server.domain.ports.media import VideoEncodeJob
from wylloh_server.domain.trailer import TRAILER_BYTES
from wylloh_server.domain.types import Seconds
from wylloh_server.domain.webvtt import webvtt_from

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from wylloh_server.adapters.ffmpeg.child_sandbox import ChildSandbox
    from wylloh_server.adapters.ffmpeg.locate import Ffmpeg
    from wylloh_server.adapters.ffmpeg.loopback import LoopbackMediaServer
    from wylloh_server.domain.ports.content import RandomAccess
    from wylloh_server.domain.ports.media import AudioEncodeJob, SegmentSink
    from wylloh_server.domain.rendition import Probe, SubtitleTrack

_PICTURE_SECONDS = 60
_TEXT_SECONDS = 15 * 60
_TRAILER_SECONDS = 3600
_PICTURE_BYTES = 8 << 20
_TEXT_BYTES = 4 << 20
_MOST_THREADS = 8
_STILL_PLACES = (0.2, 0.35, 0.5, 0.1, 0.7, 0.03)
"""Shares of a film's length where its poster is looked for, the best first."""
_RECIPE = 2
"""Counted up when a command changes so that its segments no longer join older ones."""


class FfmpegMediaTools:
    """Probes with PyAV, and makes renditions, stills and subtitles with ffmpeg.

    Args:
        loopback: an open server, through which the processes read and write.
        tool: the ffmpeg to use.
        threads: for decoding and for encoding, each; 0 means one for each processor, at most eight.
        sandbox: how the processes are confined; None is as in `running`.
    """

    def __init__(
        self,
        loopback: LoopbackMediaServer,
        tool: Ffmpeg,
        *,
        threads: int = 0,
        sandbox: ChildSandbox | None = None,
    ) -> None:
        self._loopback = loopback
        self._running = partial(running, sandbox=sandbox)
        self._sandbox = sandbox
        self._tool = tool
        self._threads = threads or min(_MOST_THREADS, os.cpu_count() or 1)

    @property
    def identity(self) -> str:
        """Name the ffmpeg version and the recipe."""
        return f"{self._tool.version}/{_RECIPE}"

    async def probe(self, source: RandomAccess) -> Probe:
        """Read what is inside a film; decodes its beginning. Raises MediaRefused."""
        probe = await self._probe(source)
        jumps = await clock_jumps(source) if probe.container == "mpegts" else ()
        if not jumps:
            return probe
        return replace(await self._probe(JoinedStream(source, jumps)), clock_jumps=jumps)

    async def _probe(self, source: RandomAccess) -> Probe:
        watched = WatchedEncoding(source)
        async with self._loopback.serve(watched) as url:
            return await probe_film(url, self._tool, self._sandbox, watched)

    @asynccontextmanager
    async def encode(
        self, source: RandomAccess, sink: SegmentSink, probe: Probe, order: VideoEncodeJob | AudioEncodeJob
    ) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """Start an encoding and return what waits for its end; leaving the context ends it."""
        encoding = WatchedEncoding(_whole(source, probe), sink)
        async with self._loopback.serve(encoding) as film, self._loopback.accept(encoding.take) as made:
            route = MediaRoute(film, made, self._threads)
            if isinstance(order, VideoEncodeJob):
                argv = picture_command(self._tool, route, probe, order)
            else:
                argv = sound_command(self._tool, route, order)
            async with self._running(argv, source=film, low_priority=order.low_priority) as process:
                encoding.begin(process)
                yield encoding.wait

    async def still(self, source: RandomAccess, probe: Probe, width: int, *, upright: bool = False) -> bytes:
        """Take a picture as JPEG, not a dark one unless all are. Raises TranscodeFailed."""
        shape = StillShape(width, upright=upright)
        end = probe.video.last or probe.duration
        for share in _STILL_PLACES:
            with suppress(TranscodeFailed):
                if data := await self._still(source, probe, Seconds(share * end), shape):
                    return data
        data = await self._still(source, probe, Seconds(0), shape, black=True)
        if not data:
            raise TranscodeFailed("no picture of this film can be taken", fix="Choose a poster yourself.")
        return data

    async def _still(
        self, source: RandomAccess, probe: Probe, at: Seconds, shape: StillShape, *, black: bool = False
    ) -> bytes:
        def command(url: str) -> list[str]:
            return still_command(self._tool, url, probe, at, shape, black=black)

        return await self._picture(_whole(source, probe), command)

    async def jpeg(self, source: RandomAccess, width: int) -> bytes:
        """Read a picture file and give it as JPEG.

        Raises:
            TranscodeFailed: it is none, is damaged or has too many pixels, or took longer than a minute.
        """
        data = await self._picture(source, lambda url: picture_file_command(self._tool, url, width))
        if not data:
            raise TranscodeFailed("there is no picture in this file", fix="Choose another picture.")
        return data

    async def trailer(
        self, source: RandomAccess, probe: Probe, write: Callable[[bytes], Awaitable[None]]
    ) -> None:
        """Write a short film as MP4 that browsers play. Raises TranscodeFailed, also after an hour."""

        def command(url: str) -> list[str]:
            return trailer_command(self._tool, url, probe, self._threads)

        await self._write_output(_whole(source, probe), command, write, TRAILER_BYTES, _TRAILER_SECONDS)

    async def subtitles(self, source: RandomAccess, track: SubtitleTrack) -> str:
        """Take one embedded text track as WebVTT. Raises TranscodeFailed, also after a quarter of an hour."""

        def command(url: str) -> list[str]:
            return subtitles_command(self._tool, url, track)

        data = await self._output(source, command, _TEXT_BYTES, _TEXT_SECONDS)
        try:
            return await asyncio.to_thread(webvtt_from, data.decode(errors="replace"))
        except InvalidValue as error:
            raise TranscodeFailed(str(error), fix="Leave this track out.") from error

    async def _picture(self, source: RandomAccess, command: Callable[[str], list[str]]) -> bytes:
        return await self._output(source, command, _PICTURE_BYTES, _PICTURE_SECONDS)

    async def _output(
        self, source: RandomAccess, command: Callable[[str], list[str]], limit: int, seconds: float
    ) -> bytes:
        data = bytearray()

        async def add(piece: bytes) -> None:
            data.extend(piece)

        await self._write_output(source, command, add, limit, seconds)
        return bytes(data)

    async def _write_output(
        self,
        source: RandomAccess,
        command: Callable[[str], list[str]],
        write: Callable[[bytes], Awaitable[None]],
        limit: int,
        seconds: float,
    ) -> None:
        """Write what a command says on stdout. Raise TranscodeFailed if it stands still or takes too long."""
        encoding = WatchedEncoding(source, lambda _, piece: write(piece))
        async with self._loopback.serve(encoding) as url:
            running = self._running(command(url), source=url, low_priority=True)
            async with running as process, _time_limit(seconds):
                encoding.begin(process)
                await encoding.watch(_hand_on(process.pieces(limit), encoding))


async def _hand_on(pieces: AsyncIterator[bytes], encoding: WatchedEncoding) -> None:
    async for piece in pieces:
        await encoding.take("", piece)


@asynccontextmanager
async def _time_limit(seconds: float) -> AsyncIterator[None]:
    """Raise TranscodeFailed when what is done inside is not done in time."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise TranscodeFailed(
            f"ffmpeg was not done after {seconds:.0f} s", fix="Try again when the machine is less busy."
        ) from error


def _whole(source: RandomAccess, probe: Probe) -> RandomAccess:
    """Return the film, all recordings of it where several were joined."""
    return JoinedStream(source, probe.clock_jumps) if probe.clock_jumps else source
