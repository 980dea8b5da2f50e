"""Publishers' titles, and what the owner is asked about them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "titles",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("publisher", sa.String(), nullable=False, index=True),
        sa.Column("description", sa.JSON(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("changed", sa.Double(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("token", sa.String(), unique=True),
        sa.Column("staged", sa.Boolean(), nullable=False),
        sa.Column("root", sa.String()),
    )
    op.create_table(
        "requests",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("wallet", sa.String(), nullable=False),
        sa.Column("says", sa.String(), nullable=False),
        sa.Column("asked", sa.Double(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("answered_by", sa.String()),
        sa.Column("answered", sa.Double(), index=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("open_subject", sa.String(), unique=True),
    )
