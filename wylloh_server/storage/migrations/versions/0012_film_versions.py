"""Packages beside those that play, and what the owner chose about films."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the tables. What was fetched so far may be fetched: nobody was asked about it."""
    op.create_table(
        "film_packages",
        sa.Column("film", sa.String(), primary_key=True),
        sa.Column("role", sa.String(), primary_key=True),
        sa.Column("root", sa.String(), nullable=False, index=True),
        sa.Column("publisher", sa.String(), nullable=False),
        sa.Column("manifest_sha256", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("progress", sa.Double(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
    )
    op.create_table(
        "film_choices",
        sa.Column("film", sa.String(), primary_key=True),
        sa.Column("keep", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("consent", sa.String()),
    )
    op.create_index("ix_films_root", "films", ["root"])
    films = sa.table("films", sa.column("id"), sa.column("token"), sa.column("state"))
    choices = sa.table("film_choices", sa.column("film"), sa.column("consent"))
    fetched = films.c.token.is_not(None) & films.c.state.in_(["pulling", "waiting", "ready"])
    chosen = sa.select(films.c.id, sa.literal("agreed")).where(fetched)
    op.execute(sa.insert(choices).from_select(["film", "consent"], chosen))
