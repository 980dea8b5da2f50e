"""What films have inside and where they can be cut. Nothing is known of any film yet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.create_table(
        "media_indexes",
        sa.Column("film", sa.String(), primary_key=True),
        sa.Column("content", sa.String(), nullable=False),
        sa.Column("probe", sa.JSON(), nullable=False),
        sa.Column("streams", sa.JSON(), nullable=False),
    )
