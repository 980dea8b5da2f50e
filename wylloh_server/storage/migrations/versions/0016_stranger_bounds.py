"""What other servers ask is counted by the day; accounts say whether they came by themselves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    with op.batch_alter_table("receipts") as receipts:
        receipts.add_column(sa.Column("day", sa.Integer()))
        receipts.create_index("ix_receipts_day_allowed", ["day", "allowed"])
        receipts.create_index("ix_receipts_asked_on_day", ["film", "wallet", "allowed", "day"], unique=True)
    with op.batch_alter_table("accounts") as accounts:
        accounts.add_column(
            sa.Column("self_admitted", sa.Boolean(), nullable=False, server_default=sa.false())
        )
