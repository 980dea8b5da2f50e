"""The server's own long work, shown as background tasks: films being fetched, and made ready for players.

A fetch that somebody cancels is not begun again by itself: its film waits, STOPPED, until somebody says so.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import WyllohError
from wylloh_server.domain.events import TaskEnded
from wylloh_server.domain.film import FilmState
from wylloh_server.domain.task import Task, TaskId, TaskState
from wylloh_server.domain.topics import TASKS, film_topic
from wylloh_server.domain.types import FilmId
from wylloh_server.services.progress import Ticker
from wylloh_server.services.tasks import RUNNING_TASKS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wylloh_server.domain.film import Film
    from wylloh_server.domain.ports.storage import Films
    from wylloh_server.domain.ports.world import Clock, Jobs
    from wylloh_server.hooks.context import PluginLive
    from wylloh_server.services.bus import Bus

    Share = Callable[[FilmId], Awaitable[tuple[int, int]]]

_log = logging.getLogger(__name__)

_EVERY = 1.0
"""Seconds between two looks at how far a piece of work is."""
_PERCENT = 100
_STOPPED = "Somebody cancelled fetching it. Who looks after this server can begin again, under Tasks."


@dataclass(frozen=True, slots=True)
class Chore:
    """One kind of the server's own work on films.

    Attributes:
        job: the kind of job; its key is the film's id.
        verb: what stands before the film's title: `Fetch`.
        done: what is said when it is done.
        share: gives how much of a film is done, of how much; of 0 while unknown.
        fetches: it brings the film here, so that cancelling it stops the film.
    """

    job: str
    verb: str
    done: str
    share: Share
    fetches: bool = False


class Housework:
    """Follows the server's own jobs. Owner and admins see them; nobody started them."""

    def __init__(self, *, jobs: Jobs, films: Films, bus: Bus, live: PluginLive, clock: Clock) -> None:
        self._jobs = jobs
        self._films = films
        self._bus = bus
        self._live = live
        self._clock = clock
        self._chores: dict[str, Chore] = {}
        self._tasks: dict[TaskId, tuple[Chore, FilmId, Task]] = {}

    def register(self, chore: Chore, work: Callable[[FilmId], Awaitable[None]]) -> None:
        """Name what does a kind of work. Before jobs run."""
        self._chores[chore.job] = chore
        self._jobs.register(chore.job, partial(self._do, chore, work))

    async def all(self) -> tuple[Task, ...]:
        """Give what goes on, what has ended since the server started, and every film that was stopped."""
        for film in await self._films.in_state(FilmState.STOPPED):
            for chore in self._fetching():
                if task_of(chore.job, film.id) not in self._tasks:
                    self._keep(chore, film.id, _cancelled(self._new(chore, film), film.reason))
        return tuple([await self._seen(*entry) for entry in list(self._tasks.values())])

    @property
    def busy(self) -> int:
        """How many pieces of work run."""
        return sum(task.state is TaskState.RUNNING for _, _, task in self._tasks.values())

    def knows(self, task: TaskId) -> bool:
        """Say whether a task is one of the server's own."""
        return task in self._tasks

    async def cancel(self, task_id: TaskId) -> None:
        """Cancel a piece of work. A film being fetched is STOPPED; what came of it stays."""
        chore, film_id, task = self._tasks[task_id]
        if not task.unfinished:
            return
        await self._jobs.cancel(chore.job, film_id)
        film = await self._films.get(film_id)
        stopped = chore.fetches and film is not None and film.state is not FilmState.READY
        if film is not None and stopped:
            await self._films.save(replace(film, state=FilmState.STOPPED, reason=_STOPPED))
        self._end(chore, film_id, _cancelled(task, _STOPPED if stopped else "Cancelled."))

    async def again(self, task_id: TaskId) -> None:
        """Begin a fetch that was cancelled anew; what is here already is not fetched again."""
        chore, film_id, _ = self._tasks[task_id]
        film = await self._films.get(film_id)
        if film is None or film.state is not FilmState.STOPPED:
            return
        await self._films.save(replace(film, state=FilmState.DISCOVERED, reason=""))
        await self._jobs.start(chore.job, film_id)

    def clear(self) -> None:
        """Forget what has ended. A film that was stopped stays, for it can be begun again."""
        self._tasks = {
            name: entry
            for name, entry in self._tasks.items()
            if entry[2].unfinished or (entry[0].fetches and entry[2].state is TaskState.CANCELLED)
        }
        self._live.changed(TASKS)

    async def _do(self, chore: Chore, work: Callable[[FilmId], Awaitable[None]], key: str) -> None:
        film = await self._films.get(FilmId(key))
        if film is None or (chore.fetches and film.state is FilmState.STOPPED):
            return
        task = self._new(chore, film)
        self._keep(chore, film.id, task)
        self._live.changed(TASKS, RUNNING_TASKS)
        try:
            async with Ticker(partial(self._look, chore, film.id), _EVERY):
                await work(film.id)
        except WyllohError as error:
            self._end(chore, film.id, replace(task, state=TaskState.FAILED, says=error.explained))
            raise
        except Exception:
            says = "This server made a mistake. Its log says more."
            self._end(chore, film.id, replace(task, state=TaskState.FAILED, says=says))
            raise
        now = await self._seen(*self._tasks[task.id])
        self._end(chore, film.id, await self._outcome(chore, film.id, now))

    async def _outcome(self, chore: Chore, film_id: FilmId, task: Task) -> Task:
        """A fetch says in its film how it ended; it may go on by itself later."""
        film = await self._films.get(film_id)
        state = film.state if film is not None and chore.fetches else FilmState.READY
        reason = film.reason if film is not None else ""
        if state is FilmState.FAILED:
            return replace(task, state=TaskState.FAILED, says=reason)
        if state is not FilmState.READY:
            return replace(task, state=TaskState.WAITING, says=reason)
        link = f"/films/{film_id}"
        return replace(task, state=TaskState.DONE, says=chore.done, link=link, done=task.total)

    async def _look(self, chore: Chore, film_id: FilmId) -> None:
        entry = self._tasks.get(task_of(chore.job, film_id))
        if entry is not None and await self._seen(*entry) != entry[2]:
            self._live.changed(TASKS)

    async def _seen(self, chore: Chore, film_id: FilmId, task: Task) -> Task:
        """Give a task as it is now, and remember that."""
        if task.state is not TaskState.RUNNING:
            return task
        film = await self._films.get(film_id)
        try:
            done, total = await chore.share(film_id)
        except WyllohError as error:
            _log.debug("how far %s is cannot be told: %s", task.title, error)
            return task
        # Before its manifest was fetched, a film had no name of its own.
        title = _titled(chore, film.title) if film is not None else task.title
        now = replace(task, title=title, done=done, total=total)
        current = self._tasks[task.id][2]
        if current is not task:  # it has ended meanwhile
            return current
        self._keep(chore, film_id, now)
        return now

    def _end(self, chore: Chore, film_id: FilmId, task: Task) -> None:
        if not task.unfinished:
            task = replace(task, finished=self._clock())
            self._bus.publish(TaskEnded(task))
        self._keep(chore, film_id, task)
        self._live.changed(TASKS, RUNNING_TASKS, film_topic(film_id))

    def _new(self, chore: Chore, film: Film) -> Task:
        title, now = _titled(chore, film.title), self._clock()
        return Task(task_of(chore.job, film.id), chore.job, title, None, TaskState.RUNNING, now)

    def _keep(self, chore: Chore, film_id: FilmId, task: Task) -> None:
        self._tasks[task.id] = (chore, film_id, task)

    def _fetching(self) -> list[Chore]:
        return [chore for chore in self._chores.values() if chore.fetches]


def task_of(job: str, film: FilmId) -> TaskId:
    """Give the id under which a job on a film is shown, always the same."""
    return TaskId(hashlib.sha256(f"{job}:{film}".encode()).hexdigest()[:32])


def share_here(films: Films) -> Share:
    """Give what tells how much of a film's package is here, in percent."""

    async def share(film_id: FilmId) -> tuple[int, int]:
        film = await films.get(film_id)
        if film is None or film.state not in {FilmState.PULLING, FilmState.READY}:
            return 0, 0
        return round(_PERCENT * film.progress), _PERCENT

    return share


def _titled(chore: Chore, title: str) -> str:
    return f"{chore.verb} {title}"


def _cancelled(task: Task, says: str) -> Task:
    return replace(task, state=TaskState.CANCELLED, says=says)
