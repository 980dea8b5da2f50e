"""The leases in force, by hash of their token; and for a while, why former ones are over."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import AccessRefused
from wylloh_server.domain.playback import Lease
from wylloh_server.domain.types import PlayToken, Seconds

if TYPE_CHECKING:
    from wylloh_server.domain.access import Receipt, Viewer
    from wylloh_server.domain.playback import LeaseEnd
    from wylloh_server.domain.ports.world import Clock
    from wylloh_server.domain.types import DeviceId, FilmId, SessionId, Timestamp
    from wylloh_server.services.playback.plan import Plan

_IDLE_SECONDS = Seconds(600)
_REMEMBERED_SECONDS = 900
_TOKEN_BYTES = 24


@dataclass(slots=True)
class Held:
    """A lease in force, the plan it plays by, and when it was last used."""

    lease: Lease
    plan: Plan
    used: Timestamp

    @property
    def name(self) -> str:
        """The lease's name where its token must not be: a hash of it."""
        return _hash(self.lease.token)


class Leases:
    """Grants, finds and ends leases.

    Args:
        clock: gives the present moment.
        idle_seconds: a lease that nothing was fetched under for this long is over.
    """

    def __init__(self, clock: Clock, *, idle_seconds: Seconds = _IDLE_SECONDS) -> None:
        self._clock = clock
        self._idle_seconds = idle_seconds
        self._held: dict[str, Held] = {}
        self._ended: dict[str, tuple[LeaseEnd, Timestamp]] = {}

    def grant(self, viewer: Viewer, plan: Plan, address: str, receipt: Receipt) -> Held:
        """Make a lease with a new token."""
        now = self._clock()
        token = PlayToken(secrets.token_urlsafe(_TOKEN_BYTES))
        held = Held(Lease(token, viewer, plan.film.id, address, receipt, now, now), plan, now)
        self._held[held.name] = held
        return held

    def find(self, token: PlayToken) -> Held:
        """Find a lease in force, and note that it was used.

        Raises:
            AccessRefused: there is none with this token (any more).
        """
        held = self._held.get(_hash(token))
        if held is None:
            raise AccessRefused("This film is no longer playing here.", fix="Press Play again.")
        held.used = self._clock()
        return held

    def claim(self, token: PlayToken, session: SessionId | None, address: str) -> Held:
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

    def renew(self, held: Held, receipt: Receipt) -> None:
        """Note that the right was checked again."""
        held.lease = replace(held.lease, receipt=receipt, checked=self._clock())

    def end(self, held: Held, reason: LeaseEnd) -> bool:
        """Forget a lease and its token. False if it had ended before."""
        now = self._clock()
        self._ended = {
            name: (why, at) for name, (why, at) in self._ended.items() if at > now - _REMEMBERED_SECONDS
        }
        if self._held.pop(held.name, None) is None:
            return False
        self._ended[held.name] = (reason, now)
        return True

    def why_ended(self, token: PlayToken) -> LeaseEnd | None:
        """Say why a former lease is over; None when it is in force or unknown."""
        reason, _ = self._ended.get(_hash(token), (None, None))
        return reason

    def all(self) -> tuple[Held, ...]:
        """Give the leases in force."""
        return tuple(self._held.values())

    def of_film(self, film: FilmId) -> tuple[Held, ...]:
        """Give the leases in force on a film."""
        return tuple(held for held in self._held.values() if held.lease.film == film)

    def of_device(self, device: DeviceId) -> tuple[Held, ...]:
        """Give the leases in force on a device, oldest first."""
        return tuple(held for held in self._held.values() if held.lease.viewer.device == device)

    def in_force(self, held: Held) -> bool:
        """Say whether a lease has not ended."""
        return held.name in self._held

    def age(self, held: Held) -> float:
        """Give the seconds since the right behind a lease was checked.

        A clock that was set back must not put the next check off: what lies ahead counts as old, too.
        """
        return abs(self._clock() - held.lease.checked)

    def is_idle(self, held: Held) -> bool:
        """Say whether nobody has used a lease for too long."""
        return self._clock() - held.used > self._idle_seconds


def _hash(token: PlayToken) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
