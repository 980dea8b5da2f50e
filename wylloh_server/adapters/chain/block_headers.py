"""Block headers: their numbers, hashes and times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wylloh_server.adapters.chain import abi_codec
from wylloh_server.adapters.chain.rpc_errors import NodeFailed, RequestRefused
from wylloh_server.domain.ports.chain import BlockHeader, ChainHead
from wylloh_server.domain.types import BlockNumber, Timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wylloh_server.adapters.chain.rpc_node import Ask, RpcNode

FINALITY_DEPTH = 64
"""Blocks after which one is taken as final where a node knows no `finalized`: two epochs of Ethereum."""


async def read_head(ask: Ask) -> ChainHead:
    """Look at the newest block and at what is final."""
    newest = await read_newest(ask)
    try:
        finalized = await ask("eth_getBlockByNumber", ["finalized", False])
    except RequestRefused:
        finalized = None
    by_depth = max(0, newest.number - FINALITY_DEPTH)
    final = by_depth if finalized is None else min(_header(finalized).number, newest.number)
    return ChainHead(newest, BlockNumber(final))


async def read_newest(ask: Ask) -> BlockHeader:
    """Read the newest block's header."""
    newest = await ask("eth_getBlockByNumber", ["latest", False])
    if newest is None:
        raise NodeFailed("it has no newest block")
    return _header(newest)


def at_block(block: BlockHeader) -> dict[str, Any]:
    """Return the parameter that names the state which a block left (EIP-1898); no other block's will do."""
    return {"blockHash": block.hash, "requireCanonical": True}


async def read_headers(ask: RpcNode, numbers: Iterable[int]) -> dict[BlockNumber, BlockHeader]:
    """Read headers in as few requests as possible; a block the node lacks is left out."""
    questions = [("eth_getBlockByNumber", [hex(number), False]) for number in sorted(set(numbers))]
    found = [_header(block) for block in await ask.many(questions) if block is not None]
    return {header.number: header for header in found}


async def read_header(ask: Ask, block_hash: str) -> BlockHeader | None:
    """Read the header of the block with a hash; None if the node has no such block."""
    found = await ask("eth_getBlockByHash", [block_hash, False])
    return None if found is None else _header(found)


def _header(block: Any) -> BlockHeader:
    if not isinstance(block, dict):
        raise NodeFailed("it sent no block where one was due")
    return BlockHeader(
        BlockNumber(abi_codec.block_quantity(block.get("number"))),
        abi_codec.digest(block.get("hash")),
        Timestamp(abi_codec.block_quantity(block.get("timestamp"))),
    )
