"""Transactions prepared for wallets, and which hash belongs to which."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "transactions",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("wallet", sa.String(), nullable=False),
        sa.Column("plugin", sa.String(), nullable=False),
        sa.Column("proposal", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("hashes", sa.JSON(), nullable=False),
        sa.Column("sent", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("changed", sa.Double(), nullable=False),
        sa.Column("block", sa.BigInteger()),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("signatures", sa.JSON(), nullable=False),
        sa.Column("trail_asked", sa.Double()),
        sa.Column("trail_block", sa.BigInteger()),
        sa.Column("trail_nonce", sa.BigInteger()),
        sa.Column("trail_exact", sa.BigInteger()),
        sa.Column("final", sa.Boolean(), nullable=False, index=True),
        sa.Index("ix_transactions_wallet_created", "wallet", "created"),
    )
    op.create_table(
        "transaction_hashes",
        sa.Column("hash", sa.String(), primary_key=True),
        sa.Column("transaction", sa.String(), nullable=False, index=True),
    )
