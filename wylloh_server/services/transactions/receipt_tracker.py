"""Asks the chain what became of what wallets were asked for and sent, until nothing can be taken back.

All it goes by is stored, so after a restart it goes on. It believes the chain, not the browser: a hash
counts only if the transaction behind it is the one that was prepared. By the wallet's own numbering it also
finds what the wallet sent under another hash (sped up), or sent after the page that asked was closed.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import ChainError
from wylloh_server.domain.transaction import Transaction, TransactionState
from wylloh_server.domain.types import Seconds, Timestamp
from wylloh_server.services.operations.scheduler import run_periodically
from wylloh_server.services.transactions import messages
from wylloh_server.services.transactions.elapsed_time import ElapsedTime
from wylloh_server.services.transactions.refresh import VALID_SECONDS, expired

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from wylloh_server.domain.ports.clock import Clock
    from wylloh_server.domain.ports.wallet_calls import PreparedCall, SeenCall, WalletCalls
    from wylloh_server.domain.types import BlockNumber
    from wylloh_server.services.transactions.transaction_log import TransactionLog

NUMBER_SECONDS = 5
"""How long the chain has to show the number of what a wallet has just sent."""

LOST_SECONDS = 30 * 60
"""How long the chain may not know a hash before it counts as lost."""

WATCHED_SECONDS = 2 * 60 * 60
"""How long a call is looked for that a wallet was asked for, and of which no hash was told."""

_FORGOTTEN_SECONDS = 24 * 60 * 60
_SOON, _LATER, _IDLE = Seconds(2), Seconds(12), Seconds(60)
_FRESH_SECONDS = 120
_MOST_NUMBERS = 20
"""A wallet's transactions that are looked at for the one that was prepared."""


class ReceiptTracker:
    """Follows transactions. Everything it asks may raise ChainError: then nothing follows from it.

    Args:
        log: the transactions.
        calls: asks the chain.
        clock: gives the present moment.
        timer: counts seconds, whatever is done to the clock.

    Attributes:
        woken: set it when there is something to follow.
    """

    def __init__(
        self,
        *,
        log: TransactionLog,
        calls: WalletCalls,
        clock: Clock,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._calls = calls
        self._clock = clock
        self._elapsed = ElapsedTime(clock, timer)
        self._pause = Seconds(0)
        self.woken = asyncio.Event()

    def running(self) -> AbstractAsyncContextManager[None]:
        """Follow until the context ends; what is open then goes on at the next start."""
        return run_periodically("following transactions", self._next_look, Seconds(0))

    async def check(self) -> Seconds:
        """Look once at everything that is open; gives how long to wait before the next look.

        Raises:
            ChainError, StorageError: nothing is known; what is stored stays.
        """
        now = self._clock()
        for waiting in await self._log.repository.waiting(Timestamp(now - VALID_SECONDS)):
            async with self._log.changing(waiting.id) as before:
                await self._log.save(before, expired(before, now))
        await self._log.repository.forget(Timestamp(now - _FORGOTTEN_SECONDS))
        followed = await self._log.repository.followed()
        for one in followed:
            async with self._log.changing(one.id) as before:
                await self._log.save(before, await self.followed(before))
        return _patience(await self._log.repository.followed(), now)

    async def with_number(self, transaction: Transaction) -> Transaction:
        """Return what was just sent with the number the chain shows for it; as it is if the chain shows none.

        By that number a replacement is recognised, however soon the wallet makes one.
        """
        try:
            async with asyncio.timeout(NUMBER_SECONDS):
                return _with_number(transaction, await self._calls.seen(transaction.hashes[-1]))
        except (ChainError, TimeoutError):
            return transaction

    async def followed(self, transaction: Transaction) -> Transaction:
        """Return a transaction as the chain has it. Raises ChainError."""
        block: BlockNumber | None = None
        for place, sent in enumerate(transaction.hashes):
            seen = await self._calls.seen(sent)
            if seen is not None and seen.call != self._call(transaction, place):
                return _failed(transaction, messages.SOMETHING_ELSE)
            if seen is None or seen.block is None:
                return await self._unmined(transaction, place, seen)
            if not seen.succeeded:
                return await self._refused(transaction, seen)
            block = seen.block
        if block is None:
            return await self._unsent(transaction)
        return await self._mined(transaction, block)

    async def _unmined(self, transaction: Transaction, place: int, seen: SeenCall | None) -> Transaction:
        """What was sent waits, was taken back by a reorg, was replaced, or never reached the chain."""
        waits = _waiting(transaction, place, self._clock())
        is_late = self._elapsed.since(waits.changed) > LOST_SECONDS
        if place < len(transaction.hashes) - 1 or waits.trail is None:
            return waits
        waits = _with_number(waits, seen)
        found, used = await self._same(waits)
        if found is not None:
            return await self.followed(replace(waits, hashes=(*waits.hashes[:-1], found.hash)))
        if used and seen is None:
            return _failed(waits, messages.REPLACED)
        if seen is None and is_late:
            return _failed(waits, messages.LOST)
        return waits

    async def _unsent(self, transaction: Transaction) -> Transaction:
        """No hash was told: the page may be gone, and the wallet may have sent it all the same."""
        if transaction.trail is None or not transaction.asked:
            return transaction
        is_over = self._elapsed.since(transaction.trail.asked) > WATCHED_SECONDS
        found, _ = await self._same(transaction)
        if found is not None:
            sent = replace(transaction, state=TransactionState.SENT, changed=self._clock(), reason="")
            return await self.followed(replace(sent, hashes=(*sent.hashes, found.hash)))
        return replace(transaction, final=True) if is_over else transaction

    async def _mined(self, transaction: Transaction, block: BlockNumber) -> Transaction:
        """Every call sent so far is on the chain and did what it should."""
        last = transaction.calls[len(transaction.hashes) - 1]
        final = block <= await self._calls.final()
        mined = replace(transaction, block=block)
        if last + 1 == len(transaction.proposal.steps):
            step = last + 1
            return replace(mined, state=TransactionState.CONFIRMED, step=step, reason="", final=final)
        if transaction.state is TransactionState.SENT:
            mined = replace(mined, state=TransactionState.PREPARED, step=last + 1, trail=None)
            return replace(mined, changed=self._clock(), final=final)
        return await self._unsent(mined) if mined.asked else replace(mined, final=final)

    async def _refused(self, transaction: Transaction, seen: SeenCall) -> Transaction:
        final = seen.block is not None and seen.block <= await self._calls.final()
        if transaction.state is TransactionState.FAILED:
            return replace(transaction, final=final, block=seen.block)
        refusal = await self._calls.refusal(seen.call, seen.block)
        why = messages.refusal_sentence(refusal, transaction.proposal) if refusal else ""
        reason = f"{messages.REFUSED_ON_CHAIN} {why}".strip()
        return replace(_failed(transaction, reason), block=seen.block, final=final)

    async def _same(self, transaction: Transaction) -> tuple[SeenCall | None, bool]:
        """Find the prepared call under any hash; also whether its number went to another call."""
        trail = transaction.trail
        if trail is None:
            return None, False
        made = (await self._calls.standing(transaction.wallet)).nonce
        first = trail.nonce if trail.exact is None else trail.exact
        numbers = range(first, min(made, first + _MOST_NUMBERS if trail.exact is None else first + 1))
        wanted = self._call(transaction, sum(index < transaction.step for index in transaction.calls))
        for number in numbers:
            found = await self._calls.numbered(transaction.wallet, number, trail.block)
            if found is not None and found.call == wanted and await self._is_free(transaction, found):
                return found, True
        return None, trail.exact is not None and made > trail.exact

    async def _is_free(self, transaction: Transaction, found: SeenCall) -> bool:
        return await self._log.repository.of_hash(found.hash) in {None, transaction.id}

    def _call(self, transaction: Transaction, place: int) -> PreparedCall:
        signature = transaction.signature_for(transaction.calls[place])
        return self._calls.prepared(transaction.wallet, transaction.proposal.calls[place], signature)

    async def _next_look(self) -> None:
        """Look when the pause is over, or something new is to be followed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pause):
                await self.woken.wait()
                self.woken.clear()
        self._pause = _SOON
        self._pause = await self.check()


def _waiting(transaction: Transaction, place: int, now: Timestamp) -> Transaction:
    """Return the transaction as sent; one that a reorg took back begins to wait anew."""
    taken_back = transaction.state is not TransactionState.SENT
    return replace(
        transaction,
        state=TransactionState.SENT,
        step=transaction.calls[place],
        block=None,
        reason="",
        changed=now if taken_back else transaction.changed,
        final=False,
    )


def _with_number(transaction: Transaction, seen: SeenCall | None) -> Transaction:
    """Return the transaction with the number of its last call, if the chain has shown the call."""
    if seen is None or transaction.trail is None:
        return transaction
    return replace(transaction, trail=replace(transaction.trail, exact=seen.nonce))


def _failed(transaction: Transaction, reason: str) -> Transaction:
    return replace(transaction, state=TransactionState.FAILED, reason=reason, block=None, final=True)


def _patience(open_now: tuple[Transaction, ...], now: Timestamp) -> Seconds:
    for one in open_now:
        if one.state is TransactionState.SENT or (one.asked and now - one.changed < _FRESH_SECONDS):
            return _SOON
    return _LATER if open_now else _IDLE
