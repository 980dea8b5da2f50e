"""What a task is about and when it is tried again; who is asking a wallet for a step."""

from __future__ import annotations

import secrets
import time
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    with op.batch_alter_table("tasks") as tasks:
        tasks.add_column(sa.Column("subject_kind", sa.String()))
        tasks.add_column(sa.Column("subject_id", sa.String()))
        tasks.add_column(sa.Column("open_subject", sa.String()))
        tasks.add_column(sa.Column("attempts", sa.BigInteger(), nullable=False, server_default="0"))
        tasks.add_column(sa.Column("pause", sa.Double(), nullable=False, server_default="0"))
        tasks.add_column(sa.Column("retry_at", sa.Double()))
    op.create_index("ix_tasks_open_subject", "tasks", ["open_subject"], unique=True)
    with op.batch_alter_table("transactions") as transactions:
        transactions.add_column(sa.Column("claimed_by", sa.String()))
        transactions.add_column(sa.Column("claimed_until", sa.Double()))
        transactions.add_column(sa.Column("claimed_step", sa.BigInteger()))
        transactions.add_column(sa.Column("claimed_first", sa.Boolean()))
    _name_titles()
    _show_stopped_films()


def _name_titles() -> None:
    """Fill in the subject of the tasks on titles, whose arguments name them."""
    tasks = sa.table(
        "tasks",
        *(sa.column(name) for name in ("id", "kind", "subject_kind", "subject_id", "open_subject", "state")),
        sa.column("arguments", sa.JSON()),
    )
    connection = op.get_bind()
    known = sa.select(tasks.c.id, tasks.c.kind, tasks.c.state, tasks.c.arguments)
    taken: set[str] = set()
    for row in connection.execute(known.where(tasks.c.kind.in_(["encrypt", "pack"]))).all():
        title = (row.arguments or {}).get("title")
        if not title:
            continue
        name = f"{row.kind}:title:{title}"
        # Two at once were possible before; the second keeps no claim to be the only one.
        is_open = row.state in {"waiting", "running"} and name not in taken
        if is_open:
            taken.add(name)
        values = {"subject_kind": "title", "subject_id": title, "open_subject": name if is_open else None}
        connection.execute(sa.update(tasks).where(tasks.c.id == row.id).values(values))


def _show_stopped_films() -> None:
    """Add a cancelled task for every film whose fetching was cancelled: they were kept in memory."""
    plain: list[sa.ColumnClause[Any]] = [sa.column(name) for name in ("id", "reason", "state")]
    films = sa.table("films", *plain, sa.column("description", sa.JSON()))
    names = "id kind title state started done total says link finished subject_kind subject_id attempts pause"
    columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in names.split()]
    tasks = sa.table("tasks", *columns, sa.column("arguments", sa.JSON()))
    connection, now = op.get_bind(), time.time()
    stopped = sa.select(films.c.id, films.c.description, films.c.reason).where(films.c.state == "stopped")
    rows = [
        {
            "id": secrets.token_hex(16),
            "kind": "pull",
            "title": f"Fetch {film.description.get('title', film.id)}",
            "state": "cancelled",
            "started": now,
            "done": 0,
            "total": 0,
            "says": film.reason,
            "link": "",
            "finished": now,
            "subject_kind": "film",
            "subject_id": film.id,
            "attempts": 0,
            "pause": 0.0,
            "arguments": {"film": film.id},
        }
        for film in connection.execute(stopped)
    ]
    if rows:
        connection.execute(sa.insert(tasks), rows)
