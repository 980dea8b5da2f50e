"""Every package that a film played from before, instead of the last one only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"

_NAMED = ("film", "root", "publisher", "manifest_sha256")
_FETCHED = (*_NAMED, "state", "progress", "reason")
_REPLACED = (*_NAMED, "since")


def upgrade() -> None:
    """Part the packages that come from those that were, and bring both along."""
    op.create_table(
        "successor_packages",
        sa.Column("film", sa.String(), primary_key=True),
        sa.Column("root", sa.String(), nullable=False, index=True),
        sa.Column("publisher", sa.String(), nullable=False),
        sa.Column("manifest_sha256", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("progress", sa.Double(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
    )
    op.create_table(
        "former_packages",
        sa.Column("film", sa.String(), primary_key=True),
        sa.Column("root", sa.String(), primary_key=True, index=True),
        sa.Column("publisher", sa.String(), nullable=False),
        sa.Column("manifest_sha256", sa.String(), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
    )
    _move("successor", "successor_packages", _FETCHED)
    _move("former", "former_packages", _REPLACED)
    op.drop_table("film_packages")


def _move(role: str, table: str, names: tuple[str, ...]) -> None:
    old = sa.table("film_packages", *(sa.column(name) for name in ("role", *names)))
    new = sa.table(table, *(sa.column(name) for name in names))
    rows = sa.select(*(old.c[name] for name in names)).where(old.c.role == role)
    op.execute(sa.insert(new).from_select(names, rows))
