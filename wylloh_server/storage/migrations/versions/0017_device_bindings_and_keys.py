"""Bindings as EIP-4361 messages, their revocations, servers that got keys, and wrong keys.

Bindings of the older form do not count any more, and wallets are asked again at their next sign-in.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.drop_table("bindings")
    op.create_table(
        "bindings",
        sa.Column("wallet", sa.String(), primary_key=True),
        sa.Column("device_key", sa.String(), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("uri", sa.String(), nullable=False),
        sa.Column("nonce", sa.String(), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("signature", sa.String(), nullable=False),
    )
    op.create_table(
        "binding_revocations",
        sa.Column("wallet", sa.String(), primary_key=True),
        sa.Column("device_key", sa.String(), primary_key=True),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "holder_servers",
        sa.Column("token", sa.String(), primary_key=True),
        sa.Column("wallet", sa.String(), primary_key=True),
        sa.Column("device_key", sa.String(), primary_key=True),
        sa.Column("uri", sa.String(), nullable=False),
        sa.Column("last", sa.Double(), nullable=False),
    )
    op.create_index("ix_holder_servers_wallet", "holder_servers", ["wallet"])
    op.create_index("ix_holder_servers_last", "holder_servers", ["last"])
    op.create_table(
        "key_faults",
        sa.Column("token", sa.String(), primary_key=True),
        sa.Column("custodian", sa.String(), primary_key=True),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
    )
    op.execute("INSERT INTO locks (name) VALUES ('custody')")
