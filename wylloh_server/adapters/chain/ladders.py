"""Rights ladders, read once and kept until a newer block changes them."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from wylloh_server.adapters.chain import _registry, _wire
from wylloh_server.adapters.chain._faults import NodeFailed, RequestRefused
from wylloh_server.domain.errors import WrongChain
from wylloh_server.domain.types import BlockNumber, Seconds

if TYPE_CHECKING:
    from wylloh_server.adapters.chain._node import Ask
    from wylloh_server.adapters.chain.rpc import RpcPool
    from wylloh_server.domain.rights import RightsLadder
    from wylloh_server.domain.types import TokenReference

_LONGEST_GAP = 2_000
"""Blocks whose events are worth asking for; after a longer absence it is cheaper to read anew."""


@dataclass(frozen=True, slots=True)
class _Head:
    number: BlockNumber
    hash: str


class Ladders:
    """A cache of ladders, true to one block at a time.

    When the newest block is another one than at the last question, one `eth_getLogs` finds the LadderChanged
    events of all known films in between, and only those ladders are forgotten. After a reorganisation of the
    chain, or a long absence, all are. The head itself is asked for at most once in `freshness`, so drawing a
    library page costs one question and not one for each film.
    """

    def __init__(self, pool: RpcPool, *, freshness: Seconds = Seconds(2)) -> None:
        """Start with nothing known."""
        self._pool = pool
        self._freshness = freshness
        self._following = asyncio.Lock()
        self._ladders: dict[TokenReference, RightsLadder] = {}
        self._head: _Head | None = None
        self._asked = 0.0

    async def of(self, token: TokenReference) -> RightsLadder:
        """Give a film's ladder.

        Raises:
            ChainUnavailable, NoContract: it cannot be read now.
            WrongChain: the token is of another chain, or every RPC is.
            NotFound: the registry knows no such film.
        """
        if token.chain_id != self._pool.chain_id:
            raise WrongChain(
                f"{token} is not on chain {self._pool.chain_id}",
                fix="Configure an RPC of the film's chain.",
            )
        return await self._pool.run(partial(self._read, token=token))

    async def _read(self, ask: Ask, token: TokenReference) -> RightsLadder:
        head = await self._follow(ask)
        known = self._ladders.get(token)
        if known is not None:
            return known
        ladder = await _registry.read_ladder(ask, token, head.number)
        if head == self._head:  # otherwise somebody followed to a newer block meanwhile, which may change it
            self._ladders[token] = ladder
        return ladder

    async def _follow(self, ask: Ask) -> _Head:
        async with self._following:
            now = time.monotonic()
            if self._head is not None and now - self._asked < self._freshness:
                return self._head
            head = await _head(ask, "latest")
            if self._head is not None and head != self._head:
                await self._forget_changed(ask, self._head, head)
            self._head, self._asked = head, now
            return head

    async def _forget_changed(self, ask: Ask, seen: _Head, head: _Head) -> None:
        if not self._ladders:
            return
        try:
            changed = await _changed(ask, {token.contract for token in self._ladders}, seen, head)
        except RequestRefused:
            changed = None
        if changed is None:
            self._ladders.clear()
        else:
            self._ladders = {
                token: ladder
                for token, ladder in self._ladders.items()
                if (token.contract, token.token_id) not in changed
            }


async def _changed(ask: Ask, contracts: set[Any], seen: _Head, head: _Head) -> set[tuple[str, int]] | None:
    """Find whose ladder changed after one head up to another; None when only reading anew is certain."""
    if not 0 < head.number - seen.number <= _LONGEST_GAP or await _head(ask, hex(seen.number)) != seen:
        return None
    span = {"fromBlock": hex(seen.number + 1), "toBlock": hex(head.number)}
    question = {**span, "address": sorted(contracts), "topics": [_registry.LADDER_CHANGED]}
    logs = _wire.logs(await ask("eth_getLogs", [question]))
    return {(str(log.get("address")).lower(), _registry.token_id_of(log)) for log in logs}


async def _head(ask: Ask, block: str) -> _Head:
    header = await ask("eth_getBlockByNumber", [block, False])
    if not isinstance(header, dict):
        raise NodeFailed("it lost a block that it had announced")
    return _Head(BlockNumber(_wire.quantity(header.get("number"))), str(header.get("hash")))
