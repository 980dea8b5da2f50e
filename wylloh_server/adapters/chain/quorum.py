"""Several nodes asked side by side about one block, and believed where enough of them say the same.

What a single node says can be old or a lie. A question that decides over a key is therefore put to all of
them at the hash of a block (EIP-1898), and answered as soon as enough of them agree: a silent one keeps
nobody waiting. A node's answer counts only if the node itself gives that block the same number and time,
for a hash alone could be that of an old block. All are asked to the end, so that who is silent, behind or
lies is known by name.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from wylloh_server.adapters.chain.block_headers import read_header, read_headers
from wylloh_server.adapters.chain.rpc_errors import CallReverted, ContractSilent, RequestRefused
from wylloh_server.domain.errors import ChainError, ChainUnavailable, NoContract, NotFound

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from wylloh_server.adapters.chain.rpc_node import RpcNode
    from wylloh_server.domain.ports.chain import BlockHeader

T = TypeVar("T")

PATIENCE = 1.0
"""Seconds that a node may keep somebody waiting; then those who have answered decide."""

_ACCUSERS = 2
"""A node is named as one that contradicts the others by so many at least: of one it is its word alone."""

_ANSWERS = (NotFound, NoContract, CallReverted)
"""Errors that say something about the chain, about which nodes can agree."""


@dataclass(frozen=True, slots=True)
class NodeAnswer:
    """What one node said about one block: a value, or an error that is an answer too."""

    value: Any
    error: ChainError | NotFound | None = None

    def agrees_with(self, other: NodeAnswer) -> bool:
        """Return whether two nodes said the same; the words of an error may differ by the node's name."""
        if self.error is None or other.error is None:
            return self.error is other.error and bool(self.value == other.value)
        return type(self.error) is type(other.error) and _revert(self.error) == _revert(other.error)


def _revert(error: Exception) -> bytes:
    return error.data if isinstance(error, CallReverted) else b""


class Quorum(Generic[T]):
    """One question put to all nodes.

    Attributes:
        verdict: what enough nodes agree on.
    """

    def __init__(
        self, nodes: Sequence[RpcNode], needed: int, question: Callable[[RpcNode, BlockHeader], Awaitable[T]]
    ) -> None:
        self._nodes = nodes
        self._needed = needed
        self._question = question
        self._prompt = {node for node in nodes if not node.doubtful}
        self._patient = True
        self._heads: dict[RpcNode, BlockHeader] = {}
        self._asked: set[tuple[RpcNode, BlockHeader]] = set()
        self._answers: dict[BlockHeader, dict[RpcNode, NodeAnswer]] = defaultdict(dict)
        self._refuted: dict[BlockHeader, set[RpcNode]] = defaultdict(set)
        self._faults: dict[RpcNode, ChainError] = {}
        self._running: dict[asyncio.Task[None], RpcNode] = {}
        self.verdict: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    async def collect(self) -> None:
        """Ask until every node has answered or failed; `verdict` is there as soon as enough agree."""
        patience = asyncio.get_running_loop().call_later(PATIENCE, self._wait_no_longer)
        try:
            for node in self._nodes:
                self._begin(node, self._ask_head(node))
            while self._running:
                done, _ = await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    del self._running[task]
                    task.result()
                self._settle_early()
            self._end()
        except Exception as error:  # noqa: BLE001 - it must reach who waits, and nobody waits for this task
            self._refuse(error)
        finally:
            patience.cancel()
            for task in self._running:
                task.cancel()
            self.verdict.cancel()

    def _wait_no_longer(self) -> None:
        self._patient = False
        self._doubt_the_late()
        self._settle_early()

    def _doubt_the_late(self) -> None:
        """Have those who have not answered yet asked last next time; an answer clears them."""
        for node in self._running.values():
            node.doubtful = True

    def _begin(self, node: RpcNode, asking: Coroutine[Any, Any, None]) -> None:
        self._running[asyncio.create_task(asking)] = node

    async def _ask_head(self, node: RpcNode) -> None:
        try:
            head = await node.head()
        except ChainError as fault:
            self._faults[node] = fault
            self._prompt.discard(node)
            return
        self._heads[node] = head
        # Every block that one of them calls the newest is one on which they may agree.
        for block in tuple(self._heads.values()):
            self._ask_about(node, block)
        for other in tuple(self._heads):
            self._ask_about(other, head)

    def _ask_about(self, node: RpcNode, block: BlockHeader) -> None:
        if (node, block) not in self._asked and block.number <= self._heads[node].number:
            self._asked.add((node, block))
            self._begin(node, self._ask(node, block))

    async def _ask(self, node: RpcNode, block: BlockHeader) -> None:
        own, answer = await asyncio.gather(
            self._own_header(node, block), self._answer(node, block), return_exceptions=True
        )
        try:
            if isinstance(own, BaseException):
                raise own
            if own == block:
                if isinstance(answer, BaseException):
                    raise answer
                self._answers[block][node] = answer
            elif await self._refutes(node, block):
                self._refuted[block].add(node)
        except ChainError as fault:
            self._faults[node] = fault

    async def _own_header(self, node: RpcNode, block: BlockHeader) -> BlockHeader | None:
        """Return the header that a node has at the height of a block."""
        head = self._heads[node]
        if head.number == block.number:
            return head
        return (await node.run(lambda ask: read_headers(ask, [block.number]))).get(block.number)

    async def _answer(self, node: RpcNode, block: BlockHeader) -> NodeAnswer:
        try:
            return NodeAnswer(await node.run(lambda ask: self._question(ask, block)))
        except _ANSWERS as error:
            return NodeAnswer(None, error)

    async def _refutes(self, node: RpcNode, block: BlockHeader) -> bool:
        """Whether a node knows a block of that hash, with another number or time; one of a fork is no lie."""
        known = await node.run(lambda ask: read_header(ask, block.hash))
        return known is not None and known != block

    def _settle_early(self) -> None:
        """Settle on the newest block on which enough agree, if no newer one is worth waiting for."""
        block = self._newest_agreed()
        if block is None or (self._patient and self._may_agree_on_newer(block)):
            return
        self._settle(block)

    def _may_agree_on_newer(self, block: BlockHeader) -> bool:
        if self._prompt - self._heads.keys():
            return True
        # So many nodes have this height or a greater one: on less they agree only for want of better. One
        # that kept somebody waiting before may still do so.
        nodes = self._prompt if len(self._prompt) >= self._needed else self._heads
        heights = sorted((self._heads[node].number for node in nodes), reverse=True)
        return block.number < heights[self._needed - 1]

    def _newest_agreed(self) -> BlockHeader | None:
        agreed = [block for block in self._answers if self._agreed_about(block) is not None]
        return max(agreed, key=lambda block: block.number, default=None)

    def _agreed_about(self, block: BlockHeader) -> NodeAnswer | None:
        answers = tuple(self._answers[block].values())
        return next((one for one in answers if sum(map(one.agrees_with, answers)) >= self._needed), None)

    def _settle(self, block: BlockHeader) -> None:
        agreed = self._agreed_about(block)
        if agreed is None or self.verdict.done():
            return
        if not self._patient:
            self._doubt_the_late()
        if agreed.error is None:
            self.verdict.set_result(agreed.value)
        else:
            self.verdict.set_exception(agreed.error)

    def _end(self) -> None:
        """Settle for what there is when everybody has answered, and name who contradicted the others."""
        block = self._newest_agreed()
        if block is None:
            self._refuse(self._disagreement())
        else:
            self._settle(block)
            self._name_dissenters(block)
        self._name_refuted()

    def _name_dissenters(self, block: BlockHeader) -> None:
        answers = self._answers[block]
        agreed = self._agreed_about(block)
        if agreed is None or sum(map(agreed.agrees_with, answers.values())) < _ACCUSERS:
            return
        for node, answer in answers.items():
            if not answer.agrees_with(agreed):
                node.record_contradiction(f"it contradicts the other nodes about block {block.number:,}")

    def _name_refuted(self) -> None:
        for block, accusers in self._refuted.items():
            if len(accusers) < max(self._needed, _ACCUSERS):
                continue
            for node, head in self._heads.items():
                if head == block:
                    node.record_contradiction(
                        f"it contradicts the other nodes about the number or time of block {block.hash}"
                    )

    def _refuse(self, error: Exception) -> None:
        if not self.verdict.done():
            self.verdict.set_exception(error)

    def _disagreement(self) -> ChainError:
        """Return why not enough nodes agree; ContractSilent where that is why none of them answers."""
        faults = list(self._faults.values())
        if self._needed == 1 or not self._heads:
            return combined_fault(faults)
        silent = not self._answers and all(isinstance(fault, ContractSilent) for fault in faults)
        kind = ContractSilent if silent else ChainUnavailable
        reasons = "; ".join(map(str, faults))
        return kind(f"{self._what_is_missing()}. {reasons}".strip(), fix=_FIX)

    def _what_is_missing(self) -> str:
        for answers in self._answers.values():
            first, *others = answers.values()
            if not all(map(first.agrees_with, others)):
                return f"the nodes contradict each other: {', '.join(node.name for node in answers)}"
        answering = {node for answers in self._answers.values() for node in answers}
        if len(answering) < self._needed:
            return (
                f"{self._needed} nodes must agree, and only {len(answering)} of {len(self._nodes)} answered"
            )
        return f"the nodes have no block in common: {', '.join(node.name for node in answering)}"


_FIX = "Look at wylloh doctor; correct chain.rpc, or add a third node."


def combined_fault(faults: list[ChainError]) -> ChainError:
    """Make one error of the nodes' errors: a refusal by a working node first, else what all share."""
    if not faults:
        return ChainUnavailable("no chain is configured", fix="Set chain.rpc, chain.id and chain.contract.")
    for fault in faults:
        if isinstance(fault, RequestRefused):
            return fault
    kinds = {type(fault) for fault in faults}
    kind = kinds.pop() if len(kinds) == 1 else ChainUnavailable
    return kind("; ".join(map(str, faults)), fix=faults[0].fix)
