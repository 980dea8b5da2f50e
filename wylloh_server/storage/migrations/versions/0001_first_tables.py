"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _films()
    _people()
    _licences()
    _history()


def _films() -> None:
    op.create_table(
        "films",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("token", sa.String(), unique=True),
        sa.Column("root", sa.String()),
        sa.Column("publisher", sa.String()),
        sa.Column("manifest_sha256", sa.String()),
        sa.Column("path", sa.String()),
        sa.Column("description", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("progress", sa.Double(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
    )
    op.create_table(
        "cursors",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("value", sa.BigInteger(), nullable=False),
    )


def _people() -> None:
    locks = op.create_table("locks", sa.Column("name", sa.String(), primary_key=True))
    op.bulk_insert(locks, [{"name": "claim"}])
    op.create_table(
        "accounts",
        sa.Column("wallet", sa.String(), primary_key=True),
        sa.Column("role", sa.String(), nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("device", sa.String(), nullable=False, index=True),
        sa.Column("wallet", sa.String(), nullable=False, index=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("last_seen", sa.Double(), nullable=False),
    )


def _licences() -> None:
    op.create_table(
        "bindings",
        sa.Column("wallet", sa.String(), primary_key=True),
        sa.Column("device_key", sa.String(), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("signed_at", sa.BigInteger(), nullable=False),
        sa.Column("signature", sa.String(), nullable=False),
    )
    op.create_table(
        "envelopes",
        sa.Column("token", sa.String(), primary_key=True),
        sa.Column("wallet", sa.String(), primary_key=True),
        sa.Column("right", sa.String(), primary_key=True),
        sa.Column("not_after", sa.BigInteger(), nullable=False),
        sa.Column("envelope", sa.JSON(), nullable=False),
    )


def _history() -> None:
    op.create_table(
        "receipts",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("film", sa.String(), nullable=False),
        sa.Column("wallet", sa.String(), nullable=False),
        sa.Column("right", sa.String(), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("sentence", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False, index=True),
        sa.Column("block", sa.BigInteger()),
        sa.Column("contract", sa.String(), nullable=False),
        sa.Column("balance", sa.String()),
        sa.Column("tier", sa.String(), nullable=False),
        sa.Column("missing", sa.String(), nullable=False),
        sa.Column("plugins", sa.JSON(), nullable=False),
        sa.Index("ix_receipts_film_wallet_at", "film", "wallet", "at"),
    )
    op.create_table(
        "positions",
        sa.Column("wallet", sa.String(), primary_key=True),
        sa.Column("film", sa.String(), primary_key=True),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("of", sa.Double(), nullable=False),
        sa.Column("updated", sa.Double(), nullable=False),
    )
