"""Which plugins have a say in who may watch."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.create_table("voting_plugins", sa.Column("name", sa.String(), primary_key=True))
