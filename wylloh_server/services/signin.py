"""Sign-in with a wallet (EIP-4361), sessions, roles and the first claim.

The server composes the message and keeps it; a reply is checked against that very text, so nothing
from outside is parsed. A challenge is bound to the browser's pre-session, lives five minutes and is
consumed by every attempt.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from wylloh_server.domain.access import DeviceKind, Role, Session, Viewer
from wylloh_server.domain.errors import AccessRefused, SignInRefused
from wylloh_server.domain.events import SignedIn
from wylloh_server.domain.types import ChainId, DeviceId, SessionId, Timestamp, Wallet, shortened

if TYPE_CHECKING:
    from wylloh_server.domain.ports.chain import Signatures
    from wylloh_server.domain.ports.storage import Accounts, Sessions
    from wylloh_server.domain.ports.world import Clock
    from wylloh_server.services.bus import Bus
    from wylloh_server.services.claim import Claim

CHALLENGE_SECONDS = 300
_MOST_CHALLENGES = 2_000
_STATEMENT = "Sign in to your film library. This moves no token and costs nothing."
_IDLE = {DeviceKind.BROWSER: 7 * 86_400, DeviceKind.TV: 180 * 86_400}
_TOUCH_EVERY = 300


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session just begun; `secret` goes into the cookie and nowhere else."""

    secret: str = field(repr=False)
    viewer: Viewer


@dataclass(frozen=True, slots=True)
class _Challenge:
    wallet: Wallet
    text: str
    expires: Timestamp


def session_id(secret: str) -> SessionId:
    """Give the id under which a session secret is stored: its SHA-256, hex."""
    return SessionId(hashlib.sha256(secret.encode()).hexdigest())


class SessionDesk:
    """Begins, finds and ends sessions."""

    def __init__(self, *, sessions: Sessions, accounts: Accounts, clock: Clock) -> None:
        self._sessions = sessions
        self._accounts = accounts
        self._clock = clock

    async def begin(self, wallet: Wallet, kind: DeviceKind, name: str) -> NewSession:
        """Begin a session for a wallet that proved itself (or was vouched for by pairing)."""
        secret = secrets.token_urlsafe(32)
        now = self._clock()
        device = DeviceId(secrets.token_hex(8))
        session = Session(session_id(secret), device, wallet, kind, name, now, now)
        await self._sessions.save(session)
        return NewSession(secret, await self._viewer(session))

    async def find(self, secret: str) -> Viewer | None:
        """Give who holds this secret; None when unknown or idle for too long."""
        session = await self._sessions.get(session_id(secret))
        if session is None:
            return None
        idle = self._clock() - session.last_seen
        if idle > _IDLE[session.kind]:
            await self._sessions.remove(session.device)
            return None
        if idle > _TOUCH_EVERY:
            await self._sessions.touch(session.id, self._clock())
        return await self._viewer(session)

    async def of_wallet(self, wallet: Wallet) -> tuple[Session, ...]:
        """Give a wallet's sessions, newest first."""
        return await self._sessions.of_wallet(wallet)

    async def end(self, device: DeviceId) -> None:
        """End a device's session."""
        await self._sessions.remove(device)

    async def _viewer(self, session: Session) -> Viewer:
        role = await self._accounts.role(session.wallet) or Role.VIEWER
        # A TV in the living room is everybody's: it never carries the owner's powers.
        role = Role.VIEWER if session.kind is DeviceKind.TV else role
        return Viewer(session.id, session.device, session.wallet, role, session.kind)


class SignIn:
    """Challenges wallets and gives sessions to those that answer."""

    def __init__(
        self,
        *,
        desk: SessionDesk,
        accounts: Accounts,
        signatures: Signatures,
        claim: Claim,
        bus: Bus,
        clock: Clock,
        chain_id: ChainId,
        origins: tuple[str, ...],
        admit_anyone: bool = False,
    ) -> None:
        self._desk = desk
        self._accounts = accounts
        self._signatures = signatures
        self._claim = claim
        self._bus = bus
        self._clock = clock
        self._chain_id = chain_id
        self._origins = origins
        self._admit_anyone = admit_anyone
        self._challenges: OrderedDict[str, _Challenge] = OrderedDict()

    def challenge(self, pre_session: str, wallet: Wallet, origin: str = "") -> str:
        """Compose the message for a wallet to sign, and keep it for five minutes.

        `origin` chooses among the configured addresses of this server; any other is ignored.
        """
        now = self._clock()
        chosen = origin if origin in self._origins else self._origins[0]
        text = self._message(chosen, wallet, now)
        self._challenges[pre_session] = _Challenge(wallet, text, Timestamp(now + CHALLENGE_SECONDS))
        self._challenges.move_to_end(pre_session)
        while len(self._challenges) > _MOST_CHALLENGES:
            self._challenges.popitem(last=False)
        return text

    async def answer(
        self, pre_session: str, signature: str, claim_code: str = "", device_name: str = "Browser"
    ) -> NewSession:
        """Check a signature over the kept message and begin a session, on a device of that name.

        Raises:
            SignInRefused: no open challenge, too late, wrong signature, wrong claim code, or a wallet
                this server does not admit.
            ChainError: a contract wallet's signature cannot be checked now.
        """
        challenge = self._challenges.pop(pre_session, None)
        if challenge is None or challenge.expires < self._clock():
            raise SignInRefused("That sign-in took too long.", fix="Press Sign in again.")
        if not await self._signatures.signed_message(challenge.wallet, challenge.text, signature):
            raise SignInRefused(
                "The signature does not belong to this wallet.", fix="Sign with the wallet you chose."
            )
        role = await self._admitted(challenge.wallet, claim_code)
        session = await self._desk.begin(challenge.wallet, DeviceKind.BROWSER, device_name)
        self._bus.publish(SignedIn(challenge.wallet, role))
        return session

    async def viewer(self, secret: str) -> Viewer | None:
        """Give who holds a session secret."""
        return await self._desk.find(secret)

    async def sign_out(self, viewer: Viewer) -> None:
        """End the viewer's session on this device."""
        await self._desk.end(viewer.device)

    async def shut_out(self, wallet: Wallet) -> tuple[DeviceId, ...]:
        """Forget a wallet and end all its sessions; gives the devices they were on.

        Raises:
            AccessRefused: it owns this server.
        """
        if await self._accounts.role(wallet) is Role.OWNER:
            raise AccessRefused("The owner cannot be removed.", fix="A server always has an owner.")
        await self._accounts.remove(wallet)
        devices = tuple(session.device for session in await self._desk.of_wallet(wallet))
        for device in devices:
            await self._desk.end(device)
        return devices

    async def claimed(self) -> bool:
        """Say whether this server has an owner."""
        return await self._claim.done()

    async def _admitted(self, wallet: Wallet, claim_code: str) -> Role:
        if not await self._claim.done():
            await self._claim.take(wallet, claim_code)
        role = await self._accounts.role(wallet)
        if role is None and self._admit_anyone:
            role = Role.VIEWER
            await self._accounts.save(wallet, role)
        if role is None:
            raise SignInRefused(
                f"This server does not know the wallet {shortened(wallet)}.",
                fix="Ask its owner to add your wallet on the admin page.",
            )
        return role

    def _message(self, origin: str, wallet: Wallet, now: Timestamp) -> str:
        """Compose the text in the order of fields that EIP-4361 fixes."""
        return (
            f"{urlsplit(origin).netloc} wants you to sign in with your Ethereum account:\n"
            f"{self._signatures.checksummed(wallet)}\n\n"
            f"{_STATEMENT}\n\n"
            f"URI: {origin}\n"
            "Version: 1\n"
            f"Chain ID: {self._chain_id}\n"
            f"Nonce: {secrets.token_hex(12)}\n"
            f"Issued At: {_rfc3339(now)}\n"
            f"Expiration Time: {_rfc3339(now + CHALLENGE_SECONDS)}"
        )


def _rfc3339(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
