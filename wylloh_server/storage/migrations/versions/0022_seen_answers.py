"""Which answers of the owner their askers have seen. Those given before count as seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.add_column("requests", sa.Column("seen", sa.Boolean(), nullable=False, server_default=sa.true()))
