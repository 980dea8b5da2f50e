"""Several RPCs as one: the first that works answers, and where it matters several must agree."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self, TypeVar

from wylloh_server.adapters.chain.quorum import PATIENCE, Quorum, combined_fault
from wylloh_server.adapters.chain.rpc_node import NodeLimits, RpcNode
from wylloh_server.domain.errors import ChainError, ChainUnavailable, NoContract, WrongChain

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from wylloh_server.domain.ports.chain import BlockHeader
    from wylloh_server.domain.types import ChainId, Wallet

T = TypeVar("T")

_CANNOT_BE_USED = (ChainUnavailable, WrongChain, NoContract)


class RpcPool:
    """The RPC URLs of one chain, in the order they are configured.

    Nothing is sent before the first question, so the server starts even when every RPC is down. A node is
    asked for its chain id, for code at the contract's address and for its newest block before it is first
    used and again after each failure; one that fails rests for a while, costs nothing meanwhile, and is then
    tried again.
    """

    def __init__(
        self,
        urls: Sequence[str],
        chain_id: ChainId,
        contract: Wallet | None = None,
        *,
        limits: NodeLimits | None = None,
        quorum: int = 2,
    ) -> None:
        """Set the pool up.

        Args:
            urls: http(s) addresses, best first; with none, every question is ChainUnavailable.
            chain_id: the only chain that is believed.
            contract: address that must have code; None before a contract is deployed.
            limits: when a node is not believed.
            quorum: how many must say the same in `agreed`; all of them where there are fewer.
        """
        self.chain_id = chain_id
        self.contract = contract
        self.needed = min(quorum, len(urls))
        limits = limits or NodeLimits()
        self.nodes = [RpcNode(url, chain_id, contract, limits) for url in urls]
        self._quorums: set[asyncio.Task[None]] = set()

    async def run(self, operation: Callable[[RpcNode], Awaitable[T]]) -> T:
        """Run an operation whose requests must all go to the same node; begin it anew on the next one.

        For work in the background: a node may take as long as it needs.

        Raises:
            ChainUnavailable, WrongChain, NoContract: no node could be used, and why.
            RequestRefused: every node that works refused the question.
            CallReverted: the contract refused the call.
        """
        faults: list[ChainError] = []
        for node in self._in_order():
            try:
                return await node.run(operation)
            except _CANNOT_BE_USED as fault:
                faults.append(fault)
        raise combined_fault(faults)

    async def request(self, method: str, parameters: list[Any]) -> Any:
        """Send one JSON-RPC request and give its result, whatever that is. Raises like `run`."""
        return await self.run(lambda ask: ask(method, parameters))

    async def ask(self, operation: Callable[[RpcNode], Awaitable[T]]) -> T:
        """Run an operation for which somebody waits: one that is slow is overtaken by the next node.

        The operation must only read, as it may run on several nodes at once. Raises like `run`.
        """
        waiting, faults = self._in_order(), list[ChainError]()
        running: dict[asyncio.Task[T], RpcNode] = {}
        try:
            while waiting or running:
                if waiting:
                    node = waiting.pop(0)
                    running[asyncio.create_task(node.run(operation))] = node
                done, late = await asyncio.wait(
                    running, timeout=PATIENCE if waiting else None, return_when=asyncio.FIRST_COMPLETED
                )
                if not done:
                    running[next(iter(late))].doubtful = True
                for task in done:
                    del running[task]
                    try:
                        return task.result()
                    except _CANNOT_BE_USED as fault:
                        faults.append(fault)
        finally:
            await _cancelled(running)
        raise combined_fault(faults)

    async def agreed(self, question: Callable[[RpcNode, BlockHeader], Awaitable[T]]) -> T:
        """Put a question about one block to all nodes side by side; return what enough of them agree on.

        The block is the newest of one of them, and no older than `NodeLimits.age`.

        Raises:
            ChainUnavailable: too few could be used, or they contradict each other; and which.
            WrongChain, NoContract, RequestRefused, CallReverted: as `run`.
        """
        quorum = Quorum(self.nodes, self.needed, question)
        collecting = asyncio.create_task(quorum.collect())
        self._quorums.add(collecting)
        collecting.add_done_callback(self._quorums.discard)
        return await quorum.verdict

    def _in_order(self) -> list[RpcNode]:
        return sorted(self.nodes, key=lambda node: node.doubtful or bool(node.contradiction))

    async def close(self) -> None:
        """Close every connection."""
        await _cancelled(self._quorums)
        for node in self.nodes:
            await node.close()

    async def __aenter__(self) -> Self:
        """Return the pool itself; nothing is sent yet."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every connection."""
        await self.close()


async def _cancelled(tasks: Iterable[asyncio.Task[Any]]) -> None:
    for task in (ended := tuple(tasks)):
        task.cancel()
    await asyncio.gather(*ended, return_exceptions=True)
