"""Which envelopes are void because their wallet was seen to hold too little."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.add_column("envelopes", sa.Column("refused", sa.Boolean(), nullable=False, server_default=sa.false()))
