"""What happened on chain."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    _progress()
    _events()
    _holdings()


def _progress() -> None:
    state = op.create_table(
        "chain_state",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("final", sa.BigInteger()),
        sa.Column("head", sa.BigInteger()),
    )
    op.bulk_insert(state, [{"name": "chain", "subject": "", "step": 0, "final": None, "head": None}])
    op.create_table(
        "chain_blocks",
        sa.Column("number", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("eventful", sa.Boolean(), nullable=False),
    )
    op.create_table(
        "chain_splitters",
        sa.Column("address", sa.LargeBinary(), primary_key=True),
        sa.Column("block", sa.BigInteger(), nullable=False),
    )


def _events() -> None:
    op.create_table(
        "chain_events",
        sa.Column(
            "sequence",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("removed", sa.BigInteger()),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.LargeBinary(), nullable=False),
        sa.Column("transaction", sa.LargeBinary(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("token", sa.LargeBinary()),
        sa.Column("contract", sa.LargeBinary()),
        sa.Column("payload", sa.JSON(), nullable=False),
    )
    for name, columns, condition in (
        ("place", ["block", "log_index"], "removed IS NULL"),
        ("kind", ["kind", "block", "log_index"], "removed IS NULL"),
        ("token", ["token", "kind", "block", "log_index"], "token IS NOT NULL AND removed IS NULL"),
        ("contract", ["contract", "block", "log_index"], "contract IS NOT NULL AND removed IS NULL"),
        ("removed", ["removed"], "removed IS NOT NULL"),
    ):
        where = sa.text(condition)
        op.create_index(
            f"ix_chain_events_{name}", "chain_events", columns, sqlite_where=where, postgresql_where=where
        )
    op.create_table(
        "chain_parties",
        sa.Column("wallet", sa.LargeBinary(), primary_key=True),
        sa.Column("event", sa.BigInteger(), primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )


def _holdings() -> None:
    op.create_table(
        "chain_balances",
        sa.Column("token", sa.LargeBinary(), primary_key=True),
        sa.Column("wallet", sa.LargeBinary(), primary_key=True),
        sa.Column("amount", sa.LargeBinary(), nullable=False),
        sa.Index("ix_chain_balances_amount", "token", "amount"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "coins",
        sa.Column("address", sa.LargeBinary(), primary_key=True),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("decimals", sa.Integer(), nullable=False),
        sa.Column("permits", sa.Boolean(), nullable=False),
    )
