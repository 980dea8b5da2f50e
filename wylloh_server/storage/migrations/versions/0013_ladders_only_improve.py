"""A film's ladder is all that its ladders ever gave: registries of earlier releases let it be taken away."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_events = sa.table(
    "chain_events",
    *(sa.column(name) for name in ("sequence", "removed", "kind", "block", "log_index", "token")),
    sa.column("payload", sa.JSON()),
)
_films = sa.table("chain_films", sa.column("token"), sa.column("ladder", sa.JSON()))
_MOST_TIERS = 256

_Tier = list[Any]
"""Threshold, right, territories, seats."""


def upgrade() -> None:
    """Write the ladders of those films again whose ladder has changed."""
    for token, (*earlier, newest) in _ladders().items():
        if earlier:
            change = sa.update(_films).where(_films.c.token == token)
            op.execute(change.values(ladder=_together(newest, earlier)))


def _ladders() -> dict[bytes, list[list[_Tier]]]:
    order = (_events.c.block, _events.c.log_index, _events.c.sequence)
    these = _events.c.removed.is_(None) & (_events.c.kind == "LadderChanged")
    found: dict[bytes, list[list[_Tier]]] = {}
    wanted = sa.select(_events.c.token, _events.c.payload).where(these).order_by(*order)
    for token, payload in op.get_bind().execute(wanted).all():
        found.setdefault(bytes(token), []).append(payload["ladder"])
    return found


def _together(newest: list[_Tier], earlier: list[list[_Tier]]) -> list[_Tier]:
    tiers = list(newest)
    for ladder in earlier:
        missing = [tier for tier in ladder if not _covered(tier, tiers)]
        tiers += missing[: max(0, _MOST_TIERS - len(tiers))]
    return sorted(tiers, key=lambda tier: tier[0])


def _covered(tier: _Tier, by: list[_Tier]) -> bool:
    threshold, right, territories, seats = tier
    cheap = [other for other in by if other[0] <= threshold]
    if right == "personal":
        return bool(cheap)
    fitting = [
        places
        for _, name, places, most in cheap
        if name == right and (most is None or (seats is not None and most >= seats))
    ]
    if not all(fitting):
        return True
    return bool(territories) and set(territories) <= {place for places in fitting for place in places}
