"""Which sessions are at work: what a viewer waits for comes first, the rest is made when there is room."""

from __future__ import annotations

import asyncio
import os
from contextlib import contextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import AccessRefused, RetryLater, TranscodeFailed, WyllohError
from wylloh_server.services.playback.encoder_failures import EncoderFailures
from wylloh_server.services.playback.playback_plan import INIT
from wylloh_server.services.playback.preparation import PreparationTimes
from wylloh_server.services.playback.segment_wishes import (
    PlaybackBuffers,
    SegmentWish,
    WishQueue,
    client_kind,
)
from wylloh_server.services.playback.transcode_session import TranscodeSession

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wylloh_server.domain.types import FilmId, Seconds
    from wylloh_server.services.playback.playback_plan import MadeTrack, PlaybackPlan
    from wylloh_server.services.playback.segment_wishes import ClientKind
    from wylloh_server.services.playback.transcode_session import TranscodeDependencies

_WAIT_AHEAD_OF_FILLING = 2
"""Segments ahead of a low-priority session within which a viewer waits for it; otherwise it is replaced."""
_SPARE = 6.0
"""Seconds that the viewers of a session must have more than another viewer who takes its place."""
_MOST_AHEAD = 120.0
"""Seconds of film that a session works ahead of its viewers: they may never watch them."""
_LOOK_AHEAD = 20.0
"""Seconds before what is made runs out at which the next session is wished."""
_TURN = 10.0
"""Seconds after which a wish takes the place of a session that is no faster than its own viewer."""
_LOOKS = 1.0
"""Seconds between two looks of a queued wish: viewers use up what they have meanwhile, and turns end."""


def encoder_places() -> int:
    """Return how many encoders work at once: one for each processor this process may use, at least two."""
    try:
        return max(2, len(os.sched_getaffinity(0)))
    except AttributeError:  # not on this system
        return max(2, os.cpu_count() or 1)


class TranscodeManager:
    """Hands out the files of tracks, having them made when they are missing.

    A client (one lease) has at most one session for video and one for audio. A session without clients ends,
    unless it has low priority. Wishes are granted in order of need: who has least left to watch comes first.
    A place that somebody waits for is taken from filling first, then from the session that is needed least.

    Args:
        dependencies: what sessions work with.
        processes: how many ffmpegs may run at once; 0 follows the processors.
    """

    def __init__(self, dependencies: TranscodeDependencies, *, processes: int = 0) -> None:
        self._dependencies = dependencies
        self._processes = processes or encoder_places()
        self._sessions: list[TranscodeSession] = []
        self._wishes = WishQueue()
        self._requests = count()
        self._buffers = PlaybackBuffers()
        self._failures = EncoderFailures()
        self._times = PreparationTimes()
        self._ahead: dict[ClientKind, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()
        self._closed = False

    async def file(self, client: str, plan: PlaybackPlan, track: MadeTrack, name: str) -> bytes:
        """Return `init.mp4` unencrypted or `<n>.m4s` encrypted, as soon as it is made.

        Args:
            client: who wants it.
            plan: of the film.
            track: one of the plan's.
            name: one of the track's files.

        Raises:
            AccessRefused: the film was cancelled, or the client has left.
            RetryLater: the same client now waits for another place in it.
            TranscodeUnavailable: its encoder failed again and again.
            WyllohError: it cannot be made.
        """
        number = None if name == INIT else int(name.partition(".")[0])
        data = await self._dependencies.store.get(plan.store, track.name, name)
        if data is None:
            with self._times.waiting(client):
                data = await self._made(client, plan, track, name, number)
        if number is not None:
            self._note_given(client, plan, track, number)
        return data

    async def prepare(self, client: str, plan: PlaybackPlan, track: MadeTrack, number: int) -> None:
        """Begin with a segment that will be wanted soon, unless it is there or the client already waits.

        Raises:
            AccessRefused: the film was cancelled, or the client has left.
            TranscodeFailed: it cannot be made.
        """
        if f"{number}.m4s" not in await self._dependencies.store.names(plan.store, track.name):
            with suppress(RetryLater):  # the player has asked for another place itself
                await self._begin_ahead(client, plan, track, number)

    async def fill(self, plan: PlaybackPlan) -> None:
        """Make every segment that is missing, when nobody waits for anything else.

        Returns early when the film was left for good.

        Raises:
            WyllohError: a track cannot be made.
        """
        begin_at = dict.fromkeys((track.name for track in plan.in_order), 0)
        todo = list(plan.in_order)
        while todo:
            track = next((track for track in todo if not self._at_work(plan, track)), todo[0])
            number = await self._missing(plan, track, begin_at[track.name])
            if number is None:
                todo.remove(track)
                continue
            if self._busy() or self._at_work(plan, track):
                await self._changed.wait()
                continue
            session = self._start(plan, track, number, low_priority=True)
            try:
                await session.result()
            except asyncio.CancelledError:
                # Nobody fills any more; somebody may have begun to watch what it makes.
                if session.low_priority:
                    await session.stop()
                raise
            if session.cancelled:
                return
            # Never back: in a store that is too small, what was made may be gone again.
            begin_at[track.name] = session.next

    async def made(self, plan: PlaybackPlan) -> tuple[int, int]:
        """Count the segments of a film that are made, and all there can be."""
        there = [await self._dependencies.store.names(plan.store, track.name) for track in plan.in_order]
        total = sum(track.timeline.count for track in plan.in_order)
        return sum(name != INIT for names in there for name in names), total

    def preparing(self, client: str) -> Seconds | None:
        """Return about how long a client will wait for what it waits for; None when it waits for nothing."""
        queued = any(wish.client == client and not wish.granted.done() for wish in self._wishes.all)
        return self._times.left(client, queued=queued)

    async def detach(self, client: str) -> None:
        """Take a client off its sessions."""
        self._wishes.refuse(lambda wish: wish.client == client, _no_longer_played())
        for key, task in self._ahead.items():
            if key[0] == client:
                task.cancel()
        self._wishes.forget(client)
        self._buffers.forget(client)
        await self._end(self._detached(client, None))

    async def cancel(self, film: FilmId) -> None:
        """End everything that is being made of a film, for good."""
        self._wishes.refuse(lambda wish: wish.plan.film.id == film, _no_longer_played())
        ending = [session for session in self._sessions if session.plan.film.id == film]
        await asyncio.gather(*(session.stop(cancel=True) for session in ending))

    async def close(self) -> None:
        """End all sessions; nothing is started afterwards."""
        self._closed = True
        for task in self._ahead.values():
            task.cancel()
        await asyncio.gather(*(session.stop(cancel=True) for session in self._sessions))
        self._schedule()

    async def _made(
        self, client: str, plan: PlaybackPlan, track: MadeTrack, name: str, number: int | None
    ) -> bytes:
        data, request = None, next(self._requests)
        while data is None:
            wish = self._wish(client, plan, track, number, request=request, waits=True)
            session = await self._session_for(wish)
            try:
                with _waiting(session):
                    data = await self._made_by(session, name, number)
            except TranscodeFailed:
                continue  # once more, unless it has failed too often
            finally:
                await self._end_forsaken(session)
            if data is None and session.cancelled:
                raise _no_longer_played()
        return data

    async def _made_by(self, session: TranscodeSession, name: str, number: int | None) -> bytes | None:
        """Wait for a file of a session's track; None when the session will not make it any more."""
        data = None
        while data is None:
            await session.wait_for_progress()
            data = await self._dependencies.store.get(session.plan.store, session.track.name, name)
            if not session.will_make(number):
                break
        return data

    def _note_given(self, client: str, plan: PlaybackPlan, track: MadeTrack, number: int) -> None:
        """Note how far a client is; see to it that what comes next is made before the client runs dry."""
        self._buffers.give(client, track, number, _now())
        for session in self._sessions:
            if session.makes(plan, track) and session.first <= number < session.next:
                session.wanted = max(session.wanted, number)
        key = client_kind(client, track)
        if key not in self._ahead and not self._closed:
            task = asyncio.create_task(self._look_ahead(client, plan, track, number + 1))
            self._ahead[key] = task
            task.add_done_callback(lambda _: self._ahead.pop(key, None))

    async def _look_ahead(self, client: str, plan: PlaybackPlan, track: MadeTrack, number: int) -> None:
        """Wish the next missing segment that will be wanted in a moment, unless a session comes to it."""
        missing = await self._missing(plan, track, number)
        soon = number + _LOOK_AHEAD / float(track.timeline.segment)
        if missing is not None and missing < soon:
            with suppress(WyllohError):
                await self._begin_ahead(client, plan, track, missing)

    async def _begin_ahead(self, client: str, plan: PlaybackPlan, track: MadeTrack, number: int) -> None:
        """Wish what nobody waits for yet. What the client itself has asked for comes first."""
        key = client_kind(client, track)
        if not (self._wishes.has(key) or self._works_for(key)):
            await self._session_for(self._wish(client, plan, track, number, request=next(self._requests)))

    def _works_for(self, key: ClientKind) -> bool:
        return any(
            not session.stopping and key in {client_kind(client, session.track) for client in session.clients}
            for session in self._sessions
        )

    def _wish(
        self,
        client: str,
        plan: PlaybackPlan,
        track: MadeTrack,
        number: int | None,
        *,
        request: int,
        waits: bool = False,
    ) -> SegmentWish:
        return SegmentWish(
            client=client,
            plan=plan,
            track=track,
            number=number,
            request=request,
            since=_now(),
            waits=waits,
        )

    async def _session_for(self, wish: SegmentWish) -> TranscodeSession:
        """Find or start the session that makes a file, when it is this wish's turn."""
        self._failures.check(wish.plan.store, wish.track.name)
        with self._wishes.queued(wish):
            self._schedule()
            while not wish.granted.done():
                await asyncio.wait([wish.granted], timeout=_LOOKS)
                self._schedule()
            return wish.granted.result()

    def _schedule(self) -> None:
        """Grant wishes in order of need; where there is no place, have one freed. Nothing here waits."""
        freeing = sum(session.stopping for session in self._sessions)
        for wish in sorted(self._wishes.all, key=self._need):
            if wish.granted.done() or self._grant(wish):
                continue
            if freeing:
                freeing -= 1
            elif victim := self._victim(wish):
                victim.begin_stop()

    def _need(self, wish: SegmentWish) -> tuple[float, bool, float]:
        return self._buffers.need(wish, _now()), not wish.waits, wish.since

    def _comfort(self, session: TranscodeSession) -> float:
        """Return the seconds that the neediest viewer of a session could go on without it."""
        now = _now()
        left = (self._buffers.seconds(client, session.track, now) for client in session.clients)
        return min(left, default=0.0) + max(0.0, session.lead)

    def _grant(self, wish: SegmentWish) -> bool:
        if not wish.waits and self._works_for(wish.key):
            wish.refuse(RetryLater("The player has begun elsewhere."))
            return True
        session = self._session_making(wish.plan, wish.track, wish.number)
        if session is None and (self._closed or len(self._sessions) < self._processes):
            try:
                session = self._start(wish.plan, wish.track, self._beginning(wish), low_priority=False)
            except TranscodeFailed as error:
                wish.refuse(error)
                return True
        if session is None:
            return False
        session.low_priority = False
        for left in self._detached(wish.client, session):
            left.begin_stop()
        session.clients.add(wish.client)
        wish.granted.set_result(session)
        return True

    def _beginning(self, wish: SegmentWish) -> int:
        """Return where to begin. An init segment comes with the segments that its client wants next."""
        if wish.number is not None:
            return wish.number
        first = self._wishes.first_number(wish)
        return self._buffers.next_number(wish.client, wish.track) if first is None else first

    def _session_making(
        self, plan: PlaybackPlan, track: MadeTrack, number: int | None
    ) -> TranscodeSession | None:
        for session in self._sessions:
            soon = (
                not session.low_priority or number is None or number - session.next < _WAIT_AHEAD_OF_FILLING
            )
            if session.makes(plan, track) and session.will_make(number) and soon:
                return session
        return None

    def _victim(self, wish: SegmentWish) -> TranscodeSession | None:
        """Return the session whose place a wish gets: the client's own, a filling one, the least needed.

        For a segment that nobody waits for yet, only filling gives way.
        """
        at_work = [session for session in self._sessions if not session.stopping]
        filling = next((session for session in at_work if session.low_priority), None)
        if not wish.waits:
            return filling
        for session in at_work:
            if session.clients == {wish.client} and client_kind(wish.client, session.track) == wish.key:
                return session
        if filling:
            return filling
        least = max(at_work, key=self._comfort, default=None)
        if least and self._comfort(least) >= self._spare() + 2 * self._need(wish)[0]:
            return least
        if _now() - wish.since >= _TURN:
            over = [session for session in at_work if _had_its_turn(session)]
            return min(over, key=lambda session: session.started, default=None)
        return None

    def _spare(self) -> float:
        """Return the length of a turn. Each costs the start of an encoder: the more wait, the fewer turns."""
        queued = sum(not wish.granted.done() for wish in self._wishes.all)
        return _SPARE * max(1.0, queued / self._processes - 1)

    def _start(
        self, plan: PlaybackPlan, track: MadeTrack, number: int, *, low_priority: bool
    ) -> TranscodeSession:
        if self._closed:
            raise TranscodeFailed("The server is stopping.", fix="Press Play again in a moment.")
        self._failures.check(plan.store, track.name)
        session = TranscodeSession(
            self._dependencies, plan, track, number, low_priority=low_priority, on_change=self._note
        )
        self._sessions.append(session)
        return session

    def _note(self) -> None:
        for session in self._sessions:
            self._times.note(session)
            if session.ended:
                self._failures.note(session)
            elif not session.low_priority and not session.waiting and session.lead > _MOST_AHEAD:
                session.begin_stop()
        self._sessions = [session for session in self._sessions if not session.ended]
        self._schedule()  # before filling looks whether there is room
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def _busy(self) -> bool:
        return (
            bool(self._wishes.all)
            or len(self._sessions) >= self._processes
            or any(session.low_priority for session in self._sessions)
        )

    def _at_work(self, plan: PlaybackPlan, track: MadeTrack) -> bool:
        return any(session.makes(plan, track) for session in self._sessions)

    async def _missing(self, plan: PlaybackPlan, track: MadeTrack, begin_at: int) -> int | None:
        there = await self._dependencies.store.names(plan.store, track.name)
        numbers = range(begin_at, track.timeline.count)
        return next((number for number in numbers if f"{number}.m4s" not in there), None)

    def _detached(self, client: str, kept: TranscodeSession | None) -> list[TranscodeSession]:
        """Detach a client from its other sessions of the same kind; return those without clients."""
        left = []
        for session in self._sessions:
            kind = client_kind(client, session.track)
            other = session is not kept and (kept is None or kind == client_kind(client, kept.track))
            if other and client in session.clients:
                session.clients.discard(client)
                if not session.clients and not session.waiting:
                    left.append(session)
        return left

    async def _end_forsaken(self, session: TranscodeSession) -> None:
        """End a session whose clients all left while somebody still waited for it."""
        if not (session.clients or session.waiting or session.low_priority or session.ended):
            await self._end([session])

    async def _end(self, sessions: list[TranscodeSession]) -> None:
        await asyncio.gather(*(session.stop() for session in sessions))


def _no_longer_played() -> AccessRefused:
    return AccessRefused("This film is no longer played here.", fix="Press Play again.")


def _had_its_turn(session: TranscodeSession) -> bool:
    """Whether a session has worked for long enough, and made something for whoever waits for it."""
    made = session.first_made is not None or not session.waiting
    return made and _now() - session.started >= _TURN


def _now() -> float:
    return asyncio.get_running_loop().time()


@contextmanager
def _waiting(session: TranscodeSession) -> Iterator[None]:
    session.waiting += 1
    try:
        yield
    finally:
        session.waiting -= 1
