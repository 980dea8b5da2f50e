"""Transactions on the demo's chain at a chosen time: anvil signs for its own accounts and obeys a clock.

Nothing like this exists on a real chain; it is how three months of trade happen while the demo starts.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from wylloh_server.adapters.chain.registry_calls import call, deploy
from wylloh_server.domain.errors import ChainError
from wylloh_server.domain.types import Wallet, parse_wallet
from wylloh_server.resources import contract_artifact

if TYPE_CHECKING:
    from wylloh_server.adapters.chain import RpcPool
    from wylloh_server.adapters.chain.registry_calls import UnsignedTransaction

_PATIENCE = 20.0
_POLL = 0.005


class SeedLedger:
    """Sends transactions of anvil's own accounts, each at a time that only goes forward."""

    def __init__(self, chain: RpcPool) -> None:
        self._chain = chain
        self.sent = 0

    async def at(self, moment: float) -> None:
        """Set the time of the next block; the last block's time if that is later."""
        latest = await self._chain.request("eth_getBlockByNumber", ["latest", False])
        after = max(int(moment), int(latest["timestamp"], 16) + 1)
        await self._chain.request("evm_setNextBlockTimestamp", [after])

    async def now(self) -> None:
        """Set the chain's time to the present."""
        await self.at(time.time())
        await self._chain.request("evm_mine", [])

    async def call(self, sender: Wallet, contract: Wallet, function: str, *arguments: Any) -> dict[str, Any]:
        """Call a contract; returns the receipt. Raises ChainError when it refuses."""
        return await self.send(sender, call(contract, function, arguments))

    async def deploy(self, sender: Wallet, name: str, *values: Any) -> Wallet:
        """Deploy one of the project's contracts; returns its address."""
        receipt = await self.send(sender, deploy(contract_artifact(name), values))
        return parse_wallet(receipt["contractAddress"])

    async def send(self, sender: Wallet, transaction: UnsignedTransaction) -> dict[str, Any]:
        """Send a transaction and wait for its receipt. Raises ChainError when it was refused."""
        body = {"from": sender, "data": transaction.data} | ({"to": transaction.to} if transaction.to else {})
        sent = await self._chain.request("eth_sendTransaction", [body])
        receipt = await self._receipt(sent)
        if receipt["status"] != "0x1":
            raise ChainError(f"the demo's transaction {sent} was refused", fix="Start the demo anew.")
        self.sent += 1
        return receipt

    async def _receipt(self, sent: str) -> dict[str, Any]:
        patience = time.monotonic() + _PATIENCE
        while time.monotonic() < patience:
            receipt: dict[str, Any] | None = await self._chain.request("eth_getTransactionReceipt", [sent])
            if receipt is not None:
                return receipt
            await asyncio.sleep(_POLL)
        raise ChainError("the demo's chain does not answer", fix="Start the demo anew.")
