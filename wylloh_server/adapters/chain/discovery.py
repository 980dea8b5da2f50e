"""Films found in the registry's events, range by range as wide as the provider allows."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from wylloh_server.adapters.chain import _registry, _wire
from wylloh_server.adapters.chain._faults import NodeFailed, RequestRefused
from wylloh_server.adapters.chain._registry import FilmRecord
from wylloh_server.domain.errors import InvalidValue, NotFound
from wylloh_server.domain.ports.chain import Discovery, RegisteredFilm
from wylloh_server.domain.types import BlockNumber, TokenReference

if TYPE_CHECKING:
    from wylloh_server.adapters.chain._node import Ask
    from wylloh_server.adapters.chain.rpc import RpcPool
    from wylloh_server.domain.types import Wallet

_log = logging.getLogger(__name__)

_WIDEST = 1 << 20
_QUESTIONS = 64
"""Log queries in one call of `since`, so that a long first scan is saved step by step."""

_LOOK_BACK = 64
"""Blocks read again at each call, because a reorganisation may put films where none were seen."""


class FilmDiscovery:
    """Finds films registered or re-packaged in one registry.

    The width of a range is halved whenever the provider refuses and doubled whenever it answers; what was
    learned is kept for the next call.
    """

    def __init__(self, pool: RpcPool, contract: Wallet) -> None:
        """Start with the widest range."""
        self._pool = pool
        self._contract = contract
        self._width = _WIDEST
        self._reported: dict[tuple[str, str], int] = {}
        self._read_before = False

    async def since(self, block: BlockNumber) -> Discovery:
        """Find films registered or re-packaged at or after a block, oldest first.

        Reads at most `_QUESTIONS` ranges; call again with `next_block` until it no longer moves. From the
        second call on, the last blocks before `block` are looked at again and what is new there is reported
        too. A registry entry that names no valid CID is
        logged and passed over. If the chain is shorter than `block` (another chain was started in its place),
        reading begins again near its end.

        Raises:
            ChainUnavailable, WrongChain, NoContract: the chain cannot be read now.
        """
        logs, next_block = await self._pool.run(partial(self._scan, since=block))
        films = [film for log in logs if (film := await self._film(log)) is not None]
        self._remember(logs, next_block)
        return Discovery(tuple(films), next_block)

    async def _scan(self, ask: Ask, since: BlockNumber) -> tuple[list[dict[str, Any]], BlockNumber]:
        head = _wire.quantity(await ask("eth_blockNumber", []))
        start = self._start(since, head)
        logs: list[dict[str, Any]] = []
        for _ in range(_QUESTIONS):
            if start > head:
                break
            end = min(start + self._width - 1, head)
            found = await self._ask_range(ask, start, end)
            if found is not None:
                logs += found
                start = end + 1
        fresh = [log for log in logs if _block(log) >= since or _identity(log) not in self._reported]
        return fresh, BlockNumber(start)

    def _start(self, since: int, head: int) -> int:
        if since > head + 1:
            return max(0, head + 1 - _LOOK_BACK)
        return max(0, since - _LOOK_BACK) if self._read_before else since

    async def _ask_range(self, ask: Ask, start: int, end: int) -> list[dict[str, Any]] | None:
        """Give the logs of a range, or None if it was too wide and the width is halved now."""
        question = {
            "address": self._contract,
            "fromBlock": hex(start),
            "toBlock": hex(end),
            "topics": [[_registry.FILM_CREATED, _registry.PACKAGE_CHANGED]],
        }
        try:
            logs = _wire.logs(await ask("eth_getLogs", [question]))
        except RequestRefused:
            if self._width == 1:
                raise
            self._width = max(1, min(self._width, end - start + 1) // 2)
            return None
        self._width = min(self._width * 2, _WIDEST)
        return logs

    async def _film(self, log: dict[str, Any]) -> RegisteredFilm | None:
        try:
            token_id = _registry.token_id_of(log)
            record = await self._record(log, token_id)
        except (InvalidValue, NotFound, NodeFailed) as error:
            _log.warning("an entry of the registry %s was passed over: %s", self._contract, error)
            return None
        return RegisteredFilm(
            token=TokenReference(self._pool.chain_id, self._contract, token_id),
            root=record.package.root,
            manifest_sha256=record.package.manifest_sha256,
            publisher=record.publisher,
            max_supply=record.max_supply,
            block=_block(log),
        )

    async def _record(self, log: dict[str, Any], token_id: int) -> FilmRecord:
        if _registry.is_film_created(log):
            return _registry.film_created(log)
        package = _registry.package_changed(log)
        film = await self._pool.run(partial(_registry.read_film, contract=self._contract, token_id=token_id))
        return FilmRecord(film.publisher, package, film.max_supply)

    def _remember(self, logs: list[dict[str, Any]], next_block: int) -> None:
        self._read_before = True
        self._reported |= dict.fromkeys(map(_identity, logs), next_block)
        self._reported = {
            log: end for log, end in self._reported.items() if end > next_block - 2 * _LOOK_BACK
        }


def _block(log: dict[str, Any]) -> BlockNumber:
    return BlockNumber(_wire.quantity(log.get("blockNumber")))


def _identity(log: dict[str, Any]) -> tuple[str, str]:
    """Name a log so that the same event in another block, after a reorganisation, is another one."""
    return str(log.get("blockHash")), str(log.get("logIndex"))
