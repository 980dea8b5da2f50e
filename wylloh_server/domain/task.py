"""Background tasks as people see them: a name, a bar, a cancel button, a result."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NewType

if TYPE_CHECKING:
    from wylloh_server.domain.types import Timestamp, Wallet

TaskId = NewType("TaskId", str)
"""A task's name: 32 lower-case hex digits."""


class TaskState(StrEnum):
    """Where a task stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNFINISHED = frozenset({TaskState.WAITING, TaskState.RUNNING})
"""The states of a task that goes on, or will."""


@dataclass(frozen=True, slots=True)
class Task:
    """One background task.

    Attributes:
        kind: `<plugin>.<task>` for a plugin's, a plain word for the core's.
        title: what people read: `Add the tag noir to 120 films`.
        wallet: who started it; None when the server did.
        done, total: progress in whatever the task counts; total 0 while unknown.
        says: what it is doing now, or its result, or why it failed.
        link: path on this server where the result is; empty if nowhere.
    """

    id: TaskId
    kind: str
    title: str
    wallet: Wallet | None
    state: TaskState
    started: Timestamp
    done: int = 0
    total: int = 0
    says: str = ""
    link: str = ""
    finished: Timestamp | None = None

    @property
    def unfinished(self) -> bool:
        """Say whether it goes on, or will."""
        return self.state in UNFINISHED
