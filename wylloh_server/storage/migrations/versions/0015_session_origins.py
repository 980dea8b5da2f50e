"""Where a session was last seen, when its wallet last signed, and which device let it in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    with op.batch_alter_table("sessions") as sessions:
        sessions.add_column(sa.Column("address", sa.String(), nullable=False, server_default=""))
        sessions.add_column(sa.Column("signed", sa.Double(), nullable=False, server_default="0"))
        sessions.add_column(sa.Column("let_in_by", sa.String(), nullable=False, server_default=""))
        sessions.create_index("ix_sessions_let_in_by", ["let_in_by"])
