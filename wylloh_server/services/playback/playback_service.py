"""From a viewer who presses Play to playlists, segments and keys, for as long as the right lasts."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wylloh_server.domain.access import Reason
from wylloh_server.domain.client_profile import UNKNOWN_CLIENT
from wylloh_server.domain.errors import MediaError, NotFound, PlaybackRefused, WyllohError
from wylloh_server.domain.events import FilmDescribed, PlaybackEnded, PlaybackStarted
from wylloh_server.domain.film import TokenOrigin
from wylloh_server.domain.media_index import IndexedVideo
from wylloh_server.domain.network_address import is_local
from wylloh_server.domain.play_decision import NO_LIMITS, PlaybackLimits, decide_play
from wylloh_server.domain.playback import LeaseEnd
from wylloh_server.domain.types import Seconds
from wylloh_server.services.operations.scheduler import run_periodically
from wylloh_server.services.playback.chosen_tracks import choose_tracks, played_tracks
from wylloh_server.services.playback.playback_plan import INIT, DirectRendition, VideoRendition
from wylloh_server.services.playback.playlists import (
    key_period,
    master_playlist,
    media_playlist,
    text_playlist,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.client_profile import ClientProfile
    from wylloh_server.domain.film import Film
    from wylloh_server.domain.playback import Lease
    from wylloh_server.domain.ports.crypto import SegmentCipher
    from wylloh_server.domain.rendition import Chapter, Probe
    from wylloh_server.domain.types import DeviceId, FilmId, PlayToken, SessionId
    from wylloh_server.services.licensing.decisions import Licensing
    from wylloh_server.services.operations.event_bus import EventBus
    from wylloh_server.services.playback.chosen_tracks import ChosenTracks, PlayedTracks
    from wylloh_server.services.playback.direct_segments import DirectSegments
    from wylloh_server.services.playback.leases import ActiveLease, Leases
    from wylloh_server.services.playback.planner import Planner
    from wylloh_server.services.playback.playback_plan import MadeTrack, PlaybackPlan
    from wylloh_server.services.playback.subtitles import SubtitleService
    from wylloh_server.services.playback.transcode_manager import TranscodeManager
    from wylloh_server.storage.films import FilmRepository
    from wylloh_server.storage.positions import PositionRepository

_log = logging.getLogger(__name__)

_SEGMENT = re.compile(r"(\d{1,7})\.m4s")
_DEFINITE = frozenset({Reason.TOO_FEW_TOKENS, Reason.VOTED_DOWN, Reason.NOT_THEIR_UPLOAD})
"""A refusal for another reason (the chain is silent, say) takes nothing away from a film that is playing."""
_LOOKS_PER_LEASE = 10
_MOST_ON_A_DEVICE = 4
"""Leases: some tabs side by side, or a player that never gives a lease back."""


@dataclass(kw_only=True, eq=False)
class PlaybackService:
    """Plays films.

    Attributes:
        films: finds films.
        positions: tell how far somebody has watched.
        licensing: decides.
        planner: looks into films.
        transcodes: has segments made.
        subtitle_service: gives subtitles.
        leases: the leases in force.
        direct: gives segments of streams that are handed through.
        cipher: gives the segments' keys.
        bus: is told when playback starts and ends.
        current_viewer: gives a viewer with the role of now; None when the session is over.
        make_rest: is asked to see to it that `fill` runs for a film some time soon.
        make_ahead: whether that happens for every film that somebody plays.
        remote_limits: bound the picture of players outside of the server's own network.
        lease_seconds: how often the right is checked again.
    """

    films: FilmRepository
    positions: PositionRepository
    licensing: Licensing
    planner: Planner
    transcodes: TranscodeManager
    subtitle_service: SubtitleService
    leases: Leases
    direct: DirectSegments
    cipher: SegmentCipher
    bus: EventBus
    current_viewer: Callable[[Viewer], Awaitable[Viewer | None]]
    make_rest: Callable[[FilmId], Awaitable[None]]
    make_ahead: bool = False
    remote_limits: PlaybackLimits = NO_LIMITS
    lease_seconds: Seconds = Seconds(60)
    _tasks: set[asyncio.Task[None]] = field(init=False, default_factory=set)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Check leases again and again until the context ends; then end every encoding too."""
        every = Seconds(self.lease_seconds / _LOOKS_PER_LEASE)
        try:
            async with run_periodically("checking leases", self.check_leases, every):
                yield
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self.transcodes.close()

    def prefetch(self, film: Film) -> None:
        """Look into a film that somebody may play in a moment; what is wrong with it shows when they do."""
        self._in_background(self._look_into(film))

    async def start(
        self,
        viewer: Viewer,
        film_id: FilmId,
        address: str,
        at: Seconds = Seconds(0),
        client: ClientProfile = UNKNOWN_CLIENT,
    ) -> Lease:
        """Decide, look into the film, grant a lease, and begin to make what playback will begin with.

        Args:
            viewer: who wants to watch.
            film_id: what.
            address: network address of the request.
            at: where playback will begin, in seconds.
            client: what the player plays.

        Raises:
            PlaybackRefused: no; with the receipt.
            NotFound: there is no such film.
            MediaError, ContentError: the film cannot be opened.
        """
        return await self.start_film(viewer, await self._film(film_id), address, at, client)

    async def start_film(
        self,
        viewer: Viewer,
        film: Film,
        address: str,
        at: Seconds = Seconds(0),
        client: ClientProfile = UNKNOWN_CLIENT,
    ) -> Lease:
        """Start a film as `start` does, also one that is in no library: an upload or a trailer.

        Raises:
            PlaybackRefused: no; with the receipt.
            MediaError, ContentError: the film cannot be opened.
        """
        receipt = await self.licensing.decide(viewer, film)
        if not receipt.allowed:
            raise PlaybackRefused(receipt)
        plan = await self.planner.plan(film)
        for oldest in self.leases.of_device(viewer.device)[: 1 - _MOST_ON_A_DEVICE]:
            await self._end(oldest, LeaseEnd.STOPPED)
        decision = decide_play(client, plan.probe, plan.index, self._limits(address))
        _log.info("%s for %s: %s", film.id, client.name, decision)
        held = self.leases.grant(viewer, plan, decision, address, receipt)
        if film.in_library:
            self.bus.publish(PlaybackStarted(film.id, viewer.wallet, viewer.device))
        self._in_background(self._begin(held, at))
        return held.lease

    def lease(self, token: PlayToken, session: SessionId | None, address: str) -> Lease:
        """Find the lease behind a token, for somebody who may use it.

        Raises:
            AccessRefused: no such lease, or somebody else's; see `Leases.claim`.
        """
        return self.leases.claim(token, session, address).lease

    async def stop(self, lease: Lease) -> None:
        """End a lease because the viewer stopped."""
        await self._end(self.leases.find(lease.token), LeaseEnd.STOPPED)

    async def end(self, name: str) -> None:
        """End the lease with a name, as somebody who looks after the server wants it.

        Raises:
            NotFound: it has ended.
        """
        await self._end(self.leases.named(name), LeaseEnd.ENDED_BY_ADMIN)

    async def end_device(self, device: DeviceId) -> None:
        """End the leases of a device that was signed out or revoked."""
        for held in self.leases.of_device(device):
            await self._end(held, LeaseEnd.SIGNED_OUT)

    async def probe(self, film: Film) -> Probe:
        """Return what is inside a film, also of one that is in no library.

        Raises:
            AccessRefused, MediaError, ContentError: it cannot be opened.
        """
        return (await self.planner.plan(film)).probe

    def chapters(self, lease: Lease) -> tuple[Chapter, ...]:
        """Return the named stretches of the film, in order."""
        return self._plan(lease).probe.chapters

    def played_tracks(self, lease: Lease) -> PlayedTracks:
        """Return what is handed through to the player and what is encoded, and why."""
        held = self.leases.find(lease.token)
        return played_tracks(held.plan, held.decision)

    async def master(self, lease: Lease) -> str:
        """Return the master playlist."""
        held = self.leases.find(lease.token)
        return master_playlist(held.plan, self._chosen(held))

    async def playlist(self, lease: Lease, track: str) -> str:
        """Return the playlist of a track of segments, or of subtitles.

        Raises:
            NotFound: there is no such track.
        """
        plan = self._plan(lease)
        if any(text.name == track for text in plan.subtitles):
            return text_playlist(plan.probe.duration)
        return media_playlist(plan.track(track).timeline)

    async def segment(self, lease: Lease, track: str, name: str) -> bytes:
        """Return `init.mp4` unencrypted (it holds no picture) or `<n>.m4s` encrypted; makes it if needed.

        Raises:
            NotFound: the film has no such track or segment.
            AccessRefused: the lease ended while it was made.
            MediaError, ContentError: it cannot be made.
        """
        held = self.leases.find(lease.token)
        found = held.plan.track(track)
        if name != INIT:
            _check(found, name)
        if isinstance(found, DirectRendition):
            data = await self.direct.file(held.plan, found, name)
        else:
            data = await self._encoded(held, found, name)
        if (label := _quality(found)) and name != INIT:
            held.quality = label
        self.leases.find(lease.token)
        return data

    async def key(self, lease: Lease, track: str, period: int) -> bytes:
        """Return the 16-byte key of one period of a track.

        Raises:
            NotFound: the film has no such track or period.
        """
        plan = self._plan(lease)
        if not 0 <= period <= key_period(plan.track(track).timeline.count - 1):
            raise NotFound("This film has no such key.", fix="Load the player again.")
        return self.cipher.key_for(plan.store, track, period)

    async def subtitles(self, lease: Lease, track: str) -> str:
        """Return subtitles as WebVTT.

        Raises:
            NotFound: there is no such track.
            MediaError, ContentError: they cannot be read.
        """
        plan = self._plan(lease)
        text = await self.subtitle_service.webvtt(plan, plan.text(track))
        self.leases.find(lease.token)
        return text

    async def fill(self, film_id: FilmId) -> None:
        """Make everything of a film that is not made yet, when there is room for it. Resumes by itself.

        Raises:
            NotFound: there is no such film.
            AccessRefused, MediaError, ContentError: it cannot be made.
        """
        plan = await self.planner.plan(await self._film(film_id))
        await self.transcodes.fill(plan)
        for track in plan.subtitles:
            try:
                await self.subtitle_service.webvtt(plan, track)
            except MediaError as error:  # it costs that track
                _log.warning("the subtitles %s of %s are left out: %s", track.label, plan.film.id, error)

    async def make_ready(self, film_id: FilmId) -> None:
        """Have everything of a film made in the background, as an admin asked for.

        Raises:
            NotFound: there is no such film.
        """
        await self.make_rest((await self._film(film_id)).id)

    def preparing(self, lease: Lease) -> Seconds | None:
        """Return about how long a viewer will wait for the picture; None when nothing is waited for."""
        return self.transcodes.preparing(self.leases.find(lease.token).name)

    async def made(self, film_id: FilmId) -> tuple[int, int]:
        """Count the segments of a film that are made, and all there can be.

        Raises:
            NotFound: there is no such film.
            AccessRefused, MediaError, ContentError: it cannot be opened.
        """
        return await self.transcodes.made(await self.planner.plan(await self._film(film_id)))

    async def check_leases(self) -> None:
        """End leases that are idle or of a session that is over; check the right where that is due."""
        await asyncio.gather(*(self._check(held) for held in self.leases.all()))

    async def _film(self, film_id: FilmId) -> Film:
        film = await self.films.get(film_id)
        if film is None:
            raise NotFound("There is no such film here.", fix="Go back to the library.")
        return film

    async def _look_into(self, film: Film) -> None:
        with contextlib.suppress(WyllohError):
            await self._note_tracks(await self.planner.plan(film))

    async def _note_tracks(self, plan: PlaybackPlan) -> None:
        """Record which tracks of a package's film cannot be played here; its page says so.

        What this server decodes no manifest can tell, and a film is encrypted until somebody may watch it.
        """
        origin, notes = plan.film.origin, plan.probe.notes
        film = await self.films.get(plan.film.id) if isinstance(origin, TokenOrigin) else None
        if film is None or film.notes == notes or not isinstance(origin, TokenOrigin):
            return
        if await self.films.save_notes(film.id, origin.root, notes):
            self.bus.publish(FilmDescribed(film.id, film.title))

    def _plan(self, lease: Lease) -> PlaybackPlan:
        return self.leases.find(lease.token).plan

    async def _begin(self, held: ActiveLease, at: Seconds) -> None:
        """Have the first segments made before the player asks; the rest too where the owner wants that."""
        with _failures_logged("note the tracks of", held.plan.film):
            await self._note_tracks(held.plan)
        with _failures_logged("begin to make", held.plan.film):
            try:
                await self._prepare(held, at)
            finally:
                await self._leave_if_over(held)
        if self.make_ahead and held.plan.film.in_library:
            with _failures_logged("have the rest made of", held.plan.film):
                await self.make_rest(held.plan.film.id)

    def _chosen(self, held: ActiveLease) -> ChosenTracks:
        address = held.lease.address
        return choose_tracks(held.plan, held.decision, address, self._limits(address))

    def _limits(self, address: str) -> PlaybackLimits:
        return NO_LIMITS if is_local(address) else self.remote_limits

    async def _encoded(self, held: ActiveLease, track: MadeTrack, name: str) -> bytes:
        try:
            return await self.transcodes.file(held.name, held.plan, track, name)
        finally:
            await self._leave_if_over(held)

    async def _prepare(self, held: ActiveLease, at: Seconds) -> None:
        plan = held.plan
        for track in self._chosen(held).first:
            number = track.timeline.at(at)
            if isinstance(track, DirectRendition):
                await self.direct.file(plan, track, f"{number}.m4s")
            else:
                await self.transcodes.prepare(held.name, plan, track, number)

    async def _leave_if_over(self, held: ActiveLease) -> None:
        """Take back what was begun for a lease that ended meanwhile: nobody would end it later."""
        if not self.leases.in_force(held):
            await self.transcodes.detach(held.name)

    def _in_background(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _check(self, held: ActiveLease) -> None:
        if self.leases.is_idle(held):
            await self._end(held, LeaseEnd.IDLE)
        elif (viewer := await self.current_viewer(held.lease.viewer)) is None:
            await self._end(held, LeaseEnd.SIGNED_OUT)
        elif viewer != held.lease.viewer or self._is_due(held):
            await self._check_right(held, viewer)

    def _is_due(self, held: ActiveLease) -> bool:
        return self.leases.age(held) > self.lease_seconds * (1 - 1 / _LOOKS_PER_LEASE)

    async def _check_right(self, held: ActiveLease, viewer: Viewer) -> None:
        film = await self._current(held.plan.film)
        if film is None:
            await self._end(held, LeaseEnd.STOPPED)
            return
        receipt = await self.licensing.decide(viewer, film, renewal=True)
        if not receipt.allowed and receipt.reason in _DEFINITE:
            await self._end(held, LeaseEnd.RIGHTS_GONE)
        else:
            self.leases.renew(held, viewer, receipt)

    async def _current(self, film: Film) -> Film | None:
        """Return a film as it is now; None when it is gone."""
        if film.in_library:
            return await self.films.get(film.id)
        try:
            await self.planner.plan(film)
        except WyllohError:
            return None
        return film

    async def _end(self, held: ActiveLease, reason: LeaseEnd) -> None:
        if not self.leases.end(held, reason):
            return
        lease, watched = held.lease, await self._watched(held.lease)
        if held.plan.film.in_library:
            ended = PlaybackEnded(lease.film, lease.viewer.wallet, lease.viewer.device, reason, watched)
            self.bus.publish(ended)
        await self.transcodes.detach(held.name)
        if reason is LeaseEnd.RIGHTS_GONE and not self.leases.of_film(lease.film):
            await self.transcodes.cancel(lease.film)

    async def _watched(self, lease: Lease) -> float | None:
        """Return the share of the film at which the viewer was last, if the player told during this lease."""
        with contextlib.suppress(WyllohError):
            for position in await self.positions.of_wallet(lease.viewer.wallet):
                if position.film == lease.film and position.updated >= lease.started and position.of > 0:
                    return min(1.0, max(0.0, position.at / position.of))
        return None


@contextlib.contextmanager
def _failures_logged(what: str, film: Film) -> Iterator[None]:
    try:
        yield
    except (WyllohError, OSError) as error:
        _log.warning("cannot %s %s: %s", what, film.id, error)


def _quality(track: MadeTrack | DirectRendition) -> str:
    """Return what the picture of a track is called where people look; empty for sound."""
    if isinstance(track, VideoRendition):
        return track.rendition.label
    is_picture = isinstance(track, DirectRendition) and isinstance(track.stream, IndexedVideo)
    return "Original" if is_picture else ""


def _check(track: MadeTrack | DirectRendition, name: str) -> None:
    match = _SEGMENT.fullmatch(name)
    if match is None or int(match[1]) >= track.timeline.count or name != f"{int(match[1])}.m4s":
        raise NotFound("This track has no such segment.", fix="Load the player again.")
