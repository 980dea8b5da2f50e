"""The transactions that are kept: each is changed by one at a time, and everybody concerned is told."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from wylloh_server.domain.errors import NotFound
from wylloh_server.domain.events import TransactionConfirmed
from wylloh_server.domain.topics import TRANSACTIONS, WALLET
from wylloh_server.domain.transaction import TransactionState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wylloh_server.domain.transaction import Transaction, TransactionId
    from wylloh_server.services.operations.event_bus import EventBus
    from wylloh_server.services.operations.live_updates import LiveUpdates
    from wylloh_server.storage.transactions import TransactionRepository


class TransactionLog:
    """Keeps transactions. Telling open pages and listeners goes together with storing."""

    def __init__(self, *, transactions: TransactionRepository, live: LiveUpdates, bus: EventBus) -> None:
        self.repository = transactions
        self._live = live
        self._bus = bus
        self._locks: WeakValueDictionary[TransactionId, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def changing(self, transaction: TransactionId) -> AsyncIterator[Transaction]:
        """Have a transaction for oneself until the context ends.

        Raises:
            NotFound: there is none.
        """
        lock = self._locks.setdefault(transaction, asyncio.Lock())
        async with lock:
            yield await self.get(transaction)

    async def get(self, transaction: TransactionId) -> Transaction:
        """Find a transaction.

        Raises:
            NotFound: there is none.
        """
        found = await self.repository.get(transaction)
        if found is None:
            raise NotFound("There is no such transaction here.", fix="Go back to your transactions.")
        return found

    async def save(self, before: Transaction, after: Transaction) -> bool:
        """Store a change and tell of it; False when a hash of it belongs to another transaction."""
        if after == before:
            return True
        if not await self.repository.save(after):
            return False
        self._tell(before, after)
        return True

    def notify_pages(self, transaction: Transaction) -> None:
        """Have open pages look at a transaction again."""
        self._live.changed(TRANSACTIONS, wallet=transaction.wallet)

    def _tell(self, before: Transaction, after: Transaction) -> None:
        self.notify_pages(after)
        if after.state is before.state:
            return
        link = f"/transactions/{after.id}"
        if after.state is TransactionState.CONFIRMED:
            self._bus.publish(TransactionConfirmed(after.id, after.wallet, after.plugin))
            self._live.notify(after.wallet, after.proposal.done, link)
        elif after.state is TransactionState.FAILED:
            self._live.notify(after.wallet, f"{after.proposal.title}: {after.reason}", link)
        if TransactionState.CONFIRMED in {before.state, after.state}:
            self._live.changed(*after.proposal.topics)
            self._live.changed(WALLET, wallet=after.wallet)
