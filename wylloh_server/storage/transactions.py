"""Transactions for wallets as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Row, Select, delete, select, update

from wylloh_server.domain.transaction import (
    PendingCall,
    SigningClaim,
    Transaction,
    TransactionId,
    TransactionState,
)
from wylloh_server.storage.proposals import proposal_as_json, proposal_from_json
from wylloh_server.storage.tables import transaction_hashes, transactions
from wylloh_server.storage.upsert import upsert

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from wylloh_server.domain.types import Timestamp, Wallet
    from wylloh_server.storage.connections import Connections

_NEVER_SENT = (transactions.c.state == TransactionState.EXPIRED) & (transactions.c.sent == 0)
_UNCLAIMED = dict.fromkeys(("claimed_by", "claimed_until", "claimed_step", "claimed_first"))
_LOOKED_FOR = (transactions.c.sent > 0) | transactions.c.trail_asked.is_not(None)


class TransactionRepository:
    """Transactions for wallets. A hash belongs to one of them for ever."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def add(self, transaction: Transaction) -> None:
        """Keep a new one."""
        async with self._connections.writing() as connection:
            await upsert(connection, transactions, _to_row(transaction))

    async def save(self, transaction: Transaction) -> bool:
        """Replace what is known of one; False, and nothing is changed, if a hash of it belongs to another."""
        async with self._connections.writing() as connection:
            if await _belongs_to_another(connection, transaction):
                return False
            for one in transaction.hashes:
                await upsert(connection, transaction_hashes, {"hash": one, "transaction": transaction.id})
            await upsert(connection, transactions, _to_row(transaction))
        return True

    async def claim(self, transaction: TransactionId, claim: SigningClaim, now: Timestamp) -> bool:
        """Claim a step; False if somebody else holds a claim on it that is still good."""
        columns = transactions.c
        free = columns.claimed_until.is_(None) | (columns.claimed_until <= now)
        free |= columns.claimed_step != claim.step
        values = {
            "claimed_by": claim.by,
            "claimed_until": claim.until,
            "claimed_step": claim.step,
            "claimed_first": claim.first,
        }
        async with self._connections.writing() as connection:
            changed = await connection.execute(
                update(transactions).where((columns.id == transaction) & free).values(values)
            )
        return bool(changed.rowcount)

    async def claimed(self, transaction: TransactionId) -> SigningClaim | None:
        """Return the claim on a transaction, good or over."""
        columns = (transactions.c[name] for name in _UNCLAIMED)
        async with self._connections.reading() as connection:
            row = (await connection.execute(select(*columns).where(transactions.c.id == transaction))).first()
        return None if row is None or row.claimed_until is None else SigningClaim(*row)

    async def release(self, transaction: TransactionId) -> None:
        """Forget the claim on a transaction."""
        claimed = (transactions.c.id == transaction) & transactions.c.claimed_until.is_not(None)
        async with self._connections.writing() as connection:
            await connection.execute(update(transactions).where(claimed).values(_UNCLAIMED))

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
        """Return a wallet's, newest first, without those that expired before anything was sent."""
        theirs = select(transactions).where((transactions.c.wallet == wallet) & ~_NEVER_SENT)
        newest_first = theirs.order_by(transactions.c.created.desc(), transactions.c.id)
        return await self._found(newest_first.limit(limit).offset(offset))

    async def followed(self) -> tuple[Transaction, ...]:
        """Return the transactions to ask the chain about, oldest first: asked or sent, and not yet final."""
        return await self._oldest_first(transactions.c.final.is_(False) & _LOOKED_FOR)

    async def waiting(self, before: Timestamp) -> tuple[Transaction, ...]:
        """Return those that wait for their wallet, and in which nothing has happened since a moment."""
        still = (transactions.c.state == TransactionState.PREPARED) & (transactions.c.changed < before)
        return await self._oldest_first(still)

    async def forget(self, before: Timestamp) -> None:
        """Delete those that expired before anything was sent, and were made before a moment."""
        old = _NEVER_SENT & (transactions.c.created < before)
        async with self._connections.writing() as connection:
            await connection.execute(delete(transactions).where(old))

    async def _oldest_first(self, condition: ColumnElement[bool]) -> tuple[Transaction, ...]:
        wanted = select(transactions).where(condition)
        return await self._found(wanted.order_by(transactions.c.created, transactions.c.id))

    async def _found(self, wanted: Select[Any]) -> tuple[Transaction, ...]:
        async with self._connections.reading() as connection:
            return tuple(_to_transaction(row) for row in await connection.execute(wanted))


async def _belongs_to_another(connection: AsyncConnection, transaction: Transaction) -> bool:
    hashes = transaction_hashes.c
    others = select(hashes.hash).where(
        hashes.hash.in_(transaction.hashes), hashes.transaction != transaction.id
    )
    return await connection.scalar(others.limit(1)) is not None


def _to_row(transaction: Transaction) -> dict[str, Any]:
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


def _to_transaction(row: Row[Any]) -> Transaction:
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
        trail=_to_pending_call(row),
        final=row.final,
    )


def _to_pending_call(row: Row[Any]) -> PendingCall | None:
    if row.trail_asked is None:
        return None
    return PendingCall(row.trail_asked, row.trail_block, row.trail_nonce, row.trail_exact)
