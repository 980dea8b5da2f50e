"""Which custodian sent an envelope, and when the chain was asked about its wallet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.add_column("envelopes", sa.Column("custodian", sa.String(), nullable=False, server_default=""))
    op.add_column("envelopes", sa.Column("asked_at", sa.BigInteger(), nullable=True))
