"""Background tasks: started, run as durable jobs, tried again, cancelled, and announced when they end.

A task is a row that people see and a job that runs it, named by the task's id and attempt. The row comes
first and is the truth: a job of another attempt than the row's does nothing, and a task without a job, lost
with a crash or started while no server ran, gets one at the next start.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from wylloh_server.domain.access import Role
from wylloh_server.domain.errors import InvalidValue, NotFound, PluginError, RetryLater, WyllohError
from wylloh_server.domain.events import TaskEnded
from wylloh_server.domain.ports.jobs import Job, JobQueue
from wylloh_server.domain.task import Task, TaskId, TaskState
from wylloh_server.domain.topics import TASKS
from wylloh_server.domain.types import Seconds, Timestamp
from wylloh_server.services.operations.progress import report_periodically
from wylloh_server.services.operations.task_run import LONGEST_MESSAGE, TaskRun

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.ports.clock import Clock
    from wylloh_server.domain.ports.jobs import JobEngine
    from wylloh_server.domain.task import TaskResult, TaskSubject
    from wylloh_server.domain.types import JobId, Wallet
    from wylloh_server.services.operations.event_bus import EventBus
    from wylloh_server.services.operations.live_updates import LiveUpdates
    from wylloh_server.services.operations.plugin_task_runner import PluginTaskRunner
    from wylloh_server.storage.tasks import TaskRepository

    Work = Callable[[TaskRun], Awaitable[TaskResult]]

_log = logging.getLogger(__name__)

RUNNING_TASKS = f"{TASKS}:running"
"""The topic of how many tasks go on; `TASKS` changes more often."""

_PLUGINS = JobQueue("plugins", at_once=2, partitioned=True)
"""The queue of all plugins: two tasks of each side by side, so that one's thousand delay no other's."""
_ASKED_FOR, _BY_ITSELF = 1, 10
"""Priorities: what a person asked for runs before what the server began."""
_EVERY = 1.0
"""Seconds between two looks at how far a task is. What it tells meanwhile costs nothing."""
_LONGEST_TITLE = 200
_JITTER = 0.25
_random = secrets.SystemRandom()


@dataclass(frozen=True, slots=True)
class TaskKind:
    """A kind of the core's own tasks.

    Attributes:
        work: runs one; raises RetryLater to be called again after a pause.
        at_once: how many run side by side.
        first_pause: before it is tried again for the first time; each next pause is twice as long.
        longest_pause: no pause is longer.
        cancelled: is called when a task is cancelled; returns what to say, or '' for the usual.
        retried: is called before a task that has ended is tried again.
        keep_cancelled: a cancelled task stays when others are cleared, so that it can be tried again.
    """

    work: Work
    at_once: int = 2
    first_pause: Seconds = Seconds(15)
    longest_pause: Seconds = Seconds(3600)
    cancelled: Callable[[Task], Awaitable[str]] | None = None
    retried: Callable[[Task], Awaitable[None]] | None = None
    keep_cancelled: bool = False


@dataclass(kw_only=True, eq=False)
class TaskService:
    """Keeps and runs background tasks. A viewer has their own; owner and admins have everybody's.

    Attributes:
        tasks: everybody's, without the progress of the last second.
    """

    tasks: TaskRepository
    jobs: JobEngine
    plugins: PluginTaskRunner
    bus: EventBus
    live: LiveUpdates
    clock: Clock
    _kinds: dict[str, TaskKind] = field(init=False, default_factory=dict)
    _runs: dict[TaskId, TaskRun] = field(init=False, default_factory=dict)
    _open: bool = field(init=False, default=False)
    _active: dict[TaskId, Wallet | None] = field(init=False, default_factory=dict)

    def register(self, kind: str, how: TaskKind) -> None:
        """Name what runs the core's own tasks of a kind (a plain word). Before `running`."""
        self._kinds[kind] = how

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Resume every task that has not ended, and take new ones, until the context ends."""
        queues = [JobQueue(kind, how.at_once) for kind, how in self._kinds.items()]
        async with self.jobs.running((*queues, _PLUGINS), self._run_job):
            self._open = True
            try:
                await self._resume()
                yield
            finally:
                self._open = False

    async def start(
        self,
        kind: str,
        title: str,
        arguments: Mapping[str, Any],
        wallet: Wallet | None = None,
        *,
        subject: TaskSubject | None = None,
    ) -> TaskId:
        """Start a task, or keep it until the server runs.

        Returns:
            The task's id; that of the unfinished task of the same kind and subject if there is one.

        Raises:
            PluginError: it has no title, or the arguments are no JSON.
        """
        name = " ".join(title.split())[:_LONGEST_TITLE]
        if not name or not _is_json(arguments):
            raise PluginError("A background task needs a title, and arguments that JSON can write.")
        new = TaskId(secrets.token_hex(16))
        task = Task(new, kind, name, wallet, TaskState.WAITING, self.clock(), subject=subject)
        while not await self.tasks.add(task, arguments):
            for same in await self.tasks.about(subject) if subject else ():
                if same.kind == kind and same.unfinished:
                    return same.id
        await self._enqueue(task)
        self.live.changed(TASKS, RUNNING_TASKS)
        return task.id

    async def all(self, viewer: Viewer) -> tuple[Task, ...]:
        """Return the viewer's tasks, newest first."""
        return tuple(self._now(task) for task in await self.tasks.all(_whose(viewer)))

    async def about(self, viewer: Viewer, subject: TaskSubject) -> tuple[Task, ...]:
        """Return the viewer's tasks on a subject, newest first."""
        found, whose = await self.tasks.about(subject), _whose(viewer)
        return tuple(self._now(task) for task in found if whose in {None, task.wallet})

    def busy(self, viewer: Viewer) -> int:
        """Count the viewer's tasks that run or are about to; answers at once."""
        whose = _whose(viewer)
        return sum(whose in {None, wallet} for wallet in self._active.values())

    async def get(self, viewer: Viewer, task_id: TaskId) -> Task:
        """Find one of the viewer's tasks.

        Raises:
            NotFound: there is none, or it is somebody else's.
        """
        task = await self.tasks.get(task_id)
        if task is None or _whose(viewer) not in {None, task.wallet}:
            raise NotFound("There is no such task.", fix="Reload the page; it may have been cleared away.")
        return self._now(task)

    async def cancel(self, viewer: Viewer, task_id: TaskId) -> None:
        """Cancel a task for good. What it did so far stays. One that has ended stays as it is.

        Raises:
            NotFound: there is none, or it is somebody else's.
        """
        task = await self.get(viewer, task_id)
        if not task.unfinished:
            return
        if self._open:
            await self.jobs.cancel(task.job)
        hook = self._kind(task).cancelled
        message = await hook(task) if hook else ""
        await self._end(
            replace(task, state=TaskState.CANCELLED, message=message or _cancelled(task), link="")
        )

    async def retry(self, viewer: Viewer, task_id: TaskId) -> None:
        """Try a task again that failed or was cancelled, or one at once that waits to be tried again.

        Raises:
            InvalidValue: it runs, or is done.
            NotFound: there is none, or it is somebody else's.
        """
        task = await self.get(viewer, task_id)
        if task.unfinished and task.retry_at is not None:
            await self.hurry(task)
            return
        if task.state not in {TaskState.FAILED, TaskState.CANCELLED}:
            state = "done already" if task.state is TaskState.DONE else "going on"
            raise InvalidValue(f"This is {state}.", fix="Reload the page.")
        hook = self._kind(task).retried
        if hook is not None:
            await hook(task)
        again = replace(_next_attempt(task), done=0, total=0, message="", pause=Seconds(0), finished=None)
        if not await self.tasks.reopen(again):
            raise InvalidValue("This is going on.", fix="Reload the page.")
        await self._enqueue(again)
        self.live.changed(TASKS, RUNNING_TASKS)

    async def hurry(self, task: Task) -> None:
        """Try a task now that waits to be tried again."""
        again = replace(_next_attempt(task), pause=Seconds(0), retry_at=None)
        if await self.tasks.save(again):
            await self._enqueue(again)

    async def clear(self, viewer: Viewer) -> None:
        """Forget the viewer's tasks that have ended."""
        kept = [kind for kind, how in self._kinds.items() if how.keep_cancelled]
        await self.tasks.clear(_whose(viewer), but_cancelled=kept)
        self.live.changed(TASKS)

    async def _resume(self) -> None:
        """Enqueue every unfinished task that has no job."""
        known = await self.jobs.unfinished()
        for task in reversed(await self.tasks.unfinished()):
            if task.job in known:
                if task.retry_at is None:
                    self._active[task.id] = task.wallet
            elif await self.tasks.save(again := _next_attempt(task)):
                await self._enqueue(again)

    async def _enqueue(self, task: Task) -> None:
        """Store the job of a task's present attempt."""
        if task.retry_at is None:
            self._active[task.id] = task.wallet
        if not self._open:
            return
        own = task.kind in self._kinds
        delay = max(0.0, task.retry_at - self.clock()) if task.retry_at is not None else 0.0
        await self.jobs.start(
            Job(
                task.job,
                task.kind if own else _PLUGINS.name,
                "" if own else task.kind.partition(".")[0],
                _BY_ITSELF if task.wallet is None else _ASKED_FOR,
                Seconds(delay),
            )
        )

    async def _run_job(self, job: JobId) -> None:
        """Run a job's attempt of its task, unless that is not the present one."""
        name, _, attempt = job.rpartition(".")
        task_id = TaskId(name)
        while (before := self._runs.get(task_id)) is not None:  # it was cancelled, and does not mind
            await before.over.wait()
        task = await self.tasks.begin(task_id, int(attempt))
        if task is None:
            return
        run = TaskRun(task, await self.tasks.arguments(task_id))
        self._runs[task_id] = run
        self._active[task_id] = task.wallet
        self.live.changed(TASKS, RUNNING_TASKS)
        try:
            async with report_periodically(partial(self._store_progress, run, [task]), _EVERY):
                after = await self._outcome(run)
        finally:
            run.over.set()
            del self._runs[task_id]
        await (self._wait(after) if after.unfinished else self._end(after))

    async def _outcome(self, run: TaskRun) -> Task:
        """Run a task's handler; return the task as it is then."""
        try:
            result = await self._kind(run.task).work(run)
        except RetryLater as error:
            return self._later(run.task, error.explained)
        except WyllohError as error:
            return replace(run.task, state=TaskState.FAILED, message=error.explained)
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is None or current.cancelling():
                raise
            return replace(run.task, state=TaskState.FAILED, message="It was interrupted.")
        except Exception:  # noqa: BLE001 - whatever a task does, only the task fails
            _log.exception("the background task %s failed", run.task.kind)
            message = "This server made a mistake and could not finish it. Its log says more."
            return replace(run.task, state=TaskState.FAILED, message=message)
        message = result.sentence[:LONGEST_MESSAGE]
        task = run.task
        return replace(task, state=TaskState.DONE, done=task.total, message=message, link=result.link)

    def _later(self, task: Task, message: str) -> Task:
        """Return a task that waits for its next attempt, twice as long as before, give or take a quarter."""
        how = self._kind(task)
        pause = min(how.longest_pause, max(how.first_pause, 2 * task.pause))
        at = self.clock() + pause * _random.uniform(1 - _JITTER, 1 + _JITTER)
        return replace(_next_attempt(task), pause=Seconds(pause), retry_at=Timestamp(at), message=message)

    async def _wait(self, task: Task) -> None:
        if await self.tasks.save(task):
            self._active.pop(task.id, None)
            await self._enqueue(task)
            self.live.changed(TASKS, RUNNING_TASKS)

    async def _store_progress(self, run: TaskRun, stored: list[Task]) -> None:
        if run.task == stored[0]:
            return
        stored[0] = run.task
        try:
            await self.tasks.save(run.task)
        except WyllohError as error:
            _log.warning("the progress of %r could not be stored: %s", run.task.title, error)
        self.live.changed(TASKS)

    async def _end(self, task: Task) -> None:
        """Store how a task ended and announce it, unless it had ended already."""
        task = replace(task, finished=self.clock(), retry_at=None)
        if not await self.tasks.save(task):
            return
        self._active.pop(task.id, None)
        self.bus.publish(TaskEnded(task))
        self.live.changed(TASKS, RUNNING_TASKS)
        if task.wallet is not None and task.state is not TaskState.CANCELLED:
            self.live.notify(task.wallet, _message(task), task.link or "/tasks", task.id)

    def _now(self, task: Task) -> Task:
        """Return a stored task with the progress it has made since."""
        run = self._runs.get(task.id)
        return run.task if run is not None and task.unfinished else task

    def _kind(self, task: Task) -> TaskKind:
        return self._kinds.get(task.kind) or TaskKind(self.plugins.run)


def _next_attempt(task: Task) -> Task:
    return replace(task, state=TaskState.WAITING, attempts=task.attempts + 1)


def _whose(viewer: Viewer) -> Wallet | None:
    return None if viewer.role.includes(Role.ADMIN) else viewer.wallet


def _cancelled(task: Task) -> str:
    if not task.done:
        return "Cancelled."
    so_far = f"{task.done:,} of {task.total:,}" if task.total else f"{task.done:,}"
    return f"Cancelled after {so_far}. What was done stays."


def _message(task: Task) -> str:
    ended = "could not be finished" if task.state is TaskState.FAILED else "done"
    return f"{task.title}: {task.message or ended}"


def _is_json(arguments: Mapping[str, Any]) -> bool:
    try:
        json.dumps(dict(arguments), allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True
