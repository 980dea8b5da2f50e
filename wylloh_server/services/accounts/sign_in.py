"""Sign-in with a wallet (EIP-4361), and signatures that confirm what weighs much.

The server composes the message and keeps it; a reply is checked against that very text, so nothing
from outside is parsed. A challenge is bound to the browser's pre-session, or to the session that confirms,
lives five minutes and is consumed by every attempt.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.access import DeviceKind, Role
from wylloh_server.domain.errors import SignInRefused
from wylloh_server.domain.events import SignedIn
from wylloh_server.domain.types import ChainId, Seconds, Wallet, short_address
from wylloh_server.domain.wallet_message import WalletMessage
from wylloh_server.services.accounts.fair_store import FairStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.ports.chain import Chain
    from wylloh_server.domain.ports.clock import Clock
    from wylloh_server.services.accounts.owner_setup import OwnerSetup
    from wylloh_server.services.accounts.session_service import NewSession, SessionService
    from wylloh_server.services.operations.event_bus import EventBus
    from wylloh_server.storage.accounts import AccountRepository

CHALLENGE_SECONDS = Seconds(300)
_MOST_EACH, _MOST_CHALLENGES = 50, 2_000
"""Open challenges of one home, and of all."""
_MOST_ADMITTED = 1_000
"""Wallets that nobody knows, a day, where the server admits anyone."""
_STATEMENT = "Sign in to your film library. This moves no token and costs nothing."
_ONCE_MORE = "Confirm that it is you who changes this server. This moves no token and costs nothing."


@dataclass(kw_only=True, eq=False)
class SignIn:
    """Challenges wallets and gives sessions to those that answer.

    Attributes:
        sessions: finds who holds a session.
        claim: knows whether this server has an owner.
        timer: counts seconds, whatever is done to the clock.
    """

    sessions: SessionService
    accounts: AccountRepository
    chain: Chain
    claim: OwnerSetup
    bus: EventBus
    clock: Clock
    chain_id: ChainId
    origins: tuple[str, ...]
    admit_anyone: bool = False
    timer: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        """Begin with nothing remembered."""
        self._challenges: FairStore[tuple[Wallet, str]] = FairStore(
            seconds=CHALLENGE_SECONDS, most_each=_MOST_EACH, most=_MOST_CHALLENGES, timer=self.timer
        )

    def challenge(self, pre_session: str, wallet: Wallet, origin: str = "", address: str = "") -> str:
        """Compose the message for a wallet to sign, and keep it for five minutes.

        Args:
            pre_session: the secret of the browser that asks.
            wallet: who wants to sign in.
            origin: chooses among the configured addresses of this server; any other is ignored.
            address: where the request came from.
        """
        return self._asked(pre_session, wallet, origin, address, _STATEMENT)

    async def answer(
        self,
        pre_session: str,
        signature: str,
        claim_code: str = "",
        device_name: str = "Browser",
        address: str = "",
    ) -> NewSession:
        """Check a signature over the kept message and begin a session, on a device of that name.

        Raises:
            SignInRefused: no open challenge, too late, wrong signature, wrong claim code, or a wallet
                this server does not admit.
            ChainError: a contract wallet's signature cannot be checked now.
        """
        wallet = await self._signer(pre_session, signature)
        role = await self._admitted(wallet, claim_code, address)
        session = await self.sessions.begin(wallet, DeviceKind.BROWSER, device_name, address=address)
        self.bus.publish(SignedIn(wallet, role))
        return session

    def confirmation(self, viewer: Viewer, origin: str = "", address: str = "") -> str:
        """Compose the message with which the viewer's wallet shows once more that it is there."""
        return self._asked(_confirming(viewer), viewer.wallet, origin, address, _ONCE_MORE)

    async def confirm(self, viewer: Viewer, signature: str) -> None:
        """Check a signature over the message of `confirmation`, and note that the wallet signed just now.

        Raises:
            SignInRefused: no open message, too late, or the wrong signature.
            ChainError: a contract wallet's signature cannot be checked now.
        """
        wallet = await self._signer(_confirming(viewer), signature)
        if wallet != viewer.wallet:
            raise _not_theirs()
        await self.sessions.stored.record_signature(viewer.session, self.clock())

    def _asked(self, secret: str, wallet: Wallet, origin: str, address: str, statement: str) -> str:
        chosen = origin if origin in self.origins else self.origins[0]
        text = self._message(chosen, wallet, statement)
        self._challenges.put(secret, (wallet, text), address)
        return text

    async def _signer(self, secret: str, signature: str) -> Wallet:
        """Return who signed the message kept under a secret; every attempt uses it up."""
        challenge = self._challenges.pop(secret)
        if challenge is None:
            raise SignInRefused("That sign-in took too long.", fix="Press Sign in again.")
        wallet, text = challenge
        if not await self.chain.signed_message(wallet, text, signature):
            raise _not_theirs()
        return wallet

    async def _admitted(self, wallet: Wallet, claim_code: str, address: str) -> Role:
        if not await self.claim.done():
            await self.claim.take(wallet, claim_code, address)
        role = await self.accounts.role(wallet)
        if role is None and self.admit_anyone:
            if not await self.accounts.admit(wallet, self.clock(), _MOST_ADMITTED):
                raise SignInRefused("Many new wallets signed in today.", fix="Come back tomorrow.")
            role = Role.VIEWER
        if role is None:
            raise SignInRefused(
                f"This server does not know the wallet {short_address(wallet)}.",
                fix="Ask its owner to add your wallet on the admin page.",
            )
        return role

    def _message(self, origin: str, wallet: Wallet, statement: str) -> str:
        now = int(self.clock())
        return WalletMessage(
            self.chain.checksummed(wallet),
            statement,
            origin,
            self.chain_id,
            secrets.token_hex(12),
            now,
            now + int(CHALLENGE_SECONDS),
        ).text()


def _confirming(viewer: Viewer) -> str:
    return f"confirm {viewer.session}"


def _not_theirs() -> SignInRefused:
    return SignInRefused(
        "The signature does not belong to this wallet.", fix="Sign with the wallet you chose."
    )
