"""Background tasks as people see them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "tasks",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("wallet", sa.String(), index=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("started", sa.Double(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("says", sa.String(), nullable=False),
        sa.Column("link", sa.String(), nullable=False),
        sa.Column("finished", sa.Double()),
        sa.Column("arguments", sa.JSON(), nullable=False),
    )
