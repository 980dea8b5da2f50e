"""Sessions: begun for a wallet with an account, found by their secret, ended when idle or old."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wylloh_server.domain.access import NEVER, NO_DEVICE, DeviceKind, Role, Session, Viewer
from wylloh_server.domain.errors import SignInRefused
from wylloh_server.domain.types import DeviceId, Seconds, SessionId, Timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wylloh_server.domain.ports.clock import Clock
    from wylloh_server.domain.types import Wallet
    from wylloh_server.storage.accounts import AccountRepository
    from wylloh_server.storage.sessions import SessionRepository

_DAY = 86_400
LIFETIMES = {DeviceKind.BROWSER: Seconds(30 * _DAY), DeviceKind.TV: Seconds(365 * _DAY)}
"""How long a session lasts, however much it is used."""
_IDLE = {DeviceKind.BROWSER: 7 * _DAY, DeviceKind.TV: 180 * _DAY}
_TOUCH_EVERY = 300
FRESH_SECONDS = 300
"""How long a signature counts for what only the owner may do."""


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session just begun; `secret` goes into the cookie and nowhere else."""

    secret: str = field(repr=False)
    viewer: Viewer


def session_id(secret: str) -> SessionId:
    """Return the id under which a session secret is stored: its SHA-256, hex."""
    return SessionId(hashlib.sha256(secret.encode()).hexdigest())


class SessionService:
    """Begins and finds sessions. Nobody is a viewer without an account.

    Attributes:
        stored: where they are listed.
        accounts: what roles their wallets have.
    """

    def __init__(
        self,
        *,
        sessions: SessionRepository,
        accounts: AccountRepository,
        clock: Clock,
        lifetimes: Mapping[DeviceKind, Seconds] = LIFETIMES,
    ) -> None:
        self.stored = sessions
        self.accounts = accounts
        self._clock = clock
        self._lifetimes = lifetimes

    async def begin(
        self,
        wallet: Wallet,
        kind: DeviceKind,
        name: str,
        *,
        address: str = "",
        let_in_by: Viewer | None = None,
    ) -> NewSession:
        """Begin a session for a wallet that has just signed, or that a device of `let_in_by` vouched for.

        Raises:
            SignInRefused: the wallet has no account (any more), or the session that vouched has ended.
        """
        secret, now = secrets.token_urlsafe(32), self._clock()
        session = Session(
            session_id(secret),
            DeviceId(secrets.token_hex(8)),
            wallet,
            kind,
            name,
            now,
            now,
            address,
            NEVER if let_in_by else now,
            let_in_by.device if let_in_by else NO_DEVICE,
        )
        added = await self.stored.add(
            session,
            vouched_for=let_in_by.session if let_in_by else None,
            needs_account=wallet not in self.accounts.granted,
        )
        viewer = await self._viewer(session) if added else None
        if viewer is None:
            raise SignInRefused(
                "This wallet has no account here any more.", fix="Ask the owner of this server."
            )
        return NewSession(secret, viewer)

    async def find(self, secret: str, address: str = "") -> Viewer | None:
        """Return who holds this secret; None when unknown, idle for too long, too old, or without account.

        Args:
            secret: from the cookie.
            address: where it came from; noted once in a while.
        """
        session = await self.stored.get(session_id(secret))
        if session is None:
            return None
        now = self._clock()
        viewer = await self._viewer(session) if self._is_current(session, now) else None
        if viewer is None:
            await self.stored.remove(session.device)
        elif now - session.last_seen > _TOUCH_EVERY:
            await self.stored.touch(session.id, now, address or session.address)
        return viewer

    def lifetime(self, kind: DeviceKind) -> Seconds:
        """Return how long a session on a kind of device lasts, however much it is used."""
        return self._lifetimes[kind]

    async def current(self, viewer: Viewer) -> Viewer | None:
        """Return a viewer with the role of today; None when the session or the account is gone.

        For what lasts longer than a request. Looking does not count as using the session.
        """
        session = await self.stored.get(viewer.session)
        if session is None or not self._is_current(session, self._clock()):
            return None
        return await self._viewer(session)

    async def has_just_signed(self, viewer: Viewer) -> bool:
        """Return whether the viewer's wallet signed on this device in the last minutes."""
        session = await self.stored.get(viewer.session)
        return session is not None and 0 <= self._clock() - session.signed <= FRESH_SECONDS

    async def remove_expired(self) -> None:
        """Delete the sessions that nobody will use any more: they would stay, as nobody asks for them."""
        now = self._clock()
        for kind, lifetime in self._lifetimes.items():
            begun, seen = Timestamp(now - lifetime), Timestamp(now - _IDLE[kind])
            await self.stored.remove_expired(kind, begun=begun, seen=seen)

    def _is_current(self, session: Session, now: Timestamp) -> bool:
        idle, age = now - session.last_seen, now - session.created
        return idle <= _IDLE[session.kind] and age <= self._lifetimes[session.kind]

    async def _viewer(self, session: Session) -> Viewer | None:
        role = await self.accounts.role(session.wallet)
        if role is None:
            return None
        # A TV in the living room is everybody's: it never carries the owner's powers.
        role = Role.VIEWER if session.kind is DeviceKind.TV else role
        return Viewer(session.id, session.device, session.wallet, role, session.kind)
