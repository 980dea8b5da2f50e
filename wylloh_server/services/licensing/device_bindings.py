"""Which wallets let this server fetch their films' keys: asked for at sign-in, listed, taken back."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cachetools import TTLCache

from wylloh_server.domain.device_binding import (
    DAY,
    LONGEST_BINDING,
    BindingRevocation,
    DeviceBinding,
)
from wylloh_server.domain.errors import SignInRefused
from wylloh_server.domain.types import Timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from wylloh_server.domain.ports.chain import Chain
    from wylloh_server.domain.ports.clock import Clock
    from wylloh_server.domain.ports.crypto import ServerKeys
    from wylloh_server.domain.types import ChainId, SessionId, Wallet
    from wylloh_server.storage.accounts import AccountRepository
    from wylloh_server.storage.binding_revocations import BindingRevocationRepository
    from wylloh_server.storage.bindings import BindingRepository
    from wylloh_server.storage.holder_servers import HolderServerRepository

_ANSWER_WITHIN, _MOST_WAITING = 300, 2_000
_RENEW_AFTER = 30 * DAY
"""A binding older than this is asked for again at the next sign-in."""


@dataclass(frozen=True, slots=True)
class BoundServer:
    """A server that may fetch keys for a wallet, as the wallet's owner sees it.

    Attributes:
        here: it is this server.
        last: when it got a key from here, as custodian; None for this server itself.
        expires: when its permission ends; None where only that server knows.
    """

    device_key: str
    uri: str
    here: bool
    last: Timestamp | None = None
    expires: Timestamp | None = None


@dataclass(kw_only=True, eq=False)
class DeviceBindings:
    """Composes what wallets sign about this server, and keeps what they signed.

    What is composed is kept for five minutes under the session that asked, and answered once.

    Attributes:
        stored: the bindings; without its binding no key is fetched for a wallet any more.
        holder_servers: to which servers this one, as custodian, released keys.
        origins: the addresses of this server, of which a wallet reads one.
        timer: counts seconds, whatever is done to the clock.
    """

    stored: BindingRepository
    revocations: BindingRevocationRepository
    holder_servers: HolderServerRepository
    accounts: AccountRepository
    server_keys: ServerKeys
    chain: Chain
    clock: Clock
    chain_id: ChainId
    origins: tuple[str, ...]
    timer: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        """Begin with nothing asked."""
        self._asked: TTLCache[tuple[SessionId, type], DeviceBinding | BindingRevocation] = TTLCache(
            _MOST_WAITING, _ANSWER_WITHIN, timer=self.timer
        )

    def request(self, session: SessionId, wallet: Wallet, origin: str = "") -> str:
        """Compose a binding to this server for 90 days, and return the text to sign.

        `origin` chooses among the configured addresses of this server; any other is ignored.
        """
        now = int(self.clock())
        binding = DeviceBinding(
            wallet,
            self.server_keys.device_public,
            self.chain_id,
            self._origin(origin),
            secrets.token_hex(12),
            now,
            now + LONGEST_BINDING,
        )
        self._asked[session, DeviceBinding] = binding
        return binding.text(self.chain.checksummed(wallet))

    async def accept(self, session: SessionId, wallet: Wallet, signature: str) -> None:
        """Keep the binding that was asked for in a session.

        Raises:
            SignInRefused: nothing was asked, it took too long, or the wallet did not sign it.
            ChainError: a contract wallet's signature cannot be checked now.
        """
        asked = self._asked.pop((session, DeviceBinding), None)
        if not isinstance(asked, DeviceBinding) or asked.wallet != wallet:
            raise _too_late()
        await self._check_signature(asked, signature)
        await self.stored.save(replace(asked, signature=signature))

    async def current(self, wallet: Wallet) -> DeviceBinding | None:
        """Return a wallet's binding to this server, if it has one that counts now."""
        binding = await self.stored.get(wallet)
        return binding if binding is not None and await self._counts(binding) else None

    async def is_due(self, wallet: Wallet) -> bool:
        """Return whether a wallet is asked for a binding at its sign-in: it has none, or an older one."""
        binding = await self.current(wallet)
        return binding is None or binding.issued_at + _RENEW_AFTER <= self.clock()

    async def wallets(self) -> tuple[Wallet, ...]:
        """Return every wallet that is bound to this server now and has an account here."""
        known = {account.wallet for account in await self.accounts.all()}
        found = [one for one in await self.stored.all() if one.wallet in known and await self._counts(one)]
        return tuple(binding.wallet for binding in found)

    async def servers(self, wallet: Wallet) -> tuple[BoundServer, ...]:
        """Return the servers that may fetch keys for a wallet, as far as this one knows."""
        here, binding = [], await self.current(wallet)
        if binding is not None:
            expires = Timestamp(binding.expires_at)
            here = [BoundServer(binding.device_key, binding.uri, here=True, expires=expires)]
        revoked = await self.revocations.of_wallet(wallet)
        ended = revoked.get("", -1)
        return (
            *here,
            *(
                BoundServer(server.device_key, server.uri, here=False, last=server.last)
                for server in await self.holder_servers.of_wallet(wallet)
                if server.device_key != self.server_keys.device_public
                and server.last > max(ended, revoked.get(server.device_key, -1))
            ),
        )

    def request_revocation(
        self, session: SessionId, wallet: Wallet, device_key: str, origin: str = ""
    ) -> str:
        """Compose the revocation of a server's bindings, or of all servers', and return the text to sign."""
        revocation = BindingRevocation(
            wallet,
            device_key,
            self.chain_id,
            self._origin(origin),
            secrets.token_hex(12),
            int(self.clock()),
        )
        self._asked[session, BindingRevocation] = revocation
        return revocation.text(self.chain.checksummed(wallet))

    async def accept_revocation(
        self, session: SessionId, wallet: Wallet, signature: str
    ) -> BindingRevocation:
        """Honour the revocation that was asked for in a session, and return it with its signature.

        Raises:
            SignInRefused: nothing was asked, it took too long, or the wallet did not sign it.
            ChainError: a contract wallet's signature cannot be checked now.
        """
        asked = self._asked.pop((session, BindingRevocation), None)
        if not isinstance(asked, BindingRevocation) or asked.wallet != wallet:
            raise _too_late()
        await self._check_signature(asked, signature)
        signed = replace(asked, signature=signature)
        await self.revocations.save(signed)
        if signed.device_key in {"", self.server_keys.device_public}:
            await self.stored.remove(wallet)
        return signed

    async def _counts(self, binding: DeviceBinding) -> bool:
        """Return whether it is for this server's key, in force, and not revoked."""
        ours = binding.device_key == self.server_keys.device_public
        return (
            ours
            and not binding.fault(self.chain_id, self.clock())
            and not await self.revocations.covers(binding)
        )

    async def _check_signature(self, asked: DeviceBinding | BindingRevocation, signature: str) -> None:
        text = asked.text(self.chain.checksummed(asked.wallet))
        if not await self.chain.signed_message(asked.wallet, text, signature):
            raise SignInRefused(
                "The wallet did not sign this.", fix="Sign with the wallet you signed in with."
            )

    def _origin(self, origin: str) -> str:
        return origin if origin in self.origins else self.origins[0]


def _too_late() -> SignInRefused:
    return SignInRefused("That took too long, or was answered already.", fix="Reload the page and try again.")
