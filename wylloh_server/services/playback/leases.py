"""The leases in force, by hash of their token; and for a while, why former ones are over."""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import AccessRefused, NotFound
from wylloh_server.domain.playback import Lease
from wylloh_server.domain.types import PlayToken, Seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from wylloh_server.domain.access import Receipt, Viewer
    from wylloh_server.domain.play_decision import PlayDecision
    from wylloh_server.domain.playback import LeaseEnd
    from wylloh_server.domain.ports.clock import Clock
    from wylloh_server.domain.types import DeviceId, FilmId, SessionId
    from wylloh_server.services.playback.playback_plan import PlaybackPlan

_IDLE_SECONDS = Seconds(600)
_REMEMBERED_SECONDS = 900
_TOKEN_BYTES = 24


@dataclass(slots=True)
class ActiveLease:
    """A lease in force and the plan it plays by.

    Attributes:
        decision: what of it is handed through to the player.
        used: when it was last used, by the leases' timer.
        checked: when the right behind it was last checked, by the same.
        quality: the label of the rendition of the picture that was fetched last; empty before.
    """

    lease: Lease
    plan: PlaybackPlan
    decision: PlayDecision
    used: float
    checked: float
    quality: str = ""

    @property
    def name(self) -> str:
        """The lease's name where its token must not be: a hash of it."""
        return _hash(self.lease.token)


class Leases:
    """Grants, finds and ends leases.

    Args:
        clock: gives the present moment.
        idle_seconds: a lease that nothing was fetched under for this long is over.
        timer: counts seconds, whatever is done to the clock.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        idle_seconds: Seconds = _IDLE_SECONDS,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._timer = timer
        self._idle_seconds = idle_seconds
        self._held: dict[str, ActiveLease] = {}
        self._ended: dict[str, tuple[LeaseEnd, float]] = {}

    def grant(
        self, viewer: Viewer, plan: PlaybackPlan, decision: PlayDecision, address: str, receipt: Receipt
    ) -> ActiveLease:
        """Make a lease with a new token."""
        now, begun = self._clock(), self._timer()
        token = PlayToken(secrets.token_urlsafe(_TOKEN_BYTES))
        lease = Lease(token, viewer, plan.film.id, address, receipt, now, now)
        held = ActiveLease(lease, plan, decision, used=begun, checked=begun)
        self._held[held.name] = held
        return held

    def find(self, token: PlayToken) -> ActiveLease:
        """Find a lease in force, and note that it was used.

        Raises:
            AccessRefused: there is none with this token (any more).
        """
        held = self._held.get(_hash(token))
        if held is None:
            raise AccessRefused("This film is no longer playing here.", fix="Press Play again.")
        held.used = self._timer()
        return held

    def claim(self, token: PlayToken, session: SessionId | None, address: str) -> ActiveLease:
        """Find a lease for somebody who presents its token.

        Args:
            token: from the path.
            session: hash of the cookie that came along; None when there was no cookie at all.
            address: where the request came from.

        Raises:
            AccessRefused: no such lease, or it is another session's, or there is no cookie and playback was
                started from another address.
        """
        held = self.find(token)
        theirs = held.lease.address == address if session is None else held.lease.viewer.session == session
        if not theirs:
            raise AccessRefused("This film is playing on another screen.", fix="Press Play on this one.")
        return held

    def renew(self, held: ActiveLease, viewer: Viewer, receipt: Receipt) -> None:
        """Record that the right was checked again, for the viewer with the role of now."""
        held.lease = replace(held.lease, viewer=viewer, receipt=receipt, checked=self._clock())
        held.checked = self._timer()

    def end(self, held: ActiveLease, reason: LeaseEnd) -> bool:
        """Forget a lease and its token. False if it had ended before."""
        now = self._timer()
        self._ended = {
            name: (why, at) for name, (why, at) in self._ended.items() if at > now - _REMEMBERED_SECONDS
        }
        if self._held.pop(held.name, None) is None:
            return False
        self._ended[held.name] = (reason, now)
        return True

    def why_ended(self, token: PlayToken) -> LeaseEnd | None:
        """Return why a lease ended in the last quarter of an hour; None when it is in force or unknown."""
        reason, _ = self._ended.get(_hash(token), (None, None))
        return reason

    def all(self) -> tuple[ActiveLease, ...]:
        """Return the leases in force."""
        return tuple(self._held.values())

    def of_film(self, film: FilmId) -> tuple[ActiveLease, ...]:
        """Return the leases in force on a film."""
        return tuple(held for held in self._held.values() if held.lease.film == film)

    def of_device(self, device: DeviceId) -> tuple[ActiveLease, ...]:
        """Return the leases in force on a device, oldest first."""
        return tuple(held for held in self._held.values() if held.lease.viewer.device == device)

    def named(self, name: str) -> ActiveLease:
        """Return the lease in force with a name.

        Raises:
            NotFound: it has ended.
        """
        if name not in self._held:
            raise NotFound("This is not playing any more.", fix="Reload the page.")
        return self._held[name]

    def in_force(self, held: ActiveLease) -> bool:
        """Return whether a lease has not ended."""
        return held.name in self._held

    def age(self, held: ActiveLease) -> float:
        """Return the seconds since the right behind a lease was checked."""
        return self._timer() - held.checked

    def silence(self, held: ActiveLease) -> float:
        """Return the seconds since a player last used a lease."""
        return self._timer() - held.used

    def is_idle(self, held: ActiveLease) -> bool:
        """Return whether nobody has used a lease for too long."""
        return self.silence(held) > self._idle_seconds


def _hash(token: PlayToken) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
