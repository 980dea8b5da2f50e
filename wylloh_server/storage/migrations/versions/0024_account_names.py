"""What an account is called."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.add_column("accounts", sa.Column("name", sa.String(), nullable=False, server_default=""))
