"""Background tasks as rows."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, delete, select, update

from wylloh_server.domain.task import UNFINISHED, Task, TaskState, TaskSubject
from wylloh_server.storage.tables import tasks
from wylloh_server.storage.upsert import insert_new

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncConnection

    from wylloh_server.domain.task import TaskId
    from wylloh_server.domain.types import Wallet
    from wylloh_server.storage.connections import Connections

_SHOWN = [column for column in tasks.c if column.name not in {"arguments", "open_subject"}]
"""The arguments of a task may be long, and no list of tasks shows them."""

_PLAIN = [field.name for field in fields(Task) if field.name not in {"subject", "state"}]
_OPEN = tasks.c.state.in_([state.value for state in UNFINISHED])
_KEPT = 200
"""Finished tasks of the server's own that stay; people clear theirs away themselves."""


class TaskRepository:
    """Background tasks as people see them."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def add(self, task: Task, arguments: Mapping[str, Any]) -> bool:
        """Add a task and what it was started with, which JSON can write.

        Returns:
            False, and nothing is added, if one of its kind and subject is unfinished.
        """
        row = {**_to_row(task), "arguments": dict(arguments)}
        async with self._connections.writing() as connection:
            if not await insert_new(connection, tasks, row):
                return False
            if task.wallet is None:
                await _forget_older(connection, task)
        return True

    async def save(self, task: Task) -> bool:
        """Replace what is known of a task; False if it has ended or is gone, and then nothing changes."""
        row = _to_row(task)
        if task.state is TaskState.DONE:
            # Nobody needs the arguments of a task that is done; they may name ten thousand films.
            row["arguments"] = {}
        return await self._changed((tasks.c.id == task.id) & _OPEN, row)

    async def begin(self, task: TaskId, attempt: int) -> Task | None:
        """Mark a task as running and return it; None if it has ended, or this is not its present attempt."""
        present = (tasks.c.id == task) & (tasks.c.attempts == attempt) & _OPEN
        if not await self._changed(present, {"state": TaskState.RUNNING, "retry_at": None}):
            return None
        return await self.get(task)

    async def reopen(self, task: Task) -> bool:
        """Replace what is known of a task that has ended by one that waits.

        Returns:
            False, and nothing changes, if it is gone or open, or another one of its subject is unfinished.
        """
        ended = (tasks.c.id == task.id) & ~_OPEN
        row = _to_row(task)
        same = select(tasks.c.id).where(tasks.c.open_subject == row["open_subject"])
        async with self._connections.writing() as connection:
            if row["open_subject"] and await connection.scalar(same) is not None:
                return False
            changed = await connection.execute(update(tasks).where(ended).values(row))
        return bool(changed.rowcount)

    async def get(self, task: TaskId) -> Task | None:
        """Find a task."""
        found = await self._found(tasks.c.id == task)
        return found[0] if found else None

    async def arguments(self, task: TaskId) -> dict[str, Any]:
        """Return what a task was started with; nothing if there is no such task."""
        async with self._connections.reading() as connection:
            found = await connection.scalar(select(tasks.c.arguments).where(tasks.c.id == task))
        return dict(found or {})

    async def all(self, wallet: Wallet | None = None) -> tuple[Task, ...]:
        """Return every task, or only those a wallet started; newest first."""
        return await self._found(tasks.c.wallet == wallet if wallet else None)

    async def unfinished(self, kind: str | None = None) -> tuple[Task, ...]:
        """Return the tasks that have not ended, or those of a kind, newest first."""
        return await self._found(_OPEN if kind is None else _OPEN & (tasks.c.kind == kind))

    async def about(self, subject: TaskSubject) -> tuple[Task, ...]:
        """Return the tasks on a subject, newest first."""
        return await self._found((tasks.c.subject_kind == subject.kind) & (tasks.c.subject_id == subject.id))

    async def clear(self, wallet: Wallet | None = None, *, but_cancelled: Collection[str] = ()) -> None:
        """Delete the tasks that have ended: every one, or only those a wallet started.

        Args:
            wallet: who started them.
            but_cancelled: kinds of which cancelled ones stay.
        """
        kept = tasks.c.kind.in_(but_cancelled) & (tasks.c.state == TaskState.CANCELLED)
        ended = delete(tasks).where(~_OPEN & ~kept)
        async with self._connections.writing() as connection:
            await connection.execute(ended.where(tasks.c.wallet == wallet) if wallet else ended)

    async def _changed(self, which: ColumnElement[bool], values: Mapping[str, Any]) -> bool:
        async with self._connections.writing() as connection:
            changed = await connection.execute(update(tasks).where(which).values(dict(values)))
        return bool(changed.rowcount)

    async def _found(self, which: ColumnElement[bool] | None) -> tuple[Task, ...]:
        wanted = select(*_SHOWN).order_by(tasks.c.started.desc(), tasks.c.id)
        async with self._connections.reading() as connection:
            rows = await connection.execute(wanted if which is None else wanted.where(which))
            return tuple(_to_task(row) for row in rows)


async def _forget_older(connection: AsyncConnection, task: Task) -> None:
    """Delete what the server did before on the same subject, and all but its newest finished tasks."""
    own = tasks.c.wallet.is_(None) & ~_OPEN
    if task.subject is not None:
        same = (tasks.c.subject_kind == task.subject.kind) & (tasks.c.subject_id == task.subject.id)
        await connection.execute(delete(tasks).where(own & same & (tasks.c.kind == task.kind)))
    done = own & (tasks.c.state == TaskState.DONE)
    newest = select(tasks.c.id).where(done).order_by(tasks.c.finished.desc()).limit(_KEPT)
    await connection.execute(delete(tasks).where(done & tasks.c.id.not_in(newest.scalar_subquery())))


def _to_row(task: Task) -> dict[str, Any]:
    subject = task.subject
    key = f"{task.kind}:{subject.kind}:{subject.id}" if subject and task.unfinished else None
    return {
        **{name: getattr(task, name) for name in _PLAIN},
        "state": task.state,
        "subject_kind": subject and subject.kind,
        "subject_id": subject and subject.id,
        "open_subject": key,
    }


def _to_task(row: Row[Any]) -> Task:
    plain = row._asdict()
    kind, subject_id = plain.pop("subject_kind"), plain.pop("subject_id")
    subject = TaskSubject(kind, subject_id) if kind else None
    return Task(**{**plain, "state": TaskState(row.state), "subject": subject})
