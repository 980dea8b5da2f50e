"""Which contract a log is believed for, and what many logs say together."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING

from wylloh_server.adapters.chain import _facts
from wylloh_server.adapters.chain._logs import Garbage
from wylloh_server.domain.onchain import (
    NOBODY,
    FilmCreated,
    Mark,
    OfferChanged,
    RecipientsChanged,
    SplitterCreated,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from wylloh_server.adapters.chain._facts import Decode
    from wylloh_server.adapters.chain._logs import Log
    from wylloh_server.domain.onchain import ChainEvent, Contracts
    from wylloh_server.domain.ports.chain import BlockHeader
    from wylloh_server.domain.types import BlockNumber, ChainId, Wallet

_log = logging.getLogger(__name__)


class Sorter:
    """Turns logs into facts. Each contract is believed only for what is its own to say."""

    def __init__(self, chain_id: ChainId, registry: Wallet, contracts: Contracts) -> None:
        self._chain_id = chain_id
        self._registry = registry
        self.known: Mapping[Wallet, Mapping[str, Decode]] = {
            address: decoders
            for address, decoders in (
                (contracts.splitters, _facts.FACTORY),
                (contracts.store, _facts.STORE),
                (registry, _facts.REGISTRY),
            )
            if address is not None
        }
        """The configured contracts, and what each may say. Whoever else is asked for logs is a splitter."""

    def facts(self, logs: Sequence[Log], headers: Mapping[BlockNumber, BlockHeader]) -> list[ChainEvent]:
        """Read logs, which stand in the chain's order. Those that cannot be read are passed over."""
        found: list[ChainEvent] = []
        without_roles: dict[tuple[Wallet, str], int] = {}
        garbage: Counter[tuple[Wallet, str]] = Counter()
        for log in logs:
            decoders = self.known.get(log.address, _facts.SPLITTER)
            try:
                if log.name == _facts.ROLES_CHANGED and decoders is _facts.SPLITTER:
                    _add_roles(found, without_roles.pop((log.address, log.transaction), None), log)
                    continue
                facts = _facts.decoded(log, self._place(log, headers[log.block]), decoders)
            except Garbage as error:
                garbage[log.address, str(error)] += 1
                continue
            if facts and isinstance(facts[0], RecipientsChanged):
                without_roles[log.address, log.transaction] = len(found)
            found += facts
        _report(garbage)
        return found

    def named(self, facts: Iterable[ChainEvent]) -> dict[Wallet, BlockNumber]:
        """Find who may be a splitter: whom the factory made, or to whom a film's money goes.

        Gives for each the block in which it was first named.
        """
        found: dict[Wallet, BlockNumber] = {}
        for fact in facts:
            address = _names(fact)
            if address not in (None, NOBODY) and address not in self.known:
                found.setdefault(address, fact.mark.block)
        return found

    def _place(self, log: Log, header: BlockHeader) -> _facts.Place:
        mark = Mark(log.block, log.block_hash, log.transaction, log.index, header.at)
        return _facts.Place(mark, self._chain_id, self._registry)


def _names(fact: ChainEvent) -> Wallet | None:
    match fact:
        case SplitterCreated():
            return fact.splitter
        case FilmCreated():
            return fact.royalty_receiver
        case OfferChanged():
            return fact.payee
    return None


def _add_roles(found: list[ChainEvent], at: int | None, log: Log) -> None:
    change = None if at is None else found[at]
    if at is not None and isinstance(change, RecipientsChanged):
        found[at] = _facts.with_roles(change, log)


def _report(garbage: Counter[tuple[Wallet, str]]) -> None:
    for (address, reason), count in garbage.items():
        _log.warning("%d events of %s were passed over: %s", count, address, reason)
