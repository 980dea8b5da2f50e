"""Durable background work with DBOS: a job survives `kill -9` and goes on at the next start.

What runs is kept in memory as well; the file's lock makes sure that nobody else changes the stored runs.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import deque
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from contextvars import Context
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from wylloh_server.adapters import _dbos
from wylloh_server.domain.errors import StorageError, WyllohError
from wylloh_server.domain.ports.world import Job, JobState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from wylloh_server.domain.ports.world import JobHandler

__all__ = ["DbosJobs"]

_log = logging.getLogger(__name__)

_REMEMBERED = 200
"""Finished jobs that `all` still tells of."""

_STOP_SECONDS = 1.0
"""How long handlers have to end when the server stops."""


@dataclass(frozen=True, slots=True)
class _Run:
    """A job and the id under which DBOS stores this run of it."""

    id: str
    job: Job


class DbosJobs:
    """Background work kept in one SQLite file of its own. See `domain.ports.world.Jobs`.

    DBOS is one per process, so only one `DbosJobs` may be running in a process at a time.
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        self._handlers: dict[str, JobHandler] = {}
        self._runs: dict[tuple[str, str], _Run] = {}
        self._tasks: dict[str, asyncio.Task[str | None]] = {}
        self._outcomes: dict[str, Future[str]] = {}
        self._forgotten: deque[str] = deque()
        self._engine: _dbos.Engine | None = None
        self._loop: asyncio.AbstractEventLoop
        self._known: asyncio.Event
        self._stopping = False

    def register(self, kind: str, handler: JobHandler) -> None:
        """Name a handler. Before `running`."""
        self._handlers[kind] = handler

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Go on with what an earlier process left, and take new work until the context ends.

        Raises:
            StorageError: another server is working with the same file.
            WyllohError: another `DbosJobs` is running in this process.
        """
        with _dbos.alone(self._database):
            self._loop, self._known = asyncio.get_running_loop(), asyncio.Event()
            self._stopping = False
            try:
                await self._launch()
                yield
            finally:
                await self._interrupt_all()
                await asyncio.to_thread(self._shut_down)

    async def start(self, kind: str, key: str) -> None:
        """Start a job unless the same one is running. Begins at once."""
        if kind not in self._handlers:
            raise WyllohError(f"There is no background work named {kind!r}.")
        engine, before = self._launched(), self._runs.get((kind, key))
        if before is not None and before.job.state is JobState.RUNNING:
            return
        run = _Run(uuid.uuid4().hex, Job(kind, key, JobState.RUNNING))
        self._remember(run)
        try:
            await asyncio.to_thread(engine.start, run.id, kind, key)
        except Exception as problem:
            self._note(run, JobState.FAILED, str(problem))
            raise
        await self._forget_oldest(engine)

    async def cancel(self, kind: str, key: str) -> None:
        """Cancel a job for good."""
        run = self._runs.get((kind, key))
        if run is None or run.job.state is not JobState.RUNNING:
            return
        self._note(run, JobState.CANCELLED)
        await asyncio.to_thread(self._launched().cancel, run.id)
        task = self._tasks.get(run.id)
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.wait({task})

    async def all(self) -> tuple[Job, ...]:
        """Give running and recently finished jobs, newest first."""
        return tuple(run.job for run in reversed(self._runs.values()))

    async def _launch(self) -> None:
        try:
            self._engine = await asyncio.to_thread(_dbos.launch, self._database, self._work)
            stored = await asyncio.to_thread(self._engine.runs)
        except (SQLAlchemyError, OSError) as problem:
            raise StorageError(
                f"The background work in {self._database} cannot be read: {problem}",
                fix="Put back a backup of the file, or delete it: what was being done begins again.",
            ) from problem
        for run in stored:
            await self._recall(self._engine, run)
        self._known.set()
        await self._forget_oldest(self._engine)

    async def _recall(self, engine: _dbos.Engine, stored: _dbos.StoredRun) -> None:
        """Take a stored run into memory; a crash may have left an older one of the same job behind it."""
        older = self._runs.get((stored.kind, stored.key))
        if older is not None and older.job.state is JobState.RUNNING:
            await asyncio.to_thread(engine.cancel, older.id)
        self._remember(_Run(stored.id, Job(stored.kind, stored.key, _state_of(stored), stored.reason)))

    def _work(self, run: str, kind: str, key: str) -> str:
        """Do a job, from one of DBOS's threads, as a task of our event loop."""
        outcome: Future[str] = Future()
        # An empty context: in DBOS's own, a job that starts another would be recorded as its parent.
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._begin, run, (kind, key), outcome, context=Context())
            return outcome.result()
        raise _dbos.Interrupted

    def _begin(self, run: str, name: tuple[str, str], outcome: Future[str]) -> None:
        self._outcomes[run] = outcome
        self._tasks[run] = task = self._loop.create_task(self._do(run, name))
        task.add_done_callback(lambda task: self._end(run, task))

    def _end(self, run: str, task: asyncio.Task[str | None]) -> None:
        del self._tasks[run]
        outcome = self._outcomes.pop(run, None)
        if outcome is None:
            return
        result = None if task.cancelled() or task.exception() else task.result()
        if result is None:
            outcome.set_exception(_dbos.Interrupted())
        else:
            outcome.set_result(result)

    async def _do(self, run: str, name: tuple[str, str]) -> str | None:
        """Give why the job failed, '' if it did not, None if it is not to be done now."""
        await self._known.wait()
        current = self._runs.get(name)
        if (
            self._stopping
            or current is None
            or current.id != run
            or current.job.state is not JobState.RUNNING
        ):
            return None
        reason = await self._attempt(*name)
        if self._runs[name] is not current:  # it was cancelled, and did not mind or did so itself
            return None
        self._note(current, JobState.FAILED if reason else JobState.DONE, reason)
        return reason

    async def _attempt(self, kind: str, key: str) -> str:
        handler = self._handlers.get(kind)
        if handler is None:
            return f"Nothing here does background work named {kind!r}."
        try:
            await handler(key)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            return "It was interrupted."
        except WyllohError as problem:
            _log.warning("the job %s of %s failed: %s", kind, key, problem)
            return str(problem)
        except Exception as problem:  # noqa: BLE001 - whatever a handler does, only its own job fails
            _log.exception("the job %s of %s failed", kind, key)
            return str(problem) or type(problem).__name__
        return ""

    async def _interrupt_all(self) -> None:
        self._stopping = True
        self._known.set()
        tasks = set(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_STOP_SECONDS)
        # A handler that does not let itself be cancelled must not keep DBOS's thread, and so the process.
        for run in list(self._outcomes):
            self._outcomes.pop(run).set_exception(_dbos.Interrupted())

    def _shut_down(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.settle({run.id for run in self._runs.values() if run.job.state is not JobState.RUNNING})
        _dbos.destroy()
        self._runs.clear()

    def _remember(self, run: _Run) -> None:
        replaced = self._runs.pop((run.job.kind, run.job.key), None)
        if replaced is not None:
            self._forgotten.append(replaced.id)
        self._runs[run.job.kind, run.job.key] = run

    def _note(self, run: _Run, state: JobState, reason: str = "") -> None:
        job = replace(run.job, state=state, reason=reason)
        self._runs[job.kind, job.key] = replace(run, job=job)

    async def _forget_oldest(self, engine: _dbos.Engine) -> None:
        """Keep the list of finished jobs, and DBOS's file, from growing for ever."""
        finished = [name for name, run in self._runs.items() if run.job.state is not JobState.RUNNING]
        for name in finished[:-_REMEMBERED]:
            self._forgotten.append(self._runs.pop(name).id)
        # By the hundred, and never the newest: DBOS may still be storing how those ended.
        if len(self._forgotten) > _REMEMBERED:
            oldest = [self._forgotten.popleft() for _ in range(_REMEMBERED // 2)]
            await asyncio.to_thread(engine.forget, oldest)

    def _launched(self) -> _dbos.Engine:
        if self._engine is None:
            raise WyllohError("Background work is not running.")
        return self._engine


def _state_of(stored: _dbos.StoredRun) -> JobState:
    if stored.pending:
        return JobState.RUNNING
    if stored.cancelled:
        return JobState.CANCELLED
    return JobState.FAILED if stored.reason else JobState.DONE
