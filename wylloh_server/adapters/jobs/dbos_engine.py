"""The job engine over DBOS: its durable queues, delays and recovery, with handlers on our event loop.

DBOS is one per process. Its asynchronous functions are not used: they replace the event loop's default
executor by DBOS's own, which is closed when DBOS is destroyed, and `asyncio.to_thread` fails from then on.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import Context
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from wylloh_server.domain.errors import StorageError, WyllohError
from wylloh_server.domain.types import JobId
from wylloh_server.storage.engine import libpq_url

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Iterator
    from pathlib import Path

    from dbos import DBOSConfig

    from wylloh_server.domain.ports.jobs import Job, JobHandler, JobQueue

__all__ = ["DbosEngine"]

_log = logging.getLogger(__name__)

_WORKFLOW = "wylloh.job"
_POLL_SECONDS = 0.5
"""How often each queue is looked at for a job that may begin."""
_STOP_SECONDS = 1.0
"""How long handlers have to end when the server stops, or when their job is cancelled."""
_KEPT = 200
"""Finished jobs that stay stored; an id among them is not enqueued again."""
_UNFINISHED = ["PENDING", "ENQUEUED", "DELAYED"]
_FINISHED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
_EARLIER_VERSIONS = ["1", "2"]
"""Jobs stored under these belong to no server by name: their tasks get new ones."""
_ALL_SERVERS: list[str] = []
_one_in_process = threading.Lock()


class _Interrupted(BaseException):
    """The job ends without an outcome and resumes at the next start.

    Not an `Exception`, because DBOS records those as the workflow's outcome.
    """


class DbosEngine:
    """Durable jobs, stored in a SQLite file of their own or in PostgreSQL. See `domain.ports.jobs.JobEngine`.

    Only one may be running in a process at a time. Servers that share a PostgreSQL database are applications
    of their own to DBOS: none takes, resumes or forgets a job that another one started.
    """

    def __init__(self, database: Path | str, server: str = "server") -> None:
        """Name where jobs are stored; nothing is opened yet.

        Args:
            database: a SQLite file, or the URL of a PostgreSQL database.
            server: this server's name among those that share the database, the same at every start, in
                lower-case letters, digits, dashes and underscores.
        """
        self._database = database
        self._application = f"wylloh-{server}"
        self._tasks: dict[JobId, asyncio.Task[None]] = {}
        self._outcomes: dict[JobId, Future[None]] = {}
        self._workflow: Callable[[], None] | None = None
        self._work: JobHandler
        self._loop: asyncio.AbstractEventLoop
        self._stopping = False
        self._started = 0

    @asynccontextmanager
    async def running(self, queues: Collection[JobQueue], work: JobHandler) -> AsyncIterator[None]:
        """Resume what an earlier process left, and take new jobs until the context ends.

        Raises:
            StorageError: another server is working with the same file, or the database cannot be read.
            WyllohError: another engine is running in this process.
        """
        with self._alone():
            self._loop, self._work, self._stopping = asyncio.get_running_loop(), work, False
            try:
                await self._open(queues)
                yield
            finally:
                await self._interrupt_all()
                self._workflow = None
                await asyncio.to_thread(_destroy)

    async def start(self, job: Job) -> None:
        """Store a job and enqueue it. Raises WyllohError if the engine is not running."""
        await asyncio.to_thread(self._enqueue, job, self._running())
        self._started += 1
        if self._started % (_KEPT // 2) == 0:
            await asyncio.to_thread(_forget_old)

    async def cancel(self, job: JobId) -> None:
        """Cancel a job for good; one that has ended or is unknown stays as it is."""
        from dbos import DBOS  # noqa: PLC0415

        self._running()
        await asyncio.to_thread(DBOS.cancel_workflow, job)
        task = self._tasks.get(job)
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.wait({task}, timeout=_STOP_SECONDS)

    async def unfinished(self) -> frozenset[JobId]:
        """Return the jobs that run, are enqueued or delayed, also those of other servers."""
        return frozenset(await asyncio.to_thread(_stored, _UNFINISHED, application_name=_ALL_SERVERS))

    async def _open(self, queues: Collection[JobQueue]) -> None:
        try:
            self._workflow = await asyncio.to_thread(self._launch, queues)
        except (SQLAlchemyError, OSError) as problem:
            raise StorageError(
                f"The background jobs in {_shown(self._database)} cannot be read: {problem}",
                fix="Put back a backup, or delete the file: what was being done begins again.",
            ) from problem

    def _launch(self, queues: Collection[JobQueue]) -> Callable[[], None]:
        """Start DBOS; it begins at once to resume the jobs an earlier process left."""
        from dbos import DBOS  # noqa: PLC0415 - slow to import, and only the server needs it

        # DBOS prints to the terminal unless its logger has a handler already.
        logger = logging.getLogger("dbos")
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
        DBOS(config=self._config())

        def job() -> None:
            self._in_thread()

        # A home server may be restarted any number of times while a film is being fetched.
        workflow = DBOS.workflow(name=_WORKFLOW, max_recovery_attempts=None)(job)
        DBOS.launch()
        for queue in queues:
            DBOS.register_queue(
                self._queue(queue.name),
                worker_concurrency=None if queue.partitioned else queue.at_once,
                partition_worker_concurrency=queue.at_once if queue.partitioned else None,
                polling_interval_sec=_POLL_SECONDS,
                on_conflict="always_update",
            )
        _forget_old()
        return workflow

    def _config(self) -> DBOSConfig:
        database = self._database
        url = libpq_url(database) if isinstance(database, str) else None
        return {
            "name": self._application,
            "system_database_url": (
                f"sqlite:///{database}" if url is None else url.render_as_string(hide_password=False)
            ),
            "sys_db_pool_size": 5,
            # Jobs are recovered only by the same version and executor: ours, whatever the server's version.
            "application_version": self._application,
            "executor_id": self._application,
            "log_level": "WARNING",
            "enable_otlp": False,
        }

    def _enqueue(self, job: Job, workflow: Callable[[], None]) -> None:
        from dbos import DBOS, SetEnqueueOptions, SetWorkflowID  # noqa: PLC0415

        options = SetEnqueueOptions(
            priority=job.priority,
            queue_partition_key=job.partition or None,
            delay_seconds=job.delay or None,
        )
        with SetWorkflowID(job.id), options:
            DBOS.enqueue_workflow(self._queue(job.queue), workflow)

    def _queue(self, name: str) -> str:
        """Return the name of a queue in DBOS, where one name is one application's."""
        return f"{self._application}/{name}"

    def _in_thread(self) -> None:
        """Run a job, from one of DBOS's threads, as a task of our event loop."""
        from dbos import DBOS  # noqa: PLC0415

        job, outcome = JobId(str(DBOS.workflow_id)), Future[None]()
        # An empty context: in DBOS's own, a job that starts another would be recorded as its parent.
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._begin, job, outcome, context=Context())
            return outcome.result()
        raise _Interrupted

    def _begin(self, job: JobId, outcome: Future[None]) -> None:
        if self._stopping:
            outcome.set_exception(_Interrupted())
            return
        self._outcomes[job] = outcome
        self._tasks[job] = task = self._loop.create_task(self._do(job), name=job)
        task.add_done_callback(lambda task: self._end(job, task))

    async def _do(self, job: JobId) -> None:
        try:
            await self._work(job)
        except Exception:  # whatever a handler does, only its own job fails
            _log.exception("the job %s failed", job)
            raise

    def _end(self, job: JobId, task: asyncio.Task[None]) -> None:
        del self._tasks[job]
        outcome = self._outcomes.pop(job, None)
        if task.cancelled():
            error: BaseException | None = _Interrupted()
        else:
            error = task.exception()
        if outcome is None:
            return
        if error is None:
            outcome.set_result(None)
        else:
            outcome.set_exception(error)

    async def _interrupt_all(self) -> None:
        self._stopping = True
        tasks = set(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_STOP_SECONDS)
        # A handler that does not let itself be cancelled must not keep DBOS's thread, and so the process.
        for job in list(self._outcomes):
            self._outcomes.pop(job).set_exception(_Interrupted())

    def _running(self) -> Callable[[], None]:
        if self._workflow is None:
            raise WyllohError("Background work is not running.")
        return self._workflow

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep others off DBOS and its file: it would run the jobs of one server again in another."""
        if not _one_in_process.acquire(blocking=False):
            raise WyllohError(
                "Background work is running in this process already.",
                fix="Run each server in its own process.",
            )
        try:
            if isinstance(self._database, str):
                yield
            else:
                with _locked(self._database):
                    yield
        finally:
            _one_in_process.release()


@contextmanager
def _locked(database: Path) -> Iterator[None]:
    lock = FileLock(database.with_name(f"{database.name}.lock"), blocking=False, mode=0o600)
    try:
        # The database names what is in somebody's library.
        database.touch(mode=0o600)
        lock.acquire()
    except Timeout:
        raise StorageError(
            f"Another server is working with {database}.", fix="Stop it, or give this one its own folder."
        ) from None
    except OSError as problem:
        raise StorageError(
            f"The background jobs in {database} cannot be stored: {problem.strerror}.",
            fix="Check that the folder exists and that the server's user may write there.",
        ) from problem
    try:
        yield
    finally:
        lock.release()


def _stored(states: list[str], **which: Any) -> list[JobId]:
    """Return the jobs in some states, newest first; those of this server unless `which` says otherwise."""
    from dbos import DBOS  # noqa: PLC0415

    found = DBOS.list_workflows(
        name=_WORKFLOW, status=states, sort_desc=True, load_input=False, load_output=False, **which
    )
    return [JobId(status.workflow_id) for status in found]


def _forget_old() -> None:
    """Delete all but the newest finished jobs of this server, and those of versions before it had a name."""
    from dbos import DBOS  # noqa: PLC0415

    before = DBOS.list_workflows(
        app_version=_EARLIER_VERSIONS, application_name=_ALL_SERVERS, load_input=False, load_output=False
    )
    old = [*_stored(_FINISHED, offset=_KEPT), *(status.workflow_id for status in before)]
    if old:
        DBOS.delete_workflows(old)


def _destroy() -> None:
    """Stop DBOS, so that it can be launched again in this process.

    It closes its threads for jobs and its database before the threads of its queues have ended, and these
    log errors about jobs they cannot begin. Such jobs stay stored as begun and are resumed at the next start.
    """
    from dbos import DBOS  # noqa: PLC0415

    logger = logging.getLogger("dbos")
    logger.addFilter(_is_not_of_queues)
    try:
        DBOS.destroy(destroy_registry=True)
    finally:
        logger.removeFilter(_is_not_of_queues)


def _is_not_of_queues(record: logging.LogRecord) -> bool:
    return record.module != "_queue"


def _shown(database: Path | str) -> str:
    """Name the database without its password."""
    return make_url(database).render_as_string() if isinstance(database, str) else str(database)
