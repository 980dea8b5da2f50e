"""How each node is: which are silent, stale, behind or contradict the others, by name."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from wylloh_server.adapters.chain import abi_codec
from wylloh_server.adapters.chain.block_headers import at_block, read_headers
from wylloh_server.adapters.chain.quorum import combined_fault
from wylloh_server.adapters.chain.rpc_errors import CallReverted, RequestRefused
from wylloh_server.domain.chain_events import ZERO_ADDRESS
from wylloh_server.domain.errors import ChainError
from wylloh_server.domain.ports.chain import ChainStatus, NodeStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wylloh_server.adapters.chain.rpc_node import Ask, RpcNode
    from wylloh_server.adapters.chain.rpc_pool import RpcPool
    from wylloh_server.domain.ports.chain import BlockHeader
    from wylloh_server.domain.types import BlockNumber, Wallet

_BEHIND = 5
"""Blocks that a node may be behind the others without being named for it."""


async def node_status(pool: RpcPool) -> ChainStatus:
    """Ask every node that does not rest for its newest block and for a call at it. Never raises."""
    outcomes = await asyncio.gather(*(_head(node) for node in pool.nodes))
    heads = {
        node: head
        for node, head in zip(pool.nodes, outcomes, strict=True)
        if not isinstance(head, ChainError)
    }
    faults = [fault for fault in outcomes if isinstance(fault, ChainError)]
    known = await _common_hashes(heads)
    nodes = tuple(
        _described(node, outcome, heads, known) for node, outcome in zip(pool.nodes, outcomes, strict=True)
    )
    return _summary(pool, nodes, max((head.number for head in heads.values()), default=None), faults)


def _summary(
    pool: RpcPool, nodes: tuple[NodeStatus, ...], block: BlockNumber | None, faults: list[ChainError]
) -> ChainStatus:
    usable = sum(node.usable for node in nodes)
    if usable >= pool.needed and nodes:
        return ChainStatus(usable=True, block=block, nodes=nodes)
    if block is None:
        fault = combined_fault(faults)
        return ChainStatus(usable=False, block=None, nodes=nodes, reason=str(fault), fix=fault.fix)
    sick = "; ".join(f"{node.url}: {node.reason}" for node in nodes if node.reason)
    reason = f"{usable} of {len(nodes)} nodes can be believed, and {pool.needed} must agree. {sick}"
    fix = "Correct chain.rpc or add a node; with chain.quorum = 1 a single one is believed."
    return ChainStatus(usable=False, block=block, nodes=nodes, reason=reason, fix=fix)


def _described(
    node: RpcNode,
    outcome: BlockHeader | ChainError,
    heads: Mapping[RpcNode, BlockHeader],
    known: Mapping[RpcNode, str],
) -> NodeStatus:
    if isinstance(outcome, ChainError):
        return NodeStatus(node.name, usable=False, reason=str(outcome).removeprefix(f"{node.name}: "))
    contradiction = node.contradiction or _minority(node, heads, known)
    if contradiction:
        return NodeStatus(node.name, usable=False, reason=contradiction)
    behind = max(head.number for head in heads.values()) - outcome.number
    reason = f"it is {behind:,} blocks behind the others" if behind > _BEHIND else ""
    return NodeStatus(node.name, usable=True, reason=reason)


def _minority(node: RpcNode, heads: Mapping[RpcNode, BlockHeader], known: Mapping[RpcNode, str]) -> str:
    """Return what is wrong with a node that has another block than most at one height; empty for the rest."""
    if node not in known or 2 * Counter(known.values())[known[node]] > len(known):
        return ""
    lowest = min(head.number for head in heads.values())
    return f"its block {lowest:,} is another one than that of the other nodes"


async def _head(node: RpcNode) -> BlockHeader | ChainError:
    """Return a node's newest block, about which it has answered a question like those that decide."""
    try:
        head = await node.head()
        await node.run(lambda ask: _try_call(ask, node.contract or ZERO_ADDRESS, head))
    except ChainError as fault:
        return fault
    return head


async def _try_call(ask: Ask, contract: Wallet, block: BlockHeader) -> None:
    """Call a contract at the hash of a block. Raise RequestRefused if the node does not answer that."""
    try:
        abi_codec.data(await ask("eth_call", [{"to": contract, "data": "0x"}, at_block(block)]))
    except CallReverted:
        return
    except RequestRefused as refusal:
        reason = f"it answers no call at the hash of a block (EIP-1898): {refusal}"
        raise RequestRefused(reason, fix=refusal.fix) from None


async def _common_hashes(heads: Mapping[RpcNode, BlockHeader]) -> dict[RpcNode, str]:
    """Return what each node calls the newest block that all of them have."""
    if len(heads) < 2:  # noqa: PLR2004 - one alone has nobody to contradict
        return {}
    lowest = min(head.number for head in heads.values())
    nodes: Sequence[RpcNode] = tuple(heads)
    found = await asyncio.gather(*(_hash_at(node, heads[node], lowest) for node in nodes))
    return {node: known for node, known in zip(nodes, found, strict=True) if known}


async def _hash_at(node: RpcNode, head: BlockHeader, number: BlockNumber) -> str:
    if head.number == number:
        return head.hash
    try:
        header = (await node.run(lambda ask: read_headers(ask, [number]))).get(number)
    except ChainError:
        return ""
    return header.hash if header is not None else ""
