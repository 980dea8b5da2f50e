"""Transactions of a test: composed and kept as the server does, and tried on a chain that a test commands."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from wylloh_server.adapters.chain.rpc import RpcPool
from wylloh_server.adapters.chain.wallet_calls import PoolWalletCalls
from wylloh_server.domain.errors import ChainUnavailable
from wylloh_server.domain.ports.wallet_calls import CallRefusal, WalletStanding
from wylloh_server.domain.transaction import TransactionState
from wylloh_server.domain.types import BlockNumber, ChainId, Timestamp
from wylloh_server.services.bus import Bus
from wylloh_server.services.transactions import Follower, Ledger, TransactionDesk

if TYPE_CHECKING:
    from collections.abc import Callable

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.events import Event
    from wylloh_server.domain.ports.transactions import Transactions
    from wylloh_server.domain.ports.wallet_calls import PreparedCall, SeenCall
    from wylloh_server.domain.transaction import ContractCall, Proposal, TransactionId
    from wylloh_server.domain.types import Wallet
    from wylloh_server.hooks.context import PluginLive

_NEWEST = BlockNumber(1)


class SampleCalls:
    """The port `WalletCalls` without a chain: calls are encoded as ever, and refused when a test says so.

    Attributes:
        refused: name of the custom error with which contracts refuse from now on; empty when they do not.
        silent: whether nobody can ask the chain.
    """

    def __init__(self) -> None:
        self.refused = ""
        self.silent = False
        self._encoder = PoolWalletCalls(RpcPool((), ChainId(1)))

    def prepared(self, sender: Wallet, call: ContractCall, signature: str = "") -> PreparedCall:
        """Encode a call. Raises InvalidValue."""
        return self._encoder.prepared(sender, call, signature)

    async def refusal(self, call: PreparedCall, at: BlockNumber | None = None) -> CallRefusal | None:
        """Refuse as told."""
        del call, at
        self._speak()
        return CallRefusal(self.refused) if self.refused else None

    async def standing(self, wallet: Wallet) -> WalletStanding:
        """Say that the wallet has made no transaction yet."""
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
        """Give the newest block."""
        self._speak()
        return _NEWEST

    def _speak(self) -> None:
        if self.silent:
            raise ChainUnavailable("nobody answers for the chain", fix="Wait.")


class SampleTransactions:
    """What a plugin gets as `context.transactions`, and what a test does with it.

    Attributes:
        proposals: every proposal that was made and not refused, in order.
        calls: the chain on which they are tried: set `refused` to an error's name, or `silent`.
    """

    def __init__(self, kept: Transactions, live: PluginLive, publish: Callable[[Event], None]) -> None:
        self.proposals: list[Proposal] = []
        self.calls = SampleCalls()
        bus = Bus()
        bus.subscribe(publish)
        self._ledger = Ledger(transactions=kept, live=live, bus=bus)
        follower = Follower(ledger=self._ledger, calls=self.calls, clock=_now)
        self._desk = TransactionDesk(ledger=self._ledger, calls=self.calls, follower=follower, clock=_now)

    async def propose(self, viewer: Viewer, proposal: Proposal, plugin: str = "") -> TransactionId:
        """Compose every call, try the first, keep the proposal, and note it."""
        transaction = await self._desk.propose(viewer, proposal, plugin)
        self.proposals.append(proposal)
        return transaction

    async def confirm(self, transaction: TransactionId) -> None:
        """Let a transaction be confirmed on the chain, every step of it."""
        async with self._ledger.changing(transaction) as before:
            done = replace(before, state=TransactionState.CONFIRMED, step=len(before.proposal.steps))
            await self._ledger.save(before, replace(done, block=_NEWEST, final=True))


def _now() -> Timestamp:
    return Timestamp(time.time())
