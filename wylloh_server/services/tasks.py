"""Background tasks: started, done as durable jobs, followed, cancelled, and told of when they end.

A task is a row that people see and a job that does it. The row comes first: a task whose job is lost with a
crash, or that was started while no job could run, begins when the server runs again.
"""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from wylloh_server.domain.access import Role
from wylloh_server.domain.errors import NotFound, PluginError, WyllohError
from wylloh_server.domain.events import TaskEnded
from wylloh_server.domain.task import Task, TaskId, TaskState
from wylloh_server.domain.topics import TASKS
from wylloh_server.services.progress import Ticker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.ports.storage import Tasks
    from wylloh_server.domain.ports.world import Clock, Jobs
    from wylloh_server.domain.types import Wallet
    from wylloh_server.hooks.declarations import TaskProgress, TaskResult
    from wylloh_server.services.bus import Bus

    Work = Callable[[TaskProgress], Awaitable[TaskResult]]

_log = logging.getLogger(__name__)

JOB = "task"
"""The kind of job that does a background task; its key is the task's id."""

RUNNING_TASKS = f"{TASKS}:running"
"""The topic of how many tasks go on; `TASKS` changes more often."""

_AT_ONCE = 2
"""Tasks of one plugin done side by side, so that one plugin's thousand keep nobody else's waiting."""
_EVERY = 1.0
"""Seconds between two looks at how far a task is. What it tells meanwhile costs nothing."""
_LONGEST_TITLE = 200
_LONGEST_SENTENCE = 2000
_MOST = 2**53 - 1
"""The largest number that a browser counts exactly."""


class TaskNews(Protocol):
    """Tells open pages of tasks; `services.live.Live` does."""

    def changed(self, *topics: str, wallet: Wallet | None = None) -> None:
        """Tell every open page, or only those of one wallet."""

    def notify(self, wallet: Wallet, sentence: str, link: str, task: str) -> None:
        """Show on the open pages of a wallet what a task ended with."""


class PluginWork(Protocol):
    """Has plugins do their tasks; `hooks.tasks.PluginWork` does."""

    async def run(self, kind: str, progress: TaskProgress) -> TaskResult:
        """Do a task to its end. Raises WyllohError with a sentence for people."""


class TaskDesk:
    """Keeps the background tasks. A viewer has their own; owner and admins have everybody's."""

    def __init__(
        self, *, tasks: Tasks, jobs: Jobs, plugins: PluginWork, bus: Bus, live: TaskNews, clock: Clock
    ) -> None:
        self._tasks = tasks
        self._jobs = jobs
        self._plugins = plugins
        self._bus = bus
        self._live = live
        self._clock = clock
        self._own: dict[str, Work] = {}
        self._runs: dict[TaskId, _Run] = {}
        self._places: defaultdict[str, asyncio.Semaphore] = defaultdict(partial(asyncio.Semaphore, _AT_ONCE))
        self._open = False
        self._unfinished: dict[TaskId, Wallet | None] = {}

    def register(self, kind: str, work: Work) -> None:
        """Name what does the core's own tasks of a kind (a plain word). Before `running`."""
        self._own[kind] = work

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Go on with every task that has not ended, and take new ones, until the context ends. Jobs run."""
        self._open = True
        try:
            for task in reversed(await self._tasks.unfinished()):
                self._unfinished[task.id] = task.wallet
                await self._jobs.start(JOB, task.id)
            yield
        finally:
            self._open = False

    async def start(
        self, kind: str, title: str, arguments: Mapping[str, Any], wallet: Wallet | None = None
    ) -> TaskId:
        """Start a task, or keep it until the server runs.

        Raises:
            PluginError: it has no title, or the arguments are no JSON.
        """
        name = " ".join(title.split())[:_LONGEST_TITLE]
        if not name or not _is_json(arguments):
            raise PluginError("A background task needs a title, and arguments that JSON can write.")
        task = Task(TaskId(uuid.uuid4().hex), kind, name, wallet, TaskState.WAITING, self._clock())
        await self._tasks.add(task, arguments)
        self._unfinished[task.id] = wallet
        if self._open:
            await self._jobs.start(JOB, task.id)
        self._live.changed(TASKS, RUNNING_TASKS)
        return task.id

    async def all(self, viewer: Viewer) -> tuple[Task, ...]:
        """Give the viewer's tasks, newest first."""
        stored = await self._tasks.all(_whose(viewer))
        return tuple(self._runs[task.id].task if task.id in self._runs else task for task in stored)

    def busy(self, viewer: Viewer) -> int:
        """Count the viewer's tasks that go on; answers at once."""
        whose = _whose(viewer)
        return sum(whose in {None, wallet} for wallet in self._unfinished.values())

    async def get(self, viewer: Viewer, task_id: TaskId) -> Task:
        """Find one of the viewer's tasks.

        Raises:
            NotFound: there is none, or it is somebody else's.
        """
        task = await self._tasks.get(task_id)
        if task is None or _whose(viewer) not in {None, task.wallet}:
            raise NotFound("There is no such task.", fix="Reload the page; it may have been cleared away.")
        return self._runs[task_id].task if task_id in self._runs else task

    async def cancel(self, viewer: Viewer, task_id: TaskId) -> None:
        """Cancel a task for good. What it did so far stays. One that has ended stays as it is.

        Raises:
            NotFound: there is none, or it is somebody else's.
        """
        task = await self.get(viewer, task_id)
        if await self._end(replace(task, state=TaskState.CANCELLED, says=_cancelled(task), link="")):
            await self._jobs.cancel(JOB, task_id)

    async def clear(self, viewer: Viewer) -> None:
        """Forget the viewer's tasks that have ended."""
        await self._tasks.clear(_whose(viewer))
        self._live.changed(TASKS)

    async def work(self, key: str) -> None:
        """Do a task; the handler of the jobs named `JOB`."""
        task = await self._tasks.get(TaskId(key))
        if task is None or not task.unfinished:
            return
        async with self._places[task.kind.partition(".")[0]]:
            run = _Run(replace(task, state=TaskState.RUNNING), await self._tasks.arguments(task.id))
            # Somebody may have cancelled it while it waited.
            if await self._tasks.save(run.task):
                await self._do(run)

    async def _do(self, run: _Run) -> None:
        self._runs[run.task.id] = run
        self._live.changed(TASKS)
        try:
            async with Ticker(partial(self._look, run), _EVERY):
                ended = await self._outcome(run)
        finally:
            run.over = True
            del self._runs[run.task.id]
        await self._end(ended)

    async def _outcome(self, run: _Run) -> Task:
        kind = run.task.kind
        try:
            result = await (self._own[kind](run) if kind in self._own else self._plugins.run(kind, run))
        except WyllohError as error:
            return replace(run.task, state=TaskState.FAILED, says=error.explained)
        except Exception:  # noqa: BLE001 - whatever a task does, only the task fails
            _log.exception("the background task %s failed", kind)
            says = "This server made a mistake and could not finish it. Its log says more."
            return replace(run.task, state=TaskState.FAILED, says=says)
        total = run.task.total
        says = result.sentence[:_LONGEST_SENTENCE]
        return replace(run.task, state=TaskState.DONE, done=total, says=says, link=result.link)

    async def _look(self, run: _Run) -> None:
        if run.task == run.seen:
            return
        run.seen = run.task
        try:
            await self._tasks.save(run.task)
        except WyllohError as error:
            _log.warning("how far %r is could not be saved: %s", run.task.title, error)
        self._live.changed(TASKS)

    async def _end(self, task: Task) -> bool:
        """Store how a task ended and tell of it, unless it had ended already."""
        task = replace(task, finished=self._clock())
        if not await self._tasks.save(task):
            return False
        self._unfinished.pop(task.id, None)
        self._bus.publish(TaskEnded(task))
        self._live.changed(TASKS, RUNNING_TASKS)
        if task.wallet is not None and task.state is not TaskState.CANCELLED:
            self._live.notify(task.wallet, _told(task), task.link or "/tasks", task.id)
        return True


class _Run:
    """A task at work, as its handler sees it. See `hooks.declarations.TaskProgress`."""

    def __init__(self, task: Task, arguments: Mapping[str, Any]) -> None:
        self.task = task
        self.seen = task
        self.over = False
        self._arguments = arguments

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What it was started with."""
        return self._arguments

    @property
    def wallet(self) -> Wallet | None:
        """Who started it."""
        return self.task.wallet

    async def tell(self, done: int, total: int, says: str = "") -> None:
        """Show progress."""
        if self.over:
            # A handler that went on although it was cancelled.
            raise asyncio.CancelledError
        total = _counted(total)
        done = min(_counted(done), total) if total else _counted(done)
        self.task = replace(self.task, done=done, total=total, says=says[:_LONGEST_SENTENCE])
        # A handler that awaits nothing else would keep everybody waiting, and could not be cancelled.
        await asyncio.sleep(0)


def _whose(viewer: Viewer) -> Wallet | None:
    return None if viewer.role.includes(Role.ADMIN) else viewer.wallet


def _counted(number: int) -> int:
    return max(0, min(int(number), _MOST))


def _cancelled(task: Task) -> str:
    if not task.done:
        return "Cancelled."
    so_far = f"{task.done:,} of {task.total:,}" if task.total else f"{task.done:,}"
    return f"Cancelled after {so_far}. What was done stays."


def _told(task: Task) -> str:
    ended = "could not be finished" if task.state is TaskState.FAILED else "done"
    return f"{task.title}: {task.says or ended}"


def _is_json(arguments: Mapping[str, Any]) -> bool:
    try:
        json.dumps(dict(arguments), allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True
