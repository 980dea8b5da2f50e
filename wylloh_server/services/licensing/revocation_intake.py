"""Which revocations a custodian takes: a holder's always, a bounded number of everybody else's.

Anybody can make wallets and sign with them. Who holds tokens has something to lose, and is never refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import AccessRefused

if TYPE_CHECKING:
    from collections.abc import Collection

    from wylloh_server.domain.device_binding import BindingRevocation
    from wylloh_server.domain.types import Timestamp, Wallet
    from wylloh_server.storage.accounts import AccountRepository
    from wylloh_server.storage.binding_revocations import BindingRevocationRepository
    from wylloh_server.storage.holder_servers import HolderServerRepository
    from wylloh_server.storage.stacks import StackRepository

_MOST_OF_STRANGERS = 100_000
"""They go with the bindings they concern, after 90 days."""


@dataclass(kw_only=True, eq=False)
class RevocationIntake:
    """Stores revocations whose signatures were checked.

    A stranger is a wallet that holds no token of a film, has no server with a key from here, and no account
    here. Until the chain has been read once nobody's holdings are known, and nobody is one.
    """

    revocations: BindingRevocationRepository
    holder_servers: HolderServerRepository
    accounts: AccountRepository
    stacks: StackRepository

    async def take(self, revocation: BindingRevocation) -> None:
        """Store a revocation.

        Raises:
            AccessRefused: it is a stranger's, and there are too many of those.
        """
        stranger = bool(await self._strangers([revocation.wallet]))
        if stranger and await self.revocations.count_strangers() >= _MOST_OF_STRANGERS:
            raise AccessRefused(
                "Too many wallets without tokens have revoked something here.", fix="Try again tomorrow."
            )
        await self.revocations.save(revocation, stranger=stranger)

    async def tidy(self, now: Timestamp) -> None:
        """Delete what has expired, and the strangers' oldest beyond the bound, by what is held today."""
        await self.revocations.remove_expired(now)
        async for wallets in self.revocations.wallets():
            strangers = await self._strangers(wallets)
            await self.revocations.mark_strangers(strangers, [one for one in wallets if one not in strangers])
        await self.revocations.remove_strangers_beyond(_MOST_OF_STRANGERS)

    async def _strangers(self, wallets: Collection[Wallet]) -> frozenset[Wallet]:
        if not await self.stacks.is_known():
            return frozenset()
        held = await self.stacks.held(wallets)
        empty = {wallet for wallet in wallets if not held[wallet]}
        empty -= await self.holder_servers.wallets_among(empty)
        return frozenset(empty - {account.wallet for account in await self.accounts.all()})
