"""Sign-in without a wallet, for who develops plugins: `wylloh serve --dev` on a loopback address.

Each role has a wallet that nobody has the key of: its address is a hash. Their sessions have these roles only
while the server that began them runs, and are removed at every start and stop.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from wylloh_server.domain.access import DeviceKind, Role
from wylloh_server.domain.types import Wallet

if TYPE_CHECKING:
    from wylloh_server.services.accounts.session_service import NewSession, SessionService


def development_wallet(role: Role) -> Wallet:
    """Return the wallet of a role. Its address is a hash, so no key belongs to it."""
    return Wallet("0x" + hashlib.sha256(f"wylloh development {role}".encode()).hexdigest()[:40])


class DevelopmentAccounts:
    """Begins and ends sessions of wallets that nobody has."""

    def __init__(self, sessions: SessionService) -> None:
        self._sessions = sessions

    async def sign_in(self, role: Role) -> NewSession:
        """Begin a session with a role, for as long as this server runs."""
        wallet = development_wallet(role)
        self._sessions.accounts.granted[wallet] = role
        return await self._sessions.begin(wallet, DeviceKind.BROWSER, f"Developer ({role})")

    async def forget(self) -> None:
        """End every session that was begun here, also by an earlier run."""
        self._sessions.accounts.granted.clear()
        for role in Role:
            await self._sessions.stored.remove_of(development_wallet(role))
