"""The history of the configured contracts, stretch by stretch."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from wylloh_server.adapters.chain import abi_codec, event_decoders
from wylloh_server.adapters.chain.block_headers import read_head, read_headers, read_newest
from wylloh_server.adapters.chain.block_span import BlockSpan
from wylloh_server.adapters.chain.event_log import parse_log
from wylloh_server.adapters.chain.late_logs import LateLogs
from wylloh_server.adapters.chain.log_decoder import LogDecoder
from wylloh_server.adapters.chain.rpc_errors import NodeFailed, RequestRefused
from wylloh_server.domain.chain_events import SplitterCreated
from wylloh_server.domain.ports.chain import BlockRange
from wylloh_server.domain.types import BlockNumber

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from wylloh_server.adapters.chain.event_log import EventLog
    from wylloh_server.adapters.chain.rpc_node import Ask, RpcNode
    from wylloh_server.adapters.chain.rpc_pool import RpcPool
    from wylloh_server.domain.chain_events import ChainEvent, Contracts
    from wylloh_server.domain.ports.chain import BlockHeader, ChainHead
    from wylloh_server.domain.types import Wallet

    Headers = dict[BlockNumber, BlockHeader]

_ADDRESSES = 500
"""Contracts in one question."""


class _Moved(Exception):
    """A reorg came while we read: what was read does not belong together."""


class ChainLogReader:
    """Implements the port `ChainLogs` over an `RpcPool`.

    One `eth_getLogs` asks for every contract at once, in ranges as wide as the provider allows. Splitters
    that the answer names are asked for their part of the same range, and of the time before if they are
    older. Header hashes before and after show whether all of it belongs to one chain.
    """

    def __init__(self, pool: RpcPool, registry: Wallet, contracts: Contracts) -> None:
        """Set up; nothing is sent yet. The pool stays the caller's to close."""
        self._pool = pool
        self._sorter = LogDecoder(pool.chain_id, registry, contracts)
        self._span, self._past = BlockSpan(), BlockSpan()
        self._recent = LateLogs()

    async def head(self) -> ChainHead:
        """Look at the newest block."""
        return await self._pool.run(read_head)

    async def headers(self, numbers: Sequence[BlockNumber]) -> Mapping[BlockNumber, BlockHeader]:
        """Return the headers of blocks as the chain has them now; one that it lacks is left out."""
        return await self._pool.run(partial(read_headers, numbers=numbers))

    async def read(self, first: BlockNumber, splitters: Collection[Wallet]) -> BlockRange | None:
        """Read from a block on, as many blocks as one question can cover.

        None when there is no such block yet, or a reorg came in between.

        Raises:
            ChainUnavailable, WrongChain, NoContract: the chain cannot be read now.
            RequestRefused: the provider refuses to tell the logs of even one block.
        """
        try:
            return await self._pool.run(partial(self._read, first=first, splitters=splitters))
        except _Moved:
            return None

    async def read_kinds(
        self,
        kinds: Collection[type[ChainEvent]],
        first: BlockNumber,
        last: BlockHeader,
        splitters: Collection[Wallet],
    ) -> tuple[ChainEvent, ...] | None:
        """Read all events of some kinds from one block to another; None if that one is gone in a reorg.

        Raises as `read`.
        """
        try:
            return await self._pool.run(
                partial(self._read_kinds, kinds=kinds, first=first, last=last, splitters=splitters)
            )
        except _Moved:
            return None

    async def _read_kinds(
        self,
        ask: RpcNode,
        kinds: Collection[type[ChainEvent]],
        first: BlockNumber,
        last: BlockHeader,
        splitters: Collection[Wallet],
    ) -> tuple[ChainEvent, ...]:
        topics, addresses = event_decoders.event_topics(kinds), [*self._sorter.known, *splitters]
        logs = await self._all_logs(ask, (first, last.number), addresses, topics)
        blocks = await _headers_of(ask, logs, set())
        events = await asyncio.to_thread(self._sorter.facts, logs, blocks)
        if await _block(ask, last.number) != last:
            raise _Moved
        return tuple(event for event in events if type(event) in kinds)

    async def _read(
        self, ask: RpcNode, first: BlockNumber, splitters: Collection[Wallet]
    ) -> BlockRange | None:
        newest = await read_newest(ask)
        if first > newest.number:
            return None
        self._recent.begin(first)
        addresses = [*self._sorter.known, *splitters]
        logs, last = await self._first_logs(ask, first, newest, addresses)
        late = self._recent.late(log for log in logs if log.block < first)
        logs = [log for log in logs if log.block >= first]
        blocks = await _headers_of(ask, logs, {first - 1} if first else set())
        facts = await asyncio.to_thread(self._sorter.facts, logs, blocks)
        named = {
            address: block for address, block in self._sorter.named(facts).items() if address not in splitters
        }
        if named:
            facts, blocks = await self._with_named(ask, facts, blocks, named, (first, last.number))
        if (await read_headers(ask, [last.number])).get(last.number) != last:
            raise _Moved
        self._recent.note(first, last.number, addresses, logs)
        told = [blocks[number] for number in sorted(blocks) if first <= number < last.number]
        parent = blocks[BlockNumber(first - 1)].hash if first else ""
        return BlockRange(first, parent, (*told, last), tuple(facts), named, late)

    async def _first_logs(
        self, ask: RpcNode, first: BlockNumber, newest: BlockHeader, addresses: Sequence[Wallet]
    ) -> tuple[list[EventLog], BlockHeader]:
        """Ask for logs from a block on, halving until there is an answer; give its last block too.

        Logs of some blocks before the first are asked for again.
        """
        while True:
            start = self._recent.start(first, self._span.width)
            end = min(start + self._span.width - 1, newest.number)
            last = newest if end == newest.number else await _block(ask, end)
            logs = await _logs(ask, self._span, (start, end), addresses, event_decoders.event_topics())
            if logs is not None:
                return logs, last

    async def _with_named(
        self,
        ask: RpcNode,
        facts: list[ChainEvent],
        blocks: Headers,
        named: Mapping[Wallet, BlockNumber],
        stretch: tuple[int, int],
    ) -> tuple[list[ChainEvent], Headers]:
        """Add the events of newly found splitters, including earlier ones."""
        first, last = stretch
        made = {fact.splitter for fact in facts if isinstance(fact, SplitterCreated)}
        old = [address for address in named if address not in made and await _has_code(ask, address)]
        young = [address for address in named if address not in old]
        topics = event_decoders.event_topics()
        logs = await self._all_logs(ask, (0, last), old, topics)
        logs += await self._all_logs(ask, (first, last), young, topics)
        logs.sort(key=lambda log: (log.block, log.index))
        more = await _headers_of(ask, logs, set())
        facts = facts + await asyncio.to_thread(self._sorter.facts, logs, more)
        facts.sort(key=lambda fact: (fact.mark.block, fact.mark.index))
        return facts, blocks | more

    async def _all_logs(
        self, ask: Ask, stretch: tuple[int, int], addresses: Sequence[Wallet], topics: Sequence[str]
    ) -> list[EventLog]:
        found: list[EventLog] = []
        start, last = stretch
        while addresses and start <= last:
            end = min(start + self._past.width - 1, last)
            logs = await _logs(ask, self._past, (start, end), addresses, topics)
            if logs is not None:
                found += logs
                start = end + 1
        return found


async def _logs(
    ask: Ask,
    span: BlockSpan,
    stretch: tuple[int, int],
    addresses: Sequence[Wallet],
    topics: Sequence[str],
) -> list[EventLog] | None:
    """Return logs in the chain's order, or None if the range was too wide and the span is halved now."""
    first, last = stretch
    asked = last - first + 1
    values: list[Any] = []
    try:
        for at in range(0, len(addresses), _ADDRESSES):
            question = _question(first, last, addresses[at : at + _ADDRESSES], topics)
            values += abi_codec.logs(await ask("eth_getLogs", [question]))
    except RequestRefused:
        if asked == 1:
            raise
        span.halve(asked)
        return None
    except NodeFailed:
        span.halve(asked)  # it may have been too much to send in time
        raise
    span.learn(asked, len(values))
    logs = await asyncio.to_thread(_parsed, values)
    if any(not first <= log.block <= last for log in logs):
        raise NodeFailed("it sent events of blocks that nobody asked for")
    return logs


def _question(first: int, last: int, addresses: Sequence[Wallet], topics: Sequence[str]) -> dict[str, Any]:
    return {
        "address": list(addresses),
        "fromBlock": hex(first),
        "toBlock": hex(last),
        "topics": [list(topics)],
    }


def _parsed(values: list[Any]) -> list[EventLog]:
    logs = [parse_log(value) for value in values if not value.get("removed")]
    return sorted(logs, key=lambda log: (log.block, log.index))


async def _headers_of(ask: RpcNode, logs: Sequence[EventLog], also: set[int]) -> Headers:
    """Return the headers of the logs' blocks, and of others.

    Raises:
        _Moved: a log stands in a block that the chain no longer has.
    """
    headers = await read_headers(ask, {log.block for log in logs} | also)
    if not also <= headers.keys():
        raise _Moved
    for log in logs:
        if log.block not in headers or headers[log.block].hash != log.block_hash:
            raise _Moved
    return headers


async def _block(ask: RpcNode, number: int) -> BlockHeader:
    headers = await read_headers(ask, [number])
    if number not in headers:
        raise _Moved
    return headers[BlockNumber(number)]


async def _has_code(ask: Ask, address: Wallet) -> bool:
    return bool(abi_codec.data(await ask("eth_getCode", [address, "latest"])))
