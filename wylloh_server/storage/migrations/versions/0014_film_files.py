"""What a film's file was when it was looked into, and which of its tracks cannot be played."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("films", sa.Column("file_size", sa.BigInteger))
    op.add_column("films", sa.Column("file_modified", sa.BigInteger))
    op.add_column("films", sa.Column("fingerprint", sa.String))
    op.add_column("films", sa.Column("notes", sa.JSON))
