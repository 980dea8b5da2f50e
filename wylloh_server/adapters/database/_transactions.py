"""Transactions for wallets as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Row, Select, delete, select

from wylloh_server.adapters.database._proposals import proposal_as_json, proposal_from_json
from wylloh_server.adapters.database._tables import transaction_hashes, transactions
from wylloh_server.adapters.database._upsert import upsert
from wylloh_server.domain.transaction import Trail, Transaction, TransactionId, TransactionState

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from wylloh_server.adapters.database._connections import Connections
    from wylloh_server.domain.types import Timestamp, Wallet

_NEVER_SENT = (transactions.c.state == TransactionState.EXPIRED) & (transactions.c.sent == 0)
_LOOKED_FOR = (transactions.c.sent > 0) | transactions.c.trail_asked.is_not(None)


class TransactionTable:
    """Transactions for wallets. See `domain.ports.transactions.Transactions`."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def add(self, transaction: Transaction) -> None:
        """Keep a new one."""
        async with self._connections.writing() as connection:
            await upsert(connection, transactions, _row_of(transaction))

    async def save(self, transaction: Transaction) -> bool:
        """Replace what is known of one; False, and nothing is changed, if a hash of it belongs to another."""
        async with self._connections.writing() as connection:
            if await _belongs_to_another(connection, transaction):
                return False
            for one in transaction.hashes:
                await upsert(connection, transaction_hashes, {"hash": one, "transaction": transaction.id})
            await upsert(connection, transactions, _row_of(transaction))
        return True

    async def get(self, transaction: TransactionId) -> Transaction | None:
        """Find one."""
        found = await self._found(select(transactions).where(transactions.c.id == transaction))
        return found[0] if found else None

    async def of_hash(self, transaction_hash: str) -> TransactionId | None:
        """Find the one to which a hash belongs."""
        wanted = select(transaction_hashes.c.transaction).where(transaction_hashes.c.hash == transaction_hash)
        async with self._connections.reading() as connection:
            found: str | None = await connection.scalar(wanted)
        return None if found is None else TransactionId(found)

    async def of_wallet(self, wallet: Wallet, *, limit: int, offset: int = 0) -> tuple[Transaction, ...]:
        """Give a wallet's, newest first, without those that expired before anything was sent."""
        theirs = select(transactions).where((transactions.c.wallet == wallet) & ~_NEVER_SENT)
        newest_first = theirs.order_by(transactions.c.created.desc(), transactions.c.id)
        return await self._found(newest_first.limit(limit).offset(offset))

    async def followed(self) -> tuple[Transaction, ...]:
        """Give those for which the chain has to be asked, oldest first."""
        return await self._oldest_first(transactions.c.final.is_(False) & _LOOKED_FOR)

    async def waiting(self, before: Timestamp) -> tuple[Transaction, ...]:
        """Give those that wait for their wallet, and in which nothing has happened since a moment."""
        still = (transactions.c.state == TransactionState.PREPARED) & (transactions.c.changed < before)
        return await self._oldest_first(still)

    async def forget(self, before: Timestamp) -> None:
        """Forget those that expired before anything was sent, and were made before a moment."""
        old = _NEVER_SENT & (transactions.c.created < before)
        async with self._connections.writing() as connection:
            await connection.execute(delete(transactions).where(old))

    async def _oldest_first(self, condition: ColumnElement[bool]) -> tuple[Transaction, ...]:
        wanted = select(transactions).where(condition)
        return await self._found(wanted.order_by(transactions.c.created, transactions.c.id))

    async def _found(self, wanted: Select[Any]) -> tuple[Transaction, ...]:
        async with self._connections.reading() as connection:
            return tuple(_transaction_of(row) for row in await connection.execute(wanted))


async def _belongs_to_another(connection: AsyncConnection, transaction: Transaction) -> bool:
    hashes = transaction_hashes.c
    others = select(hashes.hash).where(
        hashes.hash.in_(transaction.hashes), hashes.transaction != transaction.id
    )
    return await connection.scalar(others.limit(1)) is not None


def _row_of(transaction: Transaction) -> dict[str, Any]:
    trail = transaction.trail
    return {
        "id": transaction.id,
        "wallet": transaction.wallet,
        "plugin": transaction.plugin,
        "proposal": proposal_as_json(transaction.proposal),
        "state": transaction.state,
        "step": transaction.step,
        "hashes": list(transaction.hashes),
        "sent": len(transaction.hashes),
        "created": transaction.created,
        "changed": transaction.changed,
        "block": transaction.block,
        "reason": transaction.reason,
        "signatures": list(transaction.signatures),
        "trail_asked": trail and trail.asked,
        "trail_block": trail and trail.block,
        "trail_nonce": trail and trail.nonce,
        "trail_exact": trail and trail.exact,
        "final": transaction.final,
    }


def _transaction_of(row: Row[Any]) -> Transaction:
    return Transaction(
        id=row.id,
        wallet=row.wallet,
        plugin=row.plugin,
        proposal=proposal_from_json(row.proposal),
        state=TransactionState(row.state),
        step=row.step,
        hashes=tuple(row.hashes),
        created=row.created,
        changed=row.changed,
        block=row.block,
        reason=row.reason,
        signatures=tuple(row.signatures),
        trail=_trail_of(row),
        final=row.final,
    )


def _trail_of(row: Row[Any]) -> Trail | None:
    if row.trail_asked is None:
        return None
    return Trail(row.trail_asked, row.trail_block, row.trail_nonce, row.trail_exact)
