"""The files that a title was submitted with; and which revocations are of wallets that hold nothing.

No files are known of older requests. Whether a wallet holds something is looked up every day.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.add_column("requests", sa.Column("files", sa.JSON()))
    op.add_column(
        "binding_revocations",
        sa.Column("stranger", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_index("ix_binding_revocations_stranger", "binding_revocations", ["stranger", "issued_at"])
