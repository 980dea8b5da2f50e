"""Where proposals and what became of them are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from wylloh_server.domain.transaction import Transaction, TransactionId
    from wylloh_server.domain.types import Timestamp, Wallet


class Transactions(Protocol):
    """Transactions for wallets. A hash belongs to one of them for ever."""

    async def add(self, transaction: Transaction) -> None:
        """Keep a new one."""

    async def save(self, transaction: Transaction) -> bool:
        """Replace what is known of one; False, and nothing is changed, if a hash of it belongs to another."""

    async def get(self, transaction: TransactionId) -> Transaction | None:
        """Find one."""

    async def of_hash(self, transaction_hash: str) -> TransactionId | None:
        """Find the one to which a hash belongs."""

    async def of_wallet(self, wallet: Wallet, *, limit: int, offset: int = 0) -> tuple[Transaction, ...]:
        """Give a wallet's, newest first, without those that expired before anything was sent."""

    async def followed(self) -> tuple[Transaction, ...]:
        """Give those for which the chain has to be asked, oldest first: asked or sent, and not yet final."""

    async def waiting(self, before: Timestamp) -> tuple[Transaction, ...]:
        """Give those that wait for their wallet, and in which nothing has happened since a moment."""

    async def forget(self, before: Timestamp) -> None:
        """Forget those that expired before anything was sent, and were made before a moment."""
