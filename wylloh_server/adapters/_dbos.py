"""DBOS as this server uses it: one workflow, run in DBOS's own threads, kept away from our event loop.

DBOS is one per process. Its asynchronous functions are not used: they replace the event loop's default
executor by DBOS's own, which is closed when DBOS is destroyed, and `asyncio.to_thread` fails from then on.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import StorageError, WyllohError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from dbos import DBOSConfig

_WORKFLOW = "wylloh.job"
_OUTCOME_SECONDS = 0.5
_one_in_process = threading.Lock()
_PENDING = ("PENDING", "ENQUEUED", "DELAYED")


class Interrupted(BaseException):
    """The run ends without an outcome and goes on at the next start.

    Not an `Exception`, because DBOS records those as the workflow's outcome.
    """


@dataclass(frozen=True, slots=True)
class StoredRun:
    """One run as DBOS knows it; `reason` says why it failed."""

    id: str
    kind: str
    key: str
    pending: bool
    cancelled: bool
    reason: str


class Engine:
    """DBOS, launched. Every method blocks: call it in a thread without an event loop."""

    def __init__(self, workflow: Callable[[str, str], str]) -> None:
        self._workflow = workflow

    def start(self, run: str, kind: str, key: str) -> None:
        """Store a run and begin it."""
        from dbos import DBOS, SetWorkflowID  # noqa: PLC0415 - slow to import, and only the server needs it

        with SetWorkflowID(run):
            DBOS.start_workflow(self._workflow, kind, key)

    def cancel(self, run: str) -> None:
        """Store that a run is not to go on."""
        from dbos import DBOS  # noqa: PLC0415

        DBOS.cancel_workflow(run)

    def runs(self) -> list[StoredRun]:
        """Give every stored run, oldest first."""
        from dbos import DBOS  # noqa: PLC0415

        return [
            StoredRun(
                id=status.workflow_id,
                kind=status.input["args"][0],
                key=status.input["args"][1],
                pending=status.status in _PENDING,
                cancelled=status.status == "CANCELLED",
                reason=str(status.error or status.output or ""),
            )
            for status in DBOS.list_workflows(name=_WORKFLOW)
            if status.input is not None
        ]

    def forget(self, runs: Collection[str]) -> None:
        """Delete what is stored of finished runs."""
        from dbos import DBOS  # noqa: PLC0415

        DBOS.delete_workflows(list(runs))

    def settle(self, finished: Collection[str]) -> None:
        """Wait a moment for DBOS to store the outcome of runs that have just finished."""
        from dbos import DBOS  # noqa: PLC0415

        patience = time.monotonic() + _OUTCOME_SECONDS
        while time.monotonic() < patience:
            pending = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
            if not any(status.workflow_id in finished for status in pending):
                return
            time.sleep(0.02)


def launch(database: Path, work: Callable[[str, str, str], str]) -> Engine:
    """Start DBOS; it begins at once to go on with the runs an earlier process left.

    `work` does a job in a thread, given the run's id, the job's kind and its key. It gives why the job
    failed, or '', and raises `Interrupted` to leave it for the next start.
    """
    from dbos import DBOS  # noqa: PLC0415

    # DBOS prints to the terminal unless its logger has a handler already.
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    DBOS(config=_config(database))

    def job(kind: str, key: str) -> str:
        return work(str(DBOS.workflow_id), kind, key)

    # A home server may be restarted any number of times while a film is being fetched.
    workflow = DBOS.workflow(name=_WORKFLOW, max_recovery_attempts=None)(job)
    DBOS.launch()
    return Engine(workflow)


def destroy() -> None:
    """Stop DBOS, so that it can be launched again in this process."""
    from dbos import DBOS  # noqa: PLC0415

    DBOS.destroy(destroy_registry=True)


@contextmanager
def alone(database: Path) -> Iterator[None]:
    """Keep others off DBOS and its database: it would run the jobs of one server again in another.

    Raises:
        WyllohError: DBOS is running in this process already.
        StorageError: another server works with the database, or it cannot be written.
    """
    if not _one_in_process.acquire(blocking=False):
        raise WyllohError(
            "Background work is running in this process already.", fix="Run each server in its own process."
        )
    try:
        descriptor = _locked(database)
        try:
            yield
        finally:
            os.close(descriptor)
    finally:
        _one_in_process.release()


def _locked(database: Path) -> int:
    try:
        # The database names what is in somebody's library.
        database.touch(mode=0o600)
        descriptor = os.open(database.with_name(f"{database.name}.lock"), os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as problem:
        raise StorageError(
            f"The background work in {database} cannot be kept: {problem.strerror}.",
            fix="Check that the folder exists and that the server's user may write there.",
        ) from problem
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as problem:
        os.close(descriptor)
        raise StorageError(
            f"Another server is working with {database}.", fix="Stop it, or give this one its own folder."
        ) from problem
    return descriptor


def _config(database: Path) -> DBOSConfig:
    return {
        "name": "wylloh",
        "system_database_url": f"sqlite:///{database}",
        # Runs are recovered only by the same version and executor. Ours go on whatever the server's version.
        "application_version": "1",
        "executor_id": "server",
        "log_level": "WARNING",
        "enable_otlp": False,
    }
