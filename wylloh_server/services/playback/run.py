"""One ffmpeg at work on one track, from one segment onward."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import TranscodeFailed
from wylloh_server.domain.ports.media import PictureOrder, SoundOrder
from wylloh_server.services.playback.plan import INIT, PictureTrack
from wylloh_server.services.playback.playlists import period_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from wylloh_server.domain.ports.content import RandomAccess
    from wylloh_server.domain.ports.crypto import SegmentCipher
    from wylloh_server.domain.ports.media import Encoder, MediaDoor, SegmentStore
    from wylloh_server.services.playback.plan import MadeTrack, Plan
    from wylloh_server.services.sources import FilmSources

_log = logging.getLogger(__name__)

_AHEAD = 4
"""A run is waited for when it will come to the wanted segment within this many; else another is started."""
_STRAGGLERS_SECONDS = 10
"""ffmpeg may be gone before its last bytes have been read."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What runs work with."""

    sources: FilmSources
    door: MediaDoor
    encoder: Encoder
    store: SegmentStore
    cipher: SegmentCipher


class Run:
    """Makes the segments of a track from `first` until the film ends or a segment is there already.

    Args:
        tools: what it works with.
        plan: of the film.
        track: what to make.
        first: the number of the first segment to store.
        patient: nobody waits for it; it gives way to others.
    """

    def __init__(self, tools: Tools, plan: Plan, track: MadeTrack, first: int, *, patient: bool) -> None:
        self.plan = plan
        self.track = track
        self.first = first
        self.next = first
        self._overtaking: set[int] = set()
        self.patient = patient
        self.clients: set[str] = set()
        self.waiting = 0
        self.wanted_at = 0.0
        self.abandoned = False
        self.superseded = False
        self.successor = ""
        self._tools = tools
        self._taking = True
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._over: asyncio.Future[None] | None = None

    def start(self, on_change: Callable[[], None]) -> None:
        """Begin. `on_change` is called after each segment and at the end."""
        self._over = asyncio.get_running_loop().create_future()
        self._on_change = on_change
        self._task = asyncio.create_task(self._work(), name=f"{self.track.name} from {self.first}")
        self._task.add_done_callback(self._ended)

    @property
    def _is_over(self) -> bool:
        return self._over is not None and self._over.done()

    @property
    def ended(self) -> bool:
        """Say whether it is over, for whatever reason."""
        return self._task is not None and self._task.done()

    def makes(self, plan: Plan, track: MadeTrack) -> bool:
        """Say whether it works on this track of this film."""
        return self.plan.store == plan.store and self.track.name == track.name

    def comes_to(self, number: int | None) -> bool:
        """Say whether it will make a segment soon; None means the init segment, which every run makes."""
        if self.ended or not self._taking:
            return False
        return number is None or self.next <= number < self.next + _AHEAD

    async def news(self) -> None:
        """Wait for the next segment, or the end.

        Raises:
            WyllohError: the run has failed.
        """
        if not self.ended:
            await self._news.wait()
        # A run that failed may still be ending its ffmpeg; who waits must not start another.
        if self._over is not None and self._over.done() and (error := self._over.exception()):
            raise error
        if self.ended:
            await self.result()

    async def result(self) -> None:
        """Wait for the end. A run that had to give way ends without an error.

        Raises:
            WyllohError: the run has failed.
        """
        assert self._task is not None  # noqa: S101 - for the type checker: started
        await asyncio.wait([self._task])
        self._task.result()

    async def stop(self, *, abandon: bool = False) -> None:
        """End it now, in good order. What it was in the middle of is not stored."""
        assert self._task is not None  # noqa: S101 - for the type checker: started
        self.abandoned = self.abandoned or abandon
        self._taking = False
        self._finish()
        await asyncio.wait([self._task])

    async def _work(self) -> None:
        tools = self._tools
        source = _Watched(await tools.sources.open(self.plan.film), self._fail)
        try:
            if self._is_over:
                return
            async with tools.door.lend(source) as film, tools.door.receive(self._take) as made:
                await self._encode(film, made)
        finally:
            self._taking = False
            await source.close()

    async def _encode(self, film: str, made: str) -> None:
        assert self._over is not None  # noqa: S101 - for the type checker: started
        async with self._tools.encoder.encode(film, made, self.plan.probe, self._order()) as encoding:
            finished = asyncio.create_task(encoding.wait())
            try:
                await asyncio.wait([finished, self._over], return_when=asyncio.FIRST_COMPLETED)
                if not self._over.done():
                    await finished
                    await self._stragglers()
            finally:
                # Before ffmpeg is ended: the segment it then hands over is too short.
                self._taking = False
                finished.cancel()
                await asyncio.gather(finished, return_exceptions=True)
        if self._over.done():
            self._over.result()

    def _order(self) -> PictureOrder | SoundOrder:
        track, first = self.track, self.first
        if isinstance(track, PictureTrack):
            return PictureOrder(track.rendition, track.timeline, first, self.patient)
        return SoundOrder(track.audio, track.timeline, first, self.patient)

    async def _stragglers(self) -> None:
        assert self._over is not None  # noqa: S101 - for the type checker: started
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STRAGGLERS_SECONDS):
                while self.next < self.track.timeline.count and not self._over.done():
                    await self._news.wait()
        if self.next < self.track.timeline.count and not self._over.done():
            raise TranscodeFailed(
                f"ffmpeg made {self.next} of {self.track.timeline.count} segments of {self.track.name}",
                fix="Play the film in another player; if that works, report this message.",
            )

    async def _take(self, name: str, data: bytes) -> None:
        """Store one file from ffmpeg: the init segment as it is, all others encrypted."""
        if not self._taking:
            return
        try:
            if name == INIT:
                await self._tools.store.put(self.plan.store, self.track.name, name, data)
            elif (number := int(name.partition(".")[0])) >= self.first:
                await self._keep(number, name, data)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told to those who wait
            self._fail(error)
        self._tell()

    async def _keep(self, number: int, name: str, data: bytes) -> None:
        plan, track, cipher = self.plan, self.track.name, self._tools.cipher
        sealed = cipher.encrypt(data, cipher.key_for(plan.store, track, period_of(number)), number)
        await self._tools.store.put(plan.store, track, name, sealed)
        self._note(number)
        if f"{self.next}.m4s" in await self._tools.store.names(plan.store, track):
            self._finish()

    def _note(self, number: int) -> None:
        """Move `next` on to the first segment not stored yet; one may overtake another on its way here."""
        self._overtaking.add(number)
        while self.next in self._overtaking:
            self._overtaking.remove(self.next)
            self.next += 1

    def _finish(self) -> None:
        if self._over is not None and not self._over.done():
            self._over.set_result(None)

    def _fail(self, error: Exception) -> None:
        self._taking = False
        if self._over is not None and not self._over.done():
            self._over.set_exception(error)
            self._over.exception()  # retrieved: the run may be stopped before it looks

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            _log.warning("%s of %s: %s", self.track.name, self.plan.film.id, error)
        self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()
        self._on_change()


class _Watched:
    """A source whose first failure ends the run: ffmpeg would take it for the end of the film."""

    def __init__(self, source: RandomAccess, on_failure: Callable[[Exception], None]) -> None:
        self._source = source
        self._on_failure = on_failure

    @property
    def size(self) -> int:
        return self._source.size

    async def read(self, offset: int, length: int) -> bytes:
        try:
            return await self._source.read(offset, length)
        except Exception as error:
            self._on_failure(error)
            raise

    async def close(self) -> None:
        await self._source.close()
