"""The port `Encoder`: commands run as processes."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from wylloh_server.adapters.ffmpeg.command import (
    Route,
    picture_command,
    picture_file_command,
    sound_command,
    still_command,
    subtitles_command,
)
from wylloh_server.adapters.ffmpeg.process import running
from wylloh_server.domain.errors import TranscodeFailed
from wylloh_server.domain.ports.media import PictureOrder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wylloh_server.adapters.ffmpeg.process import RunningProcess
    from wylloh_server.adapters.ffmpeg.resolve import Ffmpeg
    from wylloh_server.domain.ports.media import SoundOrder
    from wylloh_server.domain.rendition import Probe
    from wylloh_server.domain.types import Seconds

_STILL_SECONDS = 60
_TEXT_SECONDS = 15 * 60
_STILL_BYTES = 8 << 20
_TEXT_BYTES = 4 << 20
_MOST_THREADS = 8
_RECIPE = 1
"""Counted up when a command changes so that its segments no longer join older ones."""


class FfmpegEncoder:
    """Makes renditions, stills and subtitles.

    Args:
        tool: the ffmpeg to use.
        threads: for decoding and for encoding, each; 0 means one for each processor, at most eight.
    """

    def __init__(self, tool: Ffmpeg, *, threads: int = 0) -> None:
        self._tool = tool
        self._threads = threads or min(_MOST_THREADS, os.cpu_count() or 1)

    @property
    def identity(self) -> str:
        """Name the ffmpeg version and the recipe."""
        return f"{self._tool.version}/{_RECIPE}"

    @asynccontextmanager
    async def encode(
        self, source: str, target: str, probe: Probe, order: PictureOrder | SoundOrder
    ) -> AsyncIterator[RunningProcess]:
        """Start an encoding from one door URL to another; leaving the context ends it."""
        route = Route(source, target, self._threads)
        if isinstance(order, PictureOrder):
            argv = picture_command(self._tool, route, probe, order)
        else:
            argv = sound_command(self._tool, route, order)
        async with running(argv, patient=order.patient) as process:
            yield process

    async def still(self, source: str, at: Seconds, width: int) -> bytes:
        """Take one picture as JPEG, `width` pixels wide.

        Raises:
            TranscodeFailed: there is no picture there, or it took longer than a minute.
        """
        data = await self._output(still_command(self._tool, source, at, width), _STILL_BYTES, _STILL_SECONDS)
        if not data:
            raise TranscodeFailed(f"there is no picture at {at:.1f} s", fix="Take an earlier one.")
        return data

    async def jpeg(self, source: str, width: int) -> bytes:
        """Read a JPEG, PNG or WebP picture and give it as JPEG, at most `width` pixels wide.

        Raises:
            TranscodeFailed: it is none, is damaged or has too many pixels, or took longer than a minute.
        """
        command = picture_file_command(self._tool, source, width)
        data = await self._output(command, _STILL_BYTES, _STILL_SECONDS)
        if not data:
            raise TranscodeFailed("there is no picture in this file", fix="Choose another picture.")
        return data

    async def subtitles(self, source: str, index: int) -> str:
        """Take one embedded text track as WebVTT. Reads the whole film.

        Raises:
            TranscodeFailed: the track cannot be read, or it took longer than a quarter of an hour.
        """
        data = await self._output(subtitles_command(self._tool, source, index), _TEXT_BYTES, _TEXT_SECONDS)
        return data.decode(errors="replace")

    async def _output(self, argv: list[str], limit: int, seconds: float) -> bytes:
        async with running(argv, patient=True) as process:
            try:
                async with asyncio.timeout(seconds):
                    return await process.output(limit)
            except TimeoutError as error:
                raise TranscodeFailed(
                    f"ffmpeg was not done after {seconds:.0f} s",
                    fix="Try again when the machine is less busy.",
                ) from error
