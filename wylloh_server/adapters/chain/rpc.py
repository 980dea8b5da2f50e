"""Several RPCs as one: the first that works answers, the others wait for its failure."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self, TypeVar

from wylloh_server.adapters.chain._faults import RequestRefused
from wylloh_server.adapters.chain._node import Asking, Node
from wylloh_server.domain.errors import ChainError, ChainUnavailable, NoContract, WrongChain
from wylloh_server.domain.ports.chain import ChainStatus, NodeStatus
from wylloh_server.domain.types import Seconds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from types import TracebackType

    from wylloh_server.domain.types import BlockNumber, ChainId, Wallet

T = TypeVar("T")


class RpcPool:
    """Fails over between the RPC URLs of one chain, in the order they are configured.

    Nothing is sent before the first question, so the server starts even when every RPC is down. A node is
    asked for its chain id, and for code at the contract's address, before it is first used and again after
    each failure; one that fails rests for a while, costs nothing meanwhile, and is then tried again.
    """

    def __init__(
        self,
        urls: Sequence[str],
        chain_id: ChainId,
        contract: Wallet | None = None,
        *,
        deadline: Seconds = Seconds(5),
        cool_down: Seconds = Seconds(5),
    ) -> None:
        """Set the pool up.

        Args:
            urls: http(s) addresses, best first; with none, every question is ChainUnavailable.
            chain_id: the only chain that is believed.
            contract: address that must have code; None before a contract is deployed.
            deadline: longest wait for one JSON-RPC answer.
            cool_down: how long a node that failed is left alone.
        """
        self.chain_id = chain_id
        self.contract = contract
        self._nodes = [Node(url, chain_id, contract, deadline, cool_down) for url in urls]

    async def run(self, operation: Callable[[Asking], Awaitable[T]]) -> T:
        """Run an operation whose requests must all go to the same node; begin it anew on the next one.

        Raises:
            ChainUnavailable, WrongChain, NoContract: no node could be used, and why.
            RequestRefused: every node that works refused the question.
            CallReverted: the contract refused the call.
        """
        faults: list[ChainError] = []
        for node in self._nodes:
            try:
                return await node.run(operation)
            except (ChainUnavailable, WrongChain, NoContract) as fault:
                faults.append(fault)
        raise _together(faults)

    async def request(self, method: str, parameters: list[Any]) -> Any:
        """Send one JSON-RPC request and give its result. Raises like `run`."""
        return await self.run(lambda ask: ask(method, parameters))

    async def status(self) -> ChainStatus:
        """Ask every node that does not rest for its height, all at once. Never raises."""
        checks = await asyncio.gather(*map(_check, self._nodes))
        nodes = tuple(status for status, _ in checks)
        heights = [outcome for _, outcome in checks if not isinstance(outcome, ChainError)]
        if heights:
            return ChainStatus(usable=True, block=max(heights), nodes=nodes)
        fault = _together([outcome for _, outcome in checks if isinstance(outcome, ChainError)])
        return ChainStatus(usable=False, block=None, nodes=nodes, reason=str(fault), fix=fault.fix)

    async def close(self) -> None:
        """Close every connection."""
        for node in self._nodes:
            await node.close()

    async def __aenter__(self) -> Self:
        """Give the pool itself; nothing is sent yet."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        await self.close()


async def _check(node: Node) -> tuple[NodeStatus, BlockNumber | ChainError]:
    try:
        height = await node.height()
    except ChainError as fault:
        reason = str(fault).removeprefix(f"{node.name}: ")
        return NodeStatus(node.name, usable=False, reason=reason), fault
    return NodeStatus(node.name, usable=True), height


def _together(faults: list[ChainError]) -> ChainError:
    """Make one error of the nodes' errors: a refusal by a working node first, else what all share."""
    if not faults:
        return ChainUnavailable("no chain is configured", fix="Set chain.rpc, chain.id and chain.contract.")
    for fault in faults:
        if isinstance(fault, RequestRefused):
            return fault
    kinds = {type(fault) for fault in faults}
    kind = kinds.pop() if len(kinds) == 1 else ChainUnavailable
    return kind("; ".join(map(str, faults)), fix=faults[0].fix)
