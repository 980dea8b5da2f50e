"""Which events are accepted from which contract, and what many logs mean together."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING

from wylloh_server.adapters.chain import event_decoders
from wylloh_server.adapters.chain.event_log import MalformedLog
from wylloh_server.domain.chain_events import (
    ZERO_ADDRESS,
    FilmCreated,
    LogPosition,
    OfferChanged,
    RecipientsChanged,
    SplitterCreated,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from wylloh_server.adapters.chain.event_decoders import Decoder
    from wylloh_server.adapters.chain.event_log import EventLog
    from wylloh_server.domain.chain_events import ChainEvent, Contracts
    from wylloh_server.domain.ports.chain import BlockHeader
    from wylloh_server.domain.types import BlockNumber, ChainId, Wallet

_log = logging.getLogger(__name__)


class LogDecoder:
    """Decodes logs into events. From each contract only its own events are accepted."""

    def __init__(self, chain_id: ChainId, registry: Wallet, contracts: Contracts) -> None:
        self._chain_id = chain_id
        self._registry = registry
        self.known: Mapping[Wallet, Mapping[str, Decoder]] = {
            address: event_decoders.contract_decoders(contract)
            for address, contract in (
                (contracts.splitters, event_decoders.FACTORY),
                (contracts.store, event_decoders.STORE),
                (registry, event_decoders.REGISTRY),
            )
            if address is not None
        }
        """The configured contracts, and what each may say. Whoever else is asked for logs is a splitter."""

    def facts(self, logs: Sequence[EventLog], headers: Mapping[BlockNumber, BlockHeader]) -> list[ChainEvent]:
        """Read logs, which stand in the chain's order. Those that cannot be read are passed over."""
        found: list[ChainEvent] = []
        without_roles: dict[tuple[Wallet, str], int] = {}
        garbage: Counter[tuple[Wallet, str]] = Counter()
        splitter = event_decoders.contract_decoders(event_decoders.SPLITTER)
        for log in logs:
            decoder = self.known.get(log.address, splitter).get(log.name)
            if decoder is None:
                continue
            try:
                if event_decoders.names_roles(decoder):
                    at = without_roles.pop((log.address, log.transaction), None)
                    _add_roles(found, at, log, decoder)
                    continue
                facts = event_decoders.decode_event(log, self._place(log, headers[log.block]), decoder)
            except MalformedLog as error:
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
            if address not in (None, ZERO_ADDRESS) and address not in self.known:
                found.setdefault(address, fact.mark.block)
        return found

    def _place(self, log: EventLog, header: BlockHeader) -> event_decoders.LogPlace:
        mark = LogPosition(log.block, log.block_hash, log.transaction, log.index, header.at)
        return event_decoders.LogPlace(mark, log.address, self._chain_id, self._registry)


def _names(fact: ChainEvent) -> Wallet | None:
    match fact:
        case SplitterCreated():
            return fact.splitter
        case FilmCreated():
            return fact.royalty_receiver
        case OfferChanged():
            return fact.payee
    return None


def _add_roles(found: list[ChainEvent], at: int | None, log: EventLog, decoder: Decoder) -> None:
    change = None if at is None else found[at]
    if at is not None and isinstance(change, RecipientsChanged):
        found[at] = event_decoders.resolve_roles(change, log, decoder)


def _report(garbage: Counter[tuple[Wallet, str]]) -> None:
    for (address, reason), count in garbage.items():
        _log.warning("%d events of %s were passed over: %s", count, address, reason)
