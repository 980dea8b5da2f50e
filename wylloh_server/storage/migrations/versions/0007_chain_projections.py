"""What the registry says of each film, as a projection of the chain's events."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_KINDS = (
    "FilmCreated",
    "IncomeCredited",
    "LadderChanged",
    "ListingCancelled",
    "OfferChanged",
    "OfferClosed",
    "PayoutMade",
    "RecipientsChanged",
    "SplitterCreated",
    "TokensListed",
    "TokensSold",
    "TokensTransferred",
)
"""The events that were recorded until now. The indexer reads the others from the first block on."""

_events = sa.table(
    "chain_events",
    *(sa.column(name) for name in ("sequence", "removed", "kind", "block", "log_index", "token")),
    sa.column("payload", sa.JSON()),
)
_state = sa.table(
    "chain_state",
    sa.column("subject"),
    sa.column("head"),
    sa.column("complete", sa.Boolean()),
    sa.column("kinds", sa.JSON()),
)
_blocks = sa.table("chain_blocks", sa.column("number", sa.BigInteger()))


def upgrade() -> None:
    """Make the table of films and fill it from the events; record how much of the chain has been read."""
    renamed = _events.c.kind == "TokensMoved"
    op.execute(sa.update(_events).where(renamed).values(kind="TokensTransferred"))
    films = op.create_table(
        "chain_films",
        sa.Column("token", sa.LargeBinary(), primary_key=True),
        sa.Column("step", sa.BigInteger(), nullable=False, index=True),
        sa.Column("publisher", sa.LargeBinary()),
        sa.Column("max_supply", sa.LargeBinary()),
        sa.Column("root", sa.String()),
        sa.Column("manifest_sha256", sa.String()),
        sa.Column("ladder", sa.JSON(none_as_null=True)),
    )
    rows = list(_films().values())
    if rows:
        op.bulk_insert(films, rows)
    op.create_index("ix_chain_balances_wallet", "chain_balances", ["wallet"])
    _note_progress()


def _films() -> dict[bytes, dict[str, Any]]:
    found: dict[bytes, dict[str, Any]] = {}
    wanted = (
        sa.select(_events)
        .where(_events.c.removed.is_(None), _events.c.kind.in_(["FilmCreated", "LadderChanged"]))
        .order_by(_events.c.block, _events.c.log_index, _events.c.sequence)
    )
    for row in op.get_bind().execute(wanted):
        film = found.setdefault(
            row.token,
            {"token": row.token, "publisher": None, "max_supply": None, "ladder": None},
        )
        film["step"] = row.sequence
        if row.kind == "FilmCreated":
            film["publisher"] = bytes.fromhex(row.payload["publisher"][2:])
            # The sortable form of storage.chain_column_types: zero stands in the middle of 33 bytes.
            film["max_supply"] = (row.payload["max_supply"] + (1 << 256)).to_bytes(33, "big")
        else:
            film["ladder"] = row.payload["ladder"]
    return found


def _note_progress() -> None:
    with op.batch_alter_table("chain_state") as table:
        table.add_column(sa.Column("complete", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("kinds", sa.JSON(), nullable=False, server_default=sa.text("'[]'")))
    with op.batch_alter_table("chain_state") as table:
        table.alter_column("complete", server_default=None)
        table.alter_column("kinds", server_default=None)
    newest = sa.select(sa.func.max(_blocks.c.number)).scalar_subquery()
    reached = sa.func.coalesce(newest >= _state.c.head, sa.false())
    op.execute(sa.update(_state).where(_state.c.subject != "").values(complete=reached, kinds=list(_KINDS)))
