"""Facts as rows: columns to find them by, and the rest as JSON."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from wylloh_server.adapters.database._chain_columns import hex_bytes, token_bytes
from wylloh_server.domain.onchain import (
    NOBODY,
    ChainEvent,
    FilmCreated,
    IncomeCredited,
    LadderChanged,
    ListingCancelled,
    Mark,
    OfferChanged,
    OfferClosed,
    PayoutMade,
    PriceStep,
    RecipientsChanged,
    Share,
    SplitterCreated,
    TokensListed,
    TokensMoved,
    TokensSold,
)
from wylloh_server.domain.rights import RightsLadder, Tier

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from sqlalchemy import Row

    from wylloh_server.domain.types import Wallet

KINDS: dict[str, type[ChainEvent]] = {
    kind.__name__: kind
    for kind in (
        FilmCreated,
        LadderChanged,
        TokensMoved,
        OfferChanged,
        OfferClosed,
        TokensListed,
        ListingCancelled,
        TokensSold,
        SplitterCreated,
        RecipientsChanged,
        IncomeCredited,
        PayoutMade,
    )
}
_COLUMNS = ("mark", "token")
"""Fields that have columns of their own."""

_PLAIN = {
    name: tuple(field.name for field in fields(kind) if field.name not in _COLUMNS)
    for name, kind in KINDS.items()
}
_PARTIES = ("sender", "receiver", "buyer", "seller", "recipient", "publisher", "owner")


def names_of(kinds: Collection[type[ChainEvent]]) -> list[str]:
    """Give the names under which kinds of facts are stored."""
    return sorted(kind.__name__ for kind in kinds)


def row_of(event: ChainEvent, sequence: int) -> tuple[Any, ...]:
    """Make the row of a fact, in the order of the table's columns, as the driver takes it."""
    mark, name = event.mark, type(event).__name__
    token, splitter = getattr(event, "token", None), getattr(event, "splitter", None)
    return (
        sequence,
        None,
        name,
        mark.block,
        hex_bytes(mark.block_hash),
        hex_bytes(mark.transaction),
        mark.index,
        mark.at,
        None if token is None else token_bytes(token),
        None if splitter is None else hex_bytes(splitter),
        json.dumps({field: _packed(field, getattr(event, field)) for field in _PLAIN[name]}),
    )


def event_of(row: Row[Any]) -> ChainEvent:
    """Read a fact from its row."""
    mark = Mark(row.block, row.block_hash, row.transaction, row.log_index, row.at)
    known: dict[str, Any] = {"mark": mark}
    if row.token is not None:
        known["token"] = row.token
    for field, value in row.payload.items():
        unpack = _UNPACKED.get(field)
        known[field] = unpack(value) if unpack else value
    return KINDS[row.kind](**known)


def parties_of(event: ChainEvent) -> set[Wallet]:
    """Give the wallets that took part in a fact."""
    found = {getattr(event, name) for name in _PARTIES if hasattr(event, name)}
    if isinstance(event, RecipientsChanged):
        found |= {share.account for share in event.shares}
    return found - {NOBODY}


def _packed(field: str, value: Any) -> Any:
    pack = _PACKED.get(field)
    return pack(value) if pack else value


_PACKED: dict[str, Callable[[Any], Any]] = {
    "ladder": lambda ladder: [
        [tier.threshold, tier.right, list(tier.territories), tier.seats] for tier in ladder.tiers
    ],
    "steps": lambda steps: [[step.quantity, step.unit_price] for step in steps],
    "shares": lambda shares: [[share.account, share.basis_points, share.role] for share in shares],
}
_UNPACKED: dict[str, Callable[[Any], Any]] = {
    "ladder": lambda tiers: RightsLadder(
        tuple(Tier(threshold, right, tuple(where), seats) for threshold, right, where, seats in tiers)
    ),
    "steps": lambda steps: tuple(PriceStep(*step) for step in steps),
    "shares": lambda shares: tuple(Share(*share) for share in shares),
}
