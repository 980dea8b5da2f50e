"""Whether an encoder goes on: one that was stopped, or waits for nothing, is noticed and given up."""

from __future__ import annotations

import asyncio
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from wylloh_server.domain.errors import TranscodeFailed

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from wylloh_server.adapters.ffmpeg.process import RunningProcess
    from wylloh_server.domain.ports.content import RandomAccess
    from wylloh_server.domain.ports.media import SegmentSink

T = TypeVar("T")

SILENT_SECONDS = 10.0
"""Without a byte read, a segment made or the processor used."""
_BUSY_SECONDS = 60.0
"""Without a byte read or a segment made, however busy: it turns in circles."""
_LOOKS = 10
_LEAST_WORK = 0.02
"""Seconds of processor between two looks from which on it counts as being at work."""


class WatchedEncoding:
    """One encoder, with what it reads and what it makes.

    Args:
        source: what it reads.
        sink: takes what it makes; None for one that only looks into the source. Time that these two take is
            not the encoder's.
    """

    def __init__(self, source: RandomAccess, sink: SegmentSink | None = None) -> None:
        self.size = source.size
        self.close = source.close
        self._source = source
        self._sink = sink
        self._waits_for_us = 0
        self._progressed = self._alive = 0.0
        self._worked = 0.0
        self._process: RunningProcess | None = None

    @property
    def pid(self) -> int:
        """The encoder's process id."""
        return self._process.pid if self._process else 0

    def begin(self, process: RunningProcess) -> None:
        """Watch this process from now on."""
        self._process = process
        self._note()

    async def read(self, offset: int, length: int) -> bytes:
        """Read from the source."""
        with self._waited_for():
            return await self._source.read(offset, length)

    async def take(self, name: str, data: bytes) -> None:
        """Hand on what was made."""
        assert self._sink is not None  # noqa: S101 - for the type checker: whoever makes something has one
        with self._waited_for():
            await self._sink(name, data)

    @contextmanager
    def _waited_for(self) -> Iterator[None]:
        self._waits_for_us += 1
        try:
            yield
        finally:
            self._waits_for_us -= 1
            self._note()

    async def wait(self) -> None:
        """Wait until the encoder has finished.

        Raises:
            TranscodeFailed: it failed, or no longer goes on.
        """
        assert self._process is not None  # noqa: S101 - for the type checker: begun before anybody waits
        await self.watch(self._process.wait())

    async def watch(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what comes of some work that ends with the encoder. Raises as `wait`, and what it raises."""
        finished = asyncio.ensure_future(work)
        try:
            while not finished.done():
                await asyncio.wait([finished], timeout=SILENT_SECONDS / _LOOKS)
                self._check_alive(finished)
            return await finished
        finally:
            finished.cancel()
            await asyncio.gather(finished, return_exceptions=True)

    def _check_alive(self, finished: asyncio.Future[Any]) -> None:
        now = asyncio.get_running_loop().time()
        if self._waits_for_us or finished.done():
            self._note()
            return
        worked = processor_seconds(self.pid)
        if worked is None or worked - self._worked >= _LEAST_WORK:
            self._alive = now
            self._worked = worked or 0.0
        if now - self._alive >= SILENT_SECONDS or now - self._progressed >= _BUSY_SECONDS:
            raise TranscodeFailed(
                f"ffmpeg has not gone on for {now - self._progressed:.0f} s",
                fix="Try again. If it stays so, run `wylloh doctor`.",
            )

    def _note(self) -> None:
        self._progressed = self._alive = asyncio.get_running_loop().time()


def processor_seconds(pid: int) -> float | None:
    """Return how much of the processor a process has used; None where nobody tells. See proc(5)."""
    try:
        fields = (
            Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        )
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / float(os.sysconf("SC_CLK_TCK"))
