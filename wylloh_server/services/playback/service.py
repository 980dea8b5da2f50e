"""From a viewer who presses Play to playlists, segments and keys, for as long as the right lasts."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

from wylloh_server.domain.access import Reason
from wylloh_server.domain.errors import NotFound, PlaybackRefused, WyllohError
from wylloh_server.domain.events import PlaybackEnded, PlaybackStarted
from wylloh_server.domain.playback import LeaseEnd
from wylloh_server.domain.types import Seconds
from wylloh_server.services.playback.plan import INIT
from wylloh_server.services.playback.playlists import (
    master_playlist,
    media_playlist,
    period_of,
    text_playlist,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from wylloh_server.domain.access import Receipt, Viewer
    from wylloh_server.domain.film import Film
    from wylloh_server.domain.playback import Lease
    from wylloh_server.domain.ports.crypto import SegmentCipher
    from wylloh_server.domain.ports.storage import Films, Positions
    from wylloh_server.domain.types import DeviceId, FilmId, PlayToken, SessionId
    from wylloh_server.services.bus import Bus
    from wylloh_server.services.playback.leases import Held, Leases
    from wylloh_server.services.playback.plan import MadeTrack, Plan
    from wylloh_server.services.playback.planner import Planner
    from wylloh_server.services.playback.texts import Texts
    from wylloh_server.services.playback.workshop import Workshop

_log = logging.getLogger(__name__)

_SEGMENT = re.compile(r"(\d{1,7})\.m4s")
_DEFINITE = frozenset({Reason.TOO_FEW_TOKENS, Reason.VOTED_DOWN})
"""A refusal for another reason (the chain is silent, say) takes nothing away from a film that is playing."""
_LOOKS_PER_LEASE = 10
_MOST_ON_A_DEVICE = 4
"""Leases: some tabs side by side, or a player that never gives a lease back."""


class Decider(Protocol):
    """Decides who may play what; `Licensing` does."""

    async def decide(self, viewer: Viewer, film: Film) -> Receipt:
        """Decide whether a viewer may watch a film now."""


class Playback:
    """Plays films.

    Args:
        films: finds films.
        positions: tell how far somebody has watched.
        licensing: decides.
        planner: looks into films.
        workshop: has segments made.
        texts: gives subtitles.
        leases: the leases in force.
        cipher: gives the segments' keys.
        bus: is told when playback starts and ends.
        make_rest: is asked to see to it that `fill` runs for a film some time soon.
        lease_seconds: how often the right is checked again.
    """

    def __init__(
        self,
        *,
        films: Films,
        positions: Positions,
        licensing: Decider,
        planner: Planner,
        workshop: Workshop,
        texts: Texts,
        leases: Leases,
        cipher: SegmentCipher,
        bus: Bus,
        make_rest: Callable[[FilmId], Awaitable[None]],
        lease_seconds: Seconds = Seconds(60),
    ) -> None:
        self._films = films
        self._positions = positions
        self._licensing = licensing
        self._planner = planner
        self._workshop = workshop
        self._texts = texts
        self._leases = leases
        self._cipher = cipher
        self._bus = bus
        self._make_rest = make_rest
        self._lease_seconds = lease_seconds
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Check leases again and again until the context ends; then end every encoding too."""
        checking = asyncio.create_task(self._keep_checking())
        try:
            yield
        finally:
            for task in (checking, *self._tasks):
                task.cancel()
            await asyncio.gather(checking, *self._tasks, return_exceptions=True)
            await self._workshop.close()

    def expect(self, film: Film) -> None:
        """Look into a film that somebody may play in a moment; what is wrong with it shows when they do."""
        self._in_background(self._look_into(film))

    async def start(self, viewer: Viewer, film_id: FilmId, address: str, at: Seconds = Seconds(0)) -> Lease:
        """Decide, look into the film, grant a lease, and begin to encode where playback will begin.

        Args:
            viewer: who wants to watch.
            film_id: what.
            address: network address of the request.
            at: where playback will begin, in seconds.

        Raises:
            PlaybackRefused: no; with the receipt.
            NotFound: there is no such film.
            MediaError, ContentError: the film cannot be opened.
        """
        film = await self._film(film_id)
        receipt = await self._licensing.decide(viewer, film)
        if not receipt.allowed:
            raise PlaybackRefused(receipt)
        plan = await self._planner.plan(film)
        for oldest in self._leases.of_device(viewer.device)[: 1 - _MOST_ON_A_DEVICE]:
            await self._end(oldest, LeaseEnd.STOPPED)
        held = self._leases.grant(viewer, plan, address, receipt)
        self._bus.publish(PlaybackStarted(film.id, viewer.wallet, viewer.device))
        self._in_background(self._begin(held, at))
        return held.lease

    def lease(self, token: PlayToken, session: SessionId | None, address: str) -> Lease:
        """Find the lease behind a token, for somebody who may use it.

        Raises:
            AccessRefused: no such lease, or somebody else's; see `Leases.claim`.
        """
        return self._leases.claim(token, session, address).lease

    def ended(self, token: PlayToken) -> LeaseEnd | None:
        """Say why a former lease is over; kept for a quarter of an hour."""
        return self._leases.why_ended(token)

    async def stop(self, lease: Lease) -> None:
        """End a lease because the viewer stopped."""
        await self._end(self._leases.find(lease.token), LeaseEnd.STOPPED)

    async def end_device(self, device: DeviceId) -> None:
        """End the leases of a device that was signed out or revoked."""
        for held in self._leases.of_device(device):
            await self._end(held, LeaseEnd.SIGNED_OUT)

    async def master(self, lease: Lease) -> str:
        """Give the master playlist."""
        return master_playlist(self._plan(lease))

    async def playlist(self, lease: Lease, track: str) -> str:
        """Give the playlist of a track of segments, or of subtitles.

        Raises:
            NotFound: there is no such track.
        """
        plan = self._plan(lease)
        if any(text.name == track for text in plan.texts):
            return text_playlist(plan.probe.duration)
        return media_playlist(plan.made(track).timeline)

    async def segment(self, lease: Lease, track: str, name: str) -> bytes:
        """Give `init.mp4` in the clear (no picture is in it) or `<n>.m4s` encrypted; has it made if need be.

        Raises:
            NotFound: the film has no such track or segment.
            AccessRefused: the lease ended while it was made.
            MediaError, ContentError: it cannot be made.
        """
        held = self._leases.find(lease.token)
        made = held.plan.made(track)
        if name != INIT:
            _check(made, name)
        try:
            data = await self._workshop.file(held.name, held.plan, made, name)
        finally:
            await self._leave_if_over(held)
        self._leases.find(lease.token)
        return data

    async def key(self, lease: Lease, track: str, period: int) -> bytes:
        """Give the 16-byte key of one period of a track.

        Raises:
            NotFound: the film has no such track or period.
        """
        plan = self._plan(lease)
        if not 0 <= period <= period_of(plan.made(track).timeline.count - 1):
            raise NotFound("This film has no such key.", fix="Load the player again.")
        return self._cipher.key_for(plan.store, track, period)

    async def subtitles(self, lease: Lease, track: str) -> str:
        """Give subtitles as WebVTT.

        Raises:
            NotFound: there is no such track.
            MediaError, ContentError: they cannot be read.
        """
        plan = self._plan(lease)
        text = await self._texts.webvtt(plan, plan.text(track))
        self._leases.find(lease.token)
        return text

    async def fill(self, film_id: FilmId) -> None:
        """Make everything of a film that is not made yet, when there is room for it. Resumes by itself.

        Raises:
            NotFound: there is no such film.
            AccessRefused, MediaError, ContentError: it cannot be made.
        """
        plan = await self._planner.plan(await self._film(film_id))
        await self._workshop.fill(plan)
        for track in plan.texts:
            await self._texts.webvtt(plan, track)

    async def made(self, film_id: FilmId) -> tuple[int, int]:
        """Count the segments of a film that are made, and all there can be.

        Raises:
            NotFound: there is no such film.
            AccessRefused, MediaError, ContentError: it cannot be opened.
        """
        return await self._workshop.made(await self._planner.plan(await self._film(film_id)))

    async def check_leases(self) -> None:
        """End idle leases, and check the right behind those whose last check is nearly too long ago."""
        await asyncio.gather(*(self._check(held) for held in self._leases.all()))

    async def _film(self, film_id: FilmId) -> Film:
        film = await self._films.get(film_id)
        if film is None:
            raise NotFound("There is no such film here.", fix="Go back to the library.")
        return film

    async def _look_into(self, film: Film) -> None:
        with contextlib.suppress(WyllohError):
            await self._planner.plan(film)

    def _plan(self, lease: Lease) -> Plan:
        return self._leases.find(lease.token).plan

    async def _begin(self, held: Held, at: Seconds) -> None:
        """Have the first segments made before the player asks, then the rest."""
        plan = held.plan
        try:
            for track in plan.in_order[: 1 + len(plan.sounds[:1])]:
                number = min(int(at / track.timeline.segment), track.timeline.count - 1)
                await self._workshop.prepare(held.name, plan, track, number)
            await self._make_rest(plan.film.id)
        except (WyllohError, OSError) as error:
            _log.warning("cannot begin to make %s: %s", plan.film.id, error)
        finally:
            await self._leave_if_over(held)

    async def _leave_if_over(self, held: Held) -> None:
        """Take back what was begun for a lease that ended meanwhile: nobody would end it later."""
        if not self._leases.in_force(held):
            await self._workshop.leave(held.name)

    def _in_background(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep_checking(self) -> None:
        while True:
            await asyncio.sleep(self._lease_seconds / _LOOKS_PER_LEASE)
            try:
                await self.check_leases()
            except Exception:  # noqa: BLE001 - one failure must not end all further checks
                _log.exception("leases could not be checked")

    async def _check(self, held: Held) -> None:
        if self._leases.is_idle(held):
            await self._end(held, LeaseEnd.IDLE)
        elif self._leases.age(held) > self._lease_seconds * (1 - 1 / _LOOKS_PER_LEASE):
            await self._check_right(held)

    async def _check_right(self, held: Held) -> None:
        film = await self._films.get(held.lease.film)
        if film is None:
            await self._end(held, LeaseEnd.STOPPED)
            return
        receipt = await self._licensing.decide(held.lease.viewer, film)
        if not receipt.allowed and receipt.reason in _DEFINITE:
            await self._end(held, LeaseEnd.RIGHTS_GONE)
        else:
            self._leases.renew(held, receipt)

    async def _end(self, held: Held, reason: LeaseEnd) -> None:
        if not self._leases.end(held, reason):
            return
        lease, watched = held.lease, await self._watched(held.lease)
        self._bus.publish(
            PlaybackEnded(lease.film, lease.viewer.wallet, lease.viewer.device, reason, watched)
        )
        await self._workshop.leave(held.name)
        if reason is LeaseEnd.RIGHTS_GONE and not self._leases.of_film(lease.film):
            await self._workshop.abandon(lease.film)

    async def _watched(self, lease: Lease) -> float | None:
        """Give the share of the film at which the viewer was last, if the player told during this lease."""
        with contextlib.suppress(WyllohError):
            for position in await self._positions.of_wallet(lease.viewer.wallet):
                if position.film == lease.film and position.updated >= lease.started and position.of > 0:
                    return min(1.0, max(0.0, position.at / position.of))
        return None


def _check(track: MadeTrack, name: str) -> None:
    match = _SEGMENT.fullmatch(name)
    if match is None or int(match[1]) >= track.timeline.count or name != f"{int(match[1])}.m4s":
        raise NotFound("This track has no such segment.", fix="Load the player again.")
