"""One ffmpeg at work on one track, from one segment onward."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import TranscodeFailed
from wylloh_server.domain.ports.media import AudioEncodeJob, VideoEncodeJob
from wylloh_server.services.playback.playback_plan import INIT, VideoRendition
from wylloh_server.services.playback.playlists import key_period
from wylloh_server.services.playback.segment_wishes import WAIT_AHEAD

if TYPE_CHECKING:
    from collections.abc import Callable

    from wylloh_server.domain.ports.content import RandomAccess
    from wylloh_server.domain.ports.crypto import SegmentCipher
    from wylloh_server.domain.ports.media import MediaTools, SegmentStore
    from wylloh_server.services.library.film_sources import FilmSources
    from wylloh_server.services.playback.playback_plan import MadeTrack, PlaybackPlan

_log = logging.getLogger(__name__)

_STRAGGLERS_SECONDS = 10
"""ffmpeg may be gone before its last bytes have been read."""


@dataclass(frozen=True, slots=True)
class TranscodeDependencies:
    """What sessions work with."""

    sources: FilmSources
    media: MediaTools
    store: SegmentStore
    cipher: SegmentCipher


class TranscodeSession:
    """Makes the segments of a track from `first` until the film ends or a segment is there already.

    Args:
        dependencies: what it works with.
        plan: of the film.
        track: what to make.
        first: the number of the first segment to store.
        low_priority: nobody waits for it; it gives way to others.
        on_change: is called after each segment and at the end.
    """

    def __init__(
        self,
        dependencies: TranscodeDependencies,
        plan: PlaybackPlan,
        track: MadeTrack,
        first: int,
        *,
        low_priority: bool,
        on_change: Callable[[], None],
    ) -> None:
        self.plan = plan
        self.track = track
        self.first = first
        self.next = first
        self._overtaking: set[int] = set()
        self.low_priority = low_priority
        self.clients: set[str] = set()
        self.waiting = 0
        self.wanted = first - 1
        """The last segment that a client has asked for."""
        self.started = asyncio.get_running_loop().time()
        self.first_made: float | None = None
        self.cancelled = False
        self._dependencies = dependencies
        self._taking = True
        self._news = asyncio.Event()
        self._on_change = on_change
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._work(), name=f"{track.name} from {first}")
        self._task.add_done_callback(self._ended)

    @property
    def ended(self) -> bool:
        """Return whether it is over, for whatever reason."""
        return self._task.done()

    @property
    def stopping(self) -> bool:
        """Return whether its place is about to be free."""
        return not self._taking

    @property
    def lead(self) -> float:
        """The seconds of film that it is ahead of what its clients have asked for."""
        return (self.next - 1 - self.wanted) * float(self.track.timeline.segment)

    @property
    def failure(self) -> BaseException | None:
        """Why it failed; None while it runs, or when it did not."""
        return self._task.exception() if self._task.done() and not self._task.cancelled() else None

    def makes(self, plan: PlaybackPlan, track: MadeTrack) -> bool:
        """Return whether it works on this track of this film."""
        return self.plan.store == plan.store and self.track.name == track.name

    def will_make(self, number: int | None) -> bool:
        """Whether it will make a segment soon; None means the init segment, which every session makes."""
        if self.ended or not self._taking:
            return False
        return number is None or self.next <= number < self.next + WAIT_AHEAD

    async def wait_for_progress(self) -> None:
        """Wait for the next segment, or the end.

        Raises:
            WyllohError: the session has failed.
        """
        if not self.ended:
            await self._news.wait()
        # A session that failed may still be ending its ffmpeg; who waits must not start another.
        if self._over.done() and (error := self._over.exception()):
            raise error
        if self.ended:
            await self.result()

    async def result(self) -> None:
        """Wait for the end. A session that had to give way ends without an error.

        Raises:
            WyllohError: the session has failed.
        """
        await asyncio.wait([self._task])
        self._task.result()

    async def stop(self, *, cancel: bool = False) -> None:
        """End it now, in good order. What it was in the middle of is not stored."""
        self.cancelled = self.cancelled or cancel
        self.begin_stop()
        await asyncio.wait([self._task])

    def begin_stop(self) -> None:
        """Have it end soon; `ended` tells when."""
        self._taking = False
        self._finish()

    async def _work(self) -> None:
        source = _Watched(await self._dependencies.sources.open(self.plan.film), self._fail)
        try:
            if not self._over.done():
                await self._encode(source)
        finally:
            self._taking = False
            await source.close()

    async def _encode(self, source: RandomAccess) -> None:
        encoding = self._dependencies.media.encode(source, self._take, self.plan.probe, self._order())
        async with encoding as wait:
            finished = asyncio.ensure_future(wait())
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

    def _order(self) -> VideoEncodeJob | AudioEncodeJob:
        track, first = self.track, self.first
        if isinstance(track, VideoRendition):
            return VideoEncodeJob(track.rendition, track.timeline, first, self.low_priority)
        return AudioEncodeJob(track.audio, track.timeline, first, self.low_priority)

    async def _stragglers(self) -> None:
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
                await self._put(name, data)
            elif (number := int(name.partition(".")[0])) >= self.first:
                await self._keep(number, name, data)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told to those who wait
            self._fail(error)
        self._tell()

    async def _keep(self, number: int, name: str, data: bytes) -> None:
        plan, track, cipher = self.plan, self.track.name, self._dependencies.cipher
        sealed = cipher.encrypt(data, cipher.key_for(plan.store, track, key_period(number)), number)
        await self._put(name, sealed)
        self._note(number)
        if f"{self.next}.m4s" in await self._dependencies.store.names(plan.store, track):
            self._finish()

    async def _put(self, name: str, data: bytes) -> None:
        store = self._dependencies.store
        await store.put(self.plan.store, self.track.name, name, data, ahead=self.low_priority)

    def _note(self, number: int) -> None:
        """Move `next` on to the first segment not stored yet; one may overtake another on its way here."""
        self._overtaking.add(number)
        if self.first_made is None:
            self.first_made = asyncio.get_running_loop().time()
        while self.next in self._overtaking:
            self._overtaking.remove(self.next)
            self.next += 1

    def _finish(self) -> None:
        if not self._over.done():
            self._over.set_result(None)

    def _fail(self, error: Exception) -> None:
        self._taking = False
        if not self._over.done():
            self._over.set_exception(error)
            self._over.exception()  # retrieved: the session may be stopped before it looks

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            _log.warning("%s of %s: %s", self.track.name, self.plan.film.id, error)
        self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()
        self._on_change()


class _Watched:
    """A source whose first failure ends the session: ffmpeg would take it for the end of the film."""

    def __init__(self, source: RandomAccess, on_failure: Callable[[Exception], None]) -> None:
        self.size = source.size
        self.close = source.close
        self._source = source
        self._on_failure = on_failure

    async def read(self, offset: int, length: int) -> bytes:
        try:
            return await self._source.read(offset, length)
        except Exception as error:
            self._on_failure(error)
            raise
