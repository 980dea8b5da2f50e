"""Block headers: their numbers, hashes and times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wylloh_server.adapters.chain import _wire
from wylloh_server.adapters.chain._faults import NodeFailed, RequestRefused
from wylloh_server.domain.ports.chain import BlockHeader, ChainHead
from wylloh_server.domain.types import BlockNumber, Timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wylloh_server.adapters.chain._node import Ask, Asking

DEPTH = 64
"""Blocks after which one is taken as final where a node knows no `finalized`: two epochs of Ethereum."""


async def read_head(ask: Ask) -> ChainHead:
    """Look at the newest block and at what is final."""
    newest = await read_newest(ask)
    try:
        finalized = await ask("eth_getBlockByNumber", ["finalized", False])
    except RequestRefused:
        finalized = None
    by_depth = max(0, newest.number - DEPTH)
    final = by_depth if finalized is None else min(_header(finalized).number, newest.number)
    return ChainHead(newest, BlockNumber(final))


async def read_newest(ask: Ask) -> BlockHeader:
    """Read the newest block's header."""
    newest = await ask("eth_getBlockByNumber", ["latest", False])
    if newest is None:
        raise NodeFailed("it has no newest block")
    return _header(newest)


async def read_headers(ask: Asking, numbers: Iterable[int]) -> dict[BlockNumber, BlockHeader]:
    """Read headers in as few requests as possible; a block the node lacks is left out."""
    questions = [("eth_getBlockByNumber", [hex(number), False]) for number in sorted(set(numbers))]
    found = [_header(block) for block in await ask.many(questions) if block is not None]
    return {header.number: header for header in found}


def _header(block: Any) -> BlockHeader:
    if not isinstance(block, dict):
        raise NodeFailed("it sent no block where one was due")
    digest = block.get("hash")
    if not isinstance(digest, str) or len(_wire.data(digest)) != _wire.WORD:
        raise NodeFailed("it sent a block without a hash")
    number = BlockNumber(_wire.quantity(block.get("number")))
    return BlockHeader(number, digest.lower(), Timestamp(_wire.quantity(block.get("timestamp"))))
