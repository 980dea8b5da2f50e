"""The server's own long work on films as background tasks: fetching them, making them ready for players.

A fetch that somebody cancels does not begin again by itself: its film is STOPPED until somebody retries it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import AccessRefused, NotFound, PackageInvalid, RetryLater, WyllohError
from wylloh_server.domain.film import FilmState
from wylloh_server.domain.package_version import GOOD_PACKAGE_AWAITED, SuccessorState
from wylloh_server.domain.task import TaskResult, TaskSubject
from wylloh_server.domain.topics import film_topic
from wylloh_server.domain.types import FilmId, Seconds
from wylloh_server.services.operations.progress import report_periodically
from wylloh_server.services.operations.task_service import TaskKind

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wylloh_server.domain.film import Film
    from wylloh_server.domain.task import Task
    from wylloh_server.services.operations.live_updates import LiveUpdates
    from wylloh_server.services.operations.task_run import TaskRun
    from wylloh_server.services.operations.task_service import TaskService
    from wylloh_server.storage.film_versions import FilmVersionRepository
    from wylloh_server.storage.films import FilmRepository

    Share = Callable[[FilmId], Awaitable[tuple[int, int]]]

_log = logging.getLogger(__name__)

PULL, TRANSCODE = "pull", "transcode"
"""The kinds of task that fetch a film's package and that make its segments."""
PULLS_AT_ONCE = 4
"""More downloads at once would wait for each other's connections and run into timeouts."""

_VERBS = {PULL: "Fetch", TRANSCODE: "Make ready"}
_EVERY = 1.0
"""Seconds between two looks at how far a piece of work is."""
_PERCENT = 100
_RETRIED = {FilmState.WAITING, FilmState.READY}
"""Films whose fetching waits because it was tried; of one that is READY, that of a newer package."""
_STOPPED = "Somebody cancelled fetching it. Who looks after this server can begin again, under Tasks."


@dataclass(frozen=True, slots=True)
class FilmWork:
    """What is done to a film.

    Attributes:
        work: does it.
        done: the result's sentence.
        share: returns how much of a film is done, of how much; of 0 while unknown.
        fetches: whether it brings the film here: the film's state then decides how the task ends.
    """

    work: Callable[[FilmId], Awaitable[None]]
    done: str
    share: Share
    fetches: bool = False


class FilmTasks:
    """Starts and runs the tasks on films. Owner and admins see them; nobody started them."""

    def __init__(
        self,
        *,
        tasks: TaskService,
        films: FilmRepository,
        versions: FilmVersionRepository,
        live: LiveUpdates,
    ) -> None:
        self._tasks = tasks
        self._films = films
        self._versions = versions
        self._live = live

    def register(self, kind: str, work: FilmWork, *, at_once: int, first_pause: Seconds) -> None:
        """Name what does the tasks of a kind. Before tasks run."""
        how = TaskKind(partial(self._run, work), at_once=at_once, first_pause=first_pause)
        if work.fetches:
            how = replace(how, cancelled=self._stop, retried=self._release, keep_cancelled=True)
        self._tasks.register(kind, how)

    async def start(self, kind: str, film_id: FilmId) -> None:
        """Start a task on a film, unless it is gone or its fetching was cancelled."""
        film = await self._films.get(film_id)
        if film is not None and film.state is not FilmState.STOPPED:
            subject = TaskSubject("film", film.id)
            await self._tasks.start(kind, _title(kind, film), {"film": film.id}, subject=subject)

    async def start_pulls(self, films: list[Film]) -> None:
        """Start to fetch films that are not being fetched.

        One that waits to be tried again goes on waiting, unless it has got a new package since.
        """
        pulls = await self._tasks.tasks.unfinished(PULL)
        unfinished = {task.subject.id: task for task in pulls if task.subject}
        for film in films:
            task = unfinished.get(film.id)
            if task is None:
                await self.start(PULL, film.id)
            elif task.retry_at is not None and film.state not in _RETRIED:
                await self._tasks.hurry(task)

    async def _run(self, work: FilmWork, run: TaskRun) -> TaskResult:
        film = await self._film(run.task)
        if work.fetches and film.state is FilmState.STOPPED:
            raise AccessRefused(film.reason)
        look = partial(self._look, work, film.id, run)
        self._live.changed(film_topic(film.id))
        try:
            async with report_periodically(look, _EVERY):
                await work.work(film.id)
            await look()
        finally:
            self._live.changed(film_topic(film.id))
        if work.fetches:
            _check_fetched(await self._film(run.task))
        return TaskResult(work.done, f"/films/{film.id}")

    async def _look(self, work: FilmWork, film_id: FilmId, run: TaskRun) -> None:
        film = await self._films.get(film_id)
        try:
            done, total = await work.share(film_id)
        except WyllohError as error:
            _log.debug("the progress of %s is unknown: %s", run.task.title, error)
            return
        # Before its manifest was fetched, a film had no name of its own.
        run.note(done, total, title=_title(run.task.kind, film) if film else "")

    async def _stop(self, task: Task) -> str:
        """Stop a film whose fetching was cancelled; what came of it stays."""
        film = await self._films.get(_film_id(task))
        if film is None or film.state is FilmState.READY:
            return await self._mark_successor(_film_id(task), SuccessorState.STOPPED, _STOPPED)
        await self._films.save(replace(film, state=FilmState.STOPPED, reason=_STOPPED))
        self._live.changed(film_topic(film.id))
        return _STOPPED

    async def _release(self, task: Task) -> None:
        """Allow a film to be fetched again; what is here is not fetched again."""
        film = await self._film(task)
        if film.state in {FilmState.STOPPED, FilmState.FAILED}:
            await self._films.save(replace(film, state=FilmState.DISCOVERED, reason=""))

        elif film.state is FilmState.READY:
            await self._mark_successor(film.id, SuccessorState.WAITING, "")

    async def _mark_successor(self, film_id: FilmId, state: SuccessorState, reason: str) -> str:
        """Mark the newer package of a film that plays, unless it is here; returns the reason, if any."""
        successor = (await self._versions.get(film_id)).successor
        if successor is None or successor.is_here:
            return ""
        marked = replace(successor, state=state, reason=reason)
        return reason if await self._versions.note_successor(film_id, marked) else ""

    async def _film(self, task: Task) -> Film:
        film = await self._films.get(_film_id(task))
        if film is None:
            raise NotFound("The film is not here any more.", fix="Reload the page.")
        return film


def download_share(films: FilmRepository, versions: FilmVersionRepository) -> Share:
    """Return what tells how much of a film's package, or of a newer one, is here, in percent."""

    async def share(film_id: FilmId) -> tuple[int, int]:
        film = await films.get(film_id)
        successor = (await versions.get(film_id)).successor
        if successor is not None and film is not None and film.state is FilmState.READY:
            return round(_PERCENT * successor.progress), _PERCENT
        if film is None or film.state not in {FilmState.PULLING, FilmState.READY}:
            return 0, 0
        return round(_PERCENT * film.progress), _PERCENT

    return share


def _film_id(task: Task) -> FilmId:
    return FilmId(task.subject.id if task.subject else "")


def _title(kind: str, film: Film) -> str:
    return f"{_VERBS[kind]} {film.title}"


def _check_fetched(film: Film) -> None:
    """Raise what keeps a film from being here; its reason says why."""
    if film.state is FilmState.FAILED:
        raise PackageInvalid(film.reason, fix=GOOD_PACKAGE_AWAITED)
    if film.state is not FilmState.READY:
        raise RetryLater(film.reason)
