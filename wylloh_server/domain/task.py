"""Background tasks as people see them: a name, a bar, a cancel button, a result."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NewType

from wylloh_server.domain.types import JobId, Seconds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from wylloh_server.domain.access import Role
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


@dataclass(frozen=True, slots=True)
class TaskSubject:
    """What a task is about: `film`, say, and its id. One task of a kind and subject at most is unfinished."""

    kind: str
    id: str


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
        message: what it is doing now, or its result, or why it failed.
        link: path on this server where the result is; empty if nowhere.
        subject: what it is about; None for several things, or none.
        attempts: how often it was enqueued again; with its id this names its present job.
        pause: how long it waits, or waited last, before it is tried again; 0 before the first time.
        retry_at: when it is tried again, while it waits for that.
    """

    id: TaskId
    kind: str
    title: str
    wallet: Wallet | None
    state: TaskState
    started: Timestamp
    done: int = 0
    total: int = 0
    message: str = ""
    link: str = ""
    finished: Timestamp | None = None
    subject: TaskSubject | None = None
    attempts: int = 0
    pause: Seconds = Seconds(0)
    retry_at: Timestamp | None = None

    @property
    def unfinished(self) -> bool:
        """Whether it goes on, or will."""
        return self.state in UNFINISHED

    @property
    def job(self) -> JobId:
        """The job that does it now."""
        return JobId(f"{self.id}.{self.attempts}")


@dataclass(frozen=True, slots=True)
class TaskProgress:
    """A running background task, for its handler. Cancelling it raises CancelledError in the handler.

    Attributes:
        arguments: what it was started with.
        wallet: who started it; None when the server did.
        role: what that wallet may do here now; None when the server started it, or without an account.
        update: `await progress.update(done, total, message="")` shows progress, and a sentence. Calls may be
            frequent; they cost nothing.
    """

    arguments: Mapping[str, Any]
    wallet: Wallet | None
    update: Callable[..., Awaitable[None]]
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class TaskResult:
    """The result of a background task: a sentence, and the path on this server where it is shown."""

    sentence: str
    link: str = ""
