"""Background tasks as rows."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, delete, insert, select, update

from wylloh_server.adapters.database._tables import tasks
from wylloh_server.domain.task import UNFINISHED, Task, TaskState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement

    from wylloh_server.adapters.database._connections import Connections
    from wylloh_server.domain.task import TaskId
    from wylloh_server.domain.types import Wallet

_SHOWN = [column for column in tasks.c if column.name != "arguments"]
"""The arguments of a task may be long, and no list of tasks shows them."""

_OPEN = tasks.c.state.in_([state.value for state in UNFINISHED])


class TaskTable:
    """Background tasks. See `domain.ports.storage.Tasks`."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def add(self, task: Task, arguments: Mapping[str, Any]) -> None:
        """Add a task and what it was started with."""
        row = {**asdict(task), "arguments": dict(arguments)}
        async with self._connections.writing() as connection:
            await connection.execute(insert(tasks).values(row))

    async def save(self, task: Task) -> bool:
        """Replace what is known of a task; False if it has ended or is gone, and then nothing changes."""
        open_one = update(tasks).where((tasks.c.id == task.id) & _OPEN)
        # Nobody needs the arguments of a task that has ended; they may name ten thousand films.
        values = asdict(task) if task.unfinished else {**asdict(task), "arguments": {}}
        async with self._connections.writing() as connection:
            changed = await connection.execute(open_one.values(values))
        return bool(changed.rowcount)

    async def get(self, task: TaskId) -> Task | None:
        """Find a task."""
        async with self._connections.reading() as connection:
            row = (await connection.execute(select(*_SHOWN).where(tasks.c.id == task))).one_or_none()
        return None if row is None else _task_of(row)

    async def arguments(self, task: TaskId) -> dict[str, Any]:
        """Give what a task was started with; nothing if there is no such task."""
        async with self._connections.reading() as connection:
            found = await connection.scalar(select(tasks.c.arguments).where(tasks.c.id == task))
        return dict(found or {})

    async def all(self, wallet: Wallet | None = None) -> tuple[Task, ...]:
        """Give every task, or only those a wallet started; newest first."""
        return await self._found(tasks.c.wallet == wallet if wallet else None)

    async def unfinished(self) -> tuple[Task, ...]:
        """Give the tasks that have not ended, newest first."""
        return await self._found(_OPEN)

    async def clear(self, wallet: Wallet | None = None) -> None:
        """Forget the tasks that have ended: every one, or only those a wallet started."""
        ended = delete(tasks).where(~_OPEN)
        async with self._connections.writing() as connection:
            await connection.execute(ended.where(tasks.c.wallet == wallet) if wallet else ended)

    async def _found(self, which: ColumnElement[bool] | None) -> tuple[Task, ...]:
        wanted = select(*_SHOWN).order_by(tasks.c.started.desc(), tasks.c.id)
        async with self._connections.reading() as connection:
            rows = await connection.execute(wanted if which is None else wanted.where(which))
            return tuple(_task_of(row) for row in rows)


def _task_of(row: Row[Any]) -> Task:
    return Task(**{**row._asdict(), "state": TaskState(row.state)})
