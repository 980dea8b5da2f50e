"""Named groups of stacks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "stack_groups",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("wallet", sa.String(), nullable=False),
        sa.Column("film", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("count", sa.String(), nullable=False),
        sa.Column("made", sa.Double(), nullable=False),
        sa.Index("ix_stack_groups_wallet_film", "wallet", "film"),
    )
