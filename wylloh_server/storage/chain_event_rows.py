"""Facts as rows: columns to find them by, and the rest as JSON."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from wylloh_server.domain.chain_events import EVENT_KINDS, LogPosition, PriceStep, Share
from wylloh_server.domain.rights import RightsLadder, Tier
from wylloh_server.storage.chain_column_types import hex_bytes, token_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from wylloh_server.domain.chain_events import ChainEvent

KINDS: dict[str, type[ChainEvent]] = {kind.__name__: kind for kind in EVENT_KINDS}
_COLUMNS = ("mark", "token")
"""Fields that have columns of their own."""

_PLAIN = {
    name: tuple(field.name for field in fields(kind) if field.name not in _COLUMNS)
    for name, kind in KINDS.items()
}


def kind_names(kinds: Collection[type[ChainEvent]]) -> list[str]:
    """Return the names under which kinds of facts are stored."""
    return sorted(kind.__name__ for kind in kinds)


def event_row(event: ChainEvent, sequence: int) -> tuple[Any, ...]:
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


def event_from_row(row: Sequence[Any]) -> ChainEvent:
    """Return the event of a row: two values of any meaning, then the columns from `kind` to `payload`."""
    kind, block, block_hash, transaction, index, at, token, _, payload = row[2:11]
    mark = LogPosition(block, block_hash, transaction, index, at)
    for field in _STRUCTURED[kind]:
        payload[field] = _UNPACKED[field](payload[field])
    if token is not None:
        payload["token"] = token
    return KINDS[kind](mark=mark, **payload)


def ladder_json(ladder: RightsLadder) -> list[list[Any]]:
    """Return a ladder as JSON values: threshold, right, territories and seats of each tier."""
    return [[tier.threshold, tier.right, list(tier.territories), tier.seats] for tier in ladder.tiers]


def ladder_from_json(tiers: list[list[Any]]) -> RightsLadder:
    """Read what `ladder_json` returned."""
    return RightsLadder(
        tuple(Tier(threshold, right, tuple(where), seats) for threshold, right, where, seats in tiers)
    )


def _packed(field: str, value: Any) -> Any:
    pack = _PACKED.get(field)
    return pack(value) if pack else value


_PACKED: dict[str, Callable[[Any], Any]] = {
    "ladder": ladder_json,
    "steps": lambda steps: [[step.quantity, step.unit_price] for step in steps],
    "shares": lambda shares: [[share.account, share.basis_points, share.role] for share in shares],
}
_UNPACKED: dict[str, Callable[[Any], Any]] = {
    "ladder": ladder_from_json,
    "steps": lambda steps: tuple(PriceStep(*step) for step in steps),
    "shares": lambda shares: tuple(Share(*share) for share in shares),
}

_STRUCTURED = {name: [field for field in plain if field in _UNPACKED] for name, plain in _PLAIN.items()}
"""The fields of each kind that are more than a number or a text."""
