"""What a task or a request reads is called `message`, as everywhere else."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    for table in ("tasks", "requests"):
        op.execute(f"ALTER TABLE {table} RENAME COLUMN says TO message")
