"""Transactions of a test: composed and kept as the server does, and tried on a chain that a test commands."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from wylloh_server.adapters.chain.rpc_pool import RpcPool
from wylloh_server.adapters.chain.wallet_call_client import PoolWalletCalls
from wylloh_server.domain.errors import ChainUnavailable
from wylloh_server.domain.ports.wallet_calls import CallRefusal, WalletStanding
from wylloh_server.domain.transaction import TransactionState
from wylloh_server.domain.types import BlockNumber, Timestamp
from wylloh_server.sdk.testing.sample_chain import CHAIN_ID
from wylloh_server.services.operations.event_bus import EventBus
from wylloh_server.services.transactions.call_review import CallReview
from wylloh_server.services.transactions.receipt_tracker import ReceiptTracker
from wylloh_server.services.transactions.transaction_log import TransactionLog
from wylloh_server.services.transactions.transaction_service import TransactionService

if TYPE_CHECKING:
    from collections.abc import Callable

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.events import Event
    from wylloh_server.domain.ports.plugin_services import PluginChain
    from wylloh_server.domain.ports.wallet_calls import PreparedCall, SeenCall
    from wylloh_server.domain.transaction import Proposal, TransactionId
    from wylloh_server.domain.types import Wallet
    from wylloh_server.services.operations.live_updates import LiveUpdates
    from wylloh_server.storage.database import Storage

_NEWEST = BlockNumber(1)


class SampleCalls(PoolWalletCalls):
    """The port `WalletCalls` without a chain: calls are encoded as in the server, and refused on demand.

    Attributes:
        refused: name of the custom error with which contracts refuse from now on; empty when they do not.
        silent: whether nobody can ask the chain.
    """

    def __init__(self) -> None:
        super().__init__(RpcPool((), CHAIN_ID))
        self.refused = ""
        self.silent = False

    async def refusal(self, call: PreparedCall, at: BlockNumber | None = None) -> CallRefusal | None:
        """Refuse with the error that the test set."""
        del call, at
        self._speak()
        return CallRefusal(self.refused) if self.refused else None

    async def standing(self, wallet: Wallet) -> WalletStanding:
        """Return the state of a wallet without transactions."""
        del wallet
        self._speak()
        return WalletStanding(_NEWEST, 0)

    async def seen(self, transaction: str) -> SeenCall | None:
        """Find nothing."""
        del transaction
        self._speak()
        return None

    async def numbered(self, wallet: Wallet, nonce: int, after: BlockNumber) -> SeenCall | None:
        """Find nothing."""
        del wallet, nonce, after
        self._speak()
        return None

    async def final(self) -> BlockNumber:
        """Return the newest block."""
        self._speak()
        return _NEWEST

    def _speak(self) -> None:
        if self.silent:
            raise ChainUnavailable("the chain cannot be reached", fix="Wait.")


class SampleTransactions:
    """What a plugin gets as `context.transactions`, and what a test does with it.

    Attributes:
        proposals: every proposal that was made and not refused, in order.
        calls: the chain on which they are tried: set `refused` to an error's name, or `silent`.
        service: the server's own.
        trusted: contracts that the owner named in `chain.trusted_contracts`, name by address; tests put those
            of the plugin there that are none of `contracts`.
    """

    def __init__(
        self,
        storage: Storage,
        live: LiveUpdates,
        publish: Callable[[Event], None],
        chain: PluginChain,
    ) -> None:
        self.proposals: list[Proposal] = []
        self.calls = SampleCalls()
        self.trusted: dict[Wallet, str] = {}
        bus = EventBus()
        bus.listeners.append(publish)
        self._log = TransactionLog(transactions=storage.transactions, live=live, bus=bus)
        tracker = ReceiptTracker(log=self._log, calls=self.calls, clock=_now)
        review = CallReview(calls=self.calls, chain_id=CHAIN_ID, chain=chain, trusted=self.trusted)
        self.service = TransactionService(
            log=self._log, calls=self.calls, tracker=tracker, review=review, clock=_now
        )

    async def propose(self, viewer: Viewer, proposal: Proposal, plugin: str = "") -> TransactionId:
        """Compose every call, try the first, keep the proposal, and note it."""
        transaction = await self.service.propose(viewer, proposal, plugin)
        self.proposals.append(proposal)
        return transaction

    async def confirm(self, transaction: TransactionId) -> None:
        """Confirm every step of a transaction on the chain."""
        async with self._log.changing(transaction) as before:
            done = replace(before, state=TransactionState.CONFIRMED, step=len(before.proposal.steps))
            await self._log.save(before, replace(done, block=_NEWEST, final=True))


def _now() -> Timestamp:
    return Timestamp(time.time())
