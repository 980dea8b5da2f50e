"""The server's own long work on films among the background tasks: seen, cancelled, tried again."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.fakes import FakeClock
from tests.services.server_environment import viewer_with
from tests.web.pages.samples import ARRIVING, OWN
from wylloh_server.domain.access import Role
from wylloh_server.domain.errors import InvalidValue, NotFound, RetryLater, TranscodeFailed
from wylloh_server.domain.events import TaskEnded
from wylloh_server.domain.film import FilmState, film_id_for
from wylloh_server.domain.package_version import Successor, SuccessorState
from wylloh_server.domain.task import TaskState
from wylloh_server.domain.types import Seconds, parse_wallet
from wylloh_server.domain.task import TaskResult
from wylloh_server.sdk.testing.instant_jobs import InstantJobs
from wylloh_server.sdk.testing.recorded_live import RecordedLive
from wylloh_server.services.operations import film_tasks as service
from wylloh_server.services.operations.event_bus import EventBus
from wylloh_server.services.operations.film_tasks import (
    PULL,
    PULLS_AT_ONCE,
    TRANSCODE,
    FilmTasks,
    FilmWork,
    download_share,
)
from wylloh_server.services.operations.task_service import TaskKind, TaskService

FILM = replace(ARRIVING, state=FilmState.DISCOVERED, progress=0.0)
VIEWER = viewer_with(parse_wallet("0x" + "a" * 40))
ADMIN = viewer_with(parse_wallet("0x" + "b" * 40), Role.ADMIN)


class FilmTasksEnvironment:
    """Tasks on real rows; what the work does is the test's to say."""

    def __init__(self, storage) -> None:
        self.storage, self.jobs, self.bus, self.live = storage, InstantJobs(), EventBus(), RecordedLive()
        self.clock, self.events, self.fetched, self.made = FakeClock(), [], [], (3, 40)
        self.bus.listeners.append(self.events.append)
        self.tasks = TaskService(
            tasks=storage.tasks,
            plugins=None,
            jobs=self.jobs,
            bus=self.bus,
            live=self.live,
            clock=self.clock,
        )
        self.films = FilmTasks(
            tasks=self.tasks, films=storage.films, versions=storage.versions, live=self.live
        )
        fetch = FilmWork(
            self.fetch, "It is here.", download_share(storage.films, storage.versions), fetches=True
        )
        self.films.register(PULL, fetch, at_once=PULLS_AT_ONCE, first_pause=Seconds(12))
        make = FilmWork(self.fill, "Ready.", self.share)
        self.films.register(TRANSCODE, make, at_once=1, first_pause=Seconds(12))
        self.tasks.register("hang", TaskKind(lambda run: asyncio.Event().wait()))
        self.tasks.register("do", TaskKind(self.do))
        self.work = None

    async def fetch(self, film_id):
        self.fetched.append(film_id)
        await self.work(film_id)

    async def fill(self, film_id):
        await self.work(film_id)

    async def do(self, run):
        return TaskResult("Done.")

    async def share(self, film_id):
        if self.made is None:
            raise NotFound("gone")
        return self.made

    async def save(self, **changed):
        await self.storage.films.save(replace(FILM, **changed))

    async def only(self):
        (task,) = await self.tasks.all(ADMIN)
        return task

    async def begun(self):
        """The only task, once it runs."""
        while (task := await self.only()).state is not TaskState.RUNNING:
            await asyncio.sleep(0.005)
        return task

    async def pulled(self):
        """The only task once a fetch has ended or waits."""
        await self.films.start(PULL, FILM.id)
        await self.jobs.settled()
        return await self.only()


@pytest.fixture
async def environment(storage, monkeypatch):
    monkeypatch.setattr(service, "_EVERY", 0.01)
    environment = FilmTasksEnvironment(storage)
    await environment.save()
    await storage.films.save(OWN)
    async with environment.tasks.running():
        yield environment


async def opened(environment):
    """A work that begins to fetch the film and then hangs."""

    async def work(film_id):
        await environment.save(state=FilmState.PULLING, progress=0.4)
        await asyncio.Event().wait()

    environment.work = work
    await environment.films.start(PULL, FILM.id)
    while (await environment.only()).done != 40:
        await asyncio.sleep(0.005)


async def test_a_fetch_is_seen_while_it_goes_on_and_when_it_is_done(environment):
    go_on = asyncio.Event()

    async def work(film_id):
        await environment.save(state=FilmState.PULLING, progress=0.4)
        await go_on.wait()
        await environment.save(state=FilmState.READY, progress=1.0)

    environment.work = work
    await environment.films.start(PULL, FILM.id)
    while (await environment.only()).done != 40:
        await asyncio.sleep(0.005)
    task = await environment.only()
    assert (task.subject.id, task.title, task.state) == (FILM.id, f"Fetch {FILM.title}", TaskState.RUNNING)
    assert (task.done, task.total, task.wallet) == (40, 100, None)
    assert environment.tasks.busy(ADMIN) == 1 and environment.tasks.busy(VIEWER) == 0
    go_on.set()
    await environment.jobs.settled()
    ended = await environment.only()
    assert (ended.state, ended.message, ended.link) == (TaskState.DONE, "It is here.", f"/films/{FILM.id}")
    assert environment.events == [TaskEnded(ended)]
    assert environment.tasks.busy(ADMIN) == 0
    assert {"tasks", "tasks:running"} <= environment.live.topics


async def test_how_far_it_is_is_told_while_nobody_asks(environment):
    await opened(environment)
    told = len(environment.live.changes)
    await environment.save(state=FilmState.PULLING, progress=0.7)
    while len(environment.live.changes) == told:
        await asyncio.sleep(0.005)
    assert (await environment.only()).done == 70


@pytest.mark.parametrize(
    ("film", "task"), [(FilmState.FAILED, TaskState.FAILED), (FilmState.WAITING, TaskState.WAITING)]
)
async def test_a_fetch_that_stops_says_what_its_film_says(environment, film, task):
    environment.work = lambda film_id: environment.save(state=film, reason="Not signed.")
    await environment.films.start(PULL, FILM.id)
    await environment.jobs.settled()
    seen = await environment.only()
    assert (seen.state, seen.message.startswith("Not signed.")) == (task, True)
    assert len(environment.events) == (task is TaskState.FAILED)
    assert environment.tasks.busy(ADMIN) == 0, "what only waits is no work"


async def test_a_cancelled_fetch_stays_cancelled_until_somebody_begins_it_again(environment):
    await opened(environment)
    fetch = (await environment.only()).id
    await environment.tasks.cancel(ADMIN, fetch)
    film = await environment.storage.films.get(FILM.id)
    assert (film.state, film.progress) == (FilmState.STOPPED, 0.4)
    task = await environment.only()
    assert (task.state, task.message) == (TaskState.CANCELLED, film.reason)
    assert "under Tasks" in film.reason
    await environment.films.start(PULL, FILM.id)
    await environment.jobs.settled()
    assert environment.fetched == [FILM.id], "it was fetched although somebody had cancelled it"
    environment.work = lambda film_id: environment.save(state=FilmState.READY)
    await environment.tasks.retry(ADMIN, fetch)
    await environment.jobs.settled()
    assert environment.fetched == [FILM.id] * 2
    assert (await environment.only()).state is TaskState.DONE


async def test_a_cancelled_fetch_of_a_newer_package_leaves_the_film_playing(environment):
    await environment.save(state=FilmState.READY)
    versions = environment.storage.versions
    await versions.save_successor(FILM.id, Successor(FILM.origin, progress=0.3))

    async def work(film_id):
        await asyncio.Event().wait()

    environment.work = work
    await environment.films.start(PULL, FILM.id)
    while (await environment.only()).done != 30:
        await asyncio.sleep(0.005)
    fetch = (await environment.only()).id
    await environment.tasks.cancel(ADMIN, fetch)
    assert (await environment.storage.films.get(FILM.id)).state is FilmState.READY
    successor = (await versions.get(FILM.id)).successor
    assert (successor.state, "under Tasks" in successor.reason) == (SuccessorState.STOPPED, True)
    environment.work = lambda film_id: environment.save(state=FilmState.READY)
    await environment.tasks.retry(ADMIN, fetch)
    await environment.jobs.settled()
    assert (await versions.get(FILM.id)).is_due


async def test_a_newer_package_that_waits_is_not_hurried_at_every_look(environment):
    async def work(film_id):
        raise RetryLater("No gateway has it.")

    await environment.save(state=FilmState.READY)
    environment.work = work
    waiting = await environment.pulled()
    for _ in range(3):
        await environment.films.start_pulls([await environment.storage.films.get(FILM.id)])
        await environment.jobs.settled()
    assert environment.fetched == [FILM.id]
    assert (await environment.only()).retry_at == waiting.retry_at


async def test_what_was_cancelled_stays_when_others_are_cleared_and_what_is_done_cannot_be_retried(
    environment,
):
    await opened(environment)
    fetch = (await environment.only()).id
    await environment.tasks.cancel(ADMIN, fetch)
    await environment.tasks.clear(ADMIN)
    assert (await environment.only()).state is TaskState.CANCELLED
    environment.work = lambda film_id: environment.save(state=FilmState.READY)
    await environment.tasks.retry(ADMIN, fetch)
    await environment.jobs.settled()
    assert (await environment.only()).state is TaskState.DONE
    with pytest.raises(InvalidValue, match="done already"):
        await environment.tasks.retry(ADMIN, fetch)
    await environment.tasks.cancel(ADMIN, fetch)
    assert (await environment.storage.films.get(FILM.id)).state is FilmState.READY


async def test_pauses_of_a_waiting_fetch_grow_and_a_new_package_or_a_person_ends_them(environment):
    environment.work = lambda film_id: environment.save(state=FilmState.WAITING, reason="No gateway has it.")
    task, pauses = await environment.pulled(), []
    for _ in range(4):
        pauses.append(task.pause)
        assert 0.75 * task.pause <= task.retry_at - environment.clock.now <= 1.25 * task.pause
        waiting = await environment.storage.films.get(FILM.id)
        await environment.films.start_pulls([waiting])
        await environment.jobs.settled()
        assert await environment.only() == task, "it was tried although its pause is not over"
        # As the engine does when the pause is over.
        await environment.tasks._run_job(task.job)
        task = await environment.only()
    assert pauses == [12, 24, 48, 96]
    await environment.films.start_pulls([replace(waiting, state=FilmState.DISCOVERED)])
    await environment.jobs.settled()
    assert (await environment.only()).pause == 12
    fetched = len(environment.fetched)
    await environment.tasks.retry(ADMIN, task.id)
    await environment.jobs.settled()
    assert len(environment.fetched) == fetched + 1
    assert environment.events == [], "a task that waits has not ended"


async def test_one_fetch_of_a_film_at_a_time(environment):
    await opened(environment)
    await environment.films.start(PULL, FILM.id)
    await environment.films.start_pulls([FILM])
    assert len(environment.fetched) == 1
    await environment.only()


async def test_cancelling_other_work_stops_no_film(environment):
    async def work(film_id):
        await asyncio.Event().wait()

    environment.work = work
    await environment.films.start(TRANSCODE, OWN.id)
    await environment.begun()
    while (task := await environment.only()).total == 0:
        await asyncio.sleep(0.005)
    assert (task.title, task.done, task.total) == (f"Make ready {OWN.title}", 3, 40)
    await environment.tasks.cancel(ADMIN, task.id)
    assert (await environment.only()).message == "Cancelled after 3 of 40. What was done stays."
    assert (await environment.storage.films.get(OWN.id)).state is FilmState.READY
    assert await environment.jobs.unfinished() == frozenset()


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (TranscodeFailed("ffmpeg gave up", fix="Look at the log."), "Ffmpeg gave up. Look at the log."),
        (ValueError("odd"), "This server made a mistake and could not finish it. Its log says more."),
    ],
)
async def test_work_that_fails_says_why(environment, error, message):
    async def work(film_id):
        raise error

    environment.work = work
    await environment.films.start(TRANSCODE, OWN.id)
    await environment.jobs.settled()
    task = await environment.only()
    assert (task.state, task.message) == (TaskState.FAILED, message)
    environment.work = lambda film_id: asyncio.sleep(0)
    await environment.tasks.retry(ADMIN, task.id)
    await environment.jobs.settled()
    assert (await environment.only()).state is TaskState.DONE


async def test_how_far_it_is_may_be_unknown(environment):
    environment.made = None

    async def work(film_id):
        await asyncio.Event().wait()

    environment.work = work
    await environment.films.start(TRANSCODE, OWN.id)
    await environment.begun()
    assert (await environment.only()).total == 0


async def test_a_job_on_a_film_that_is_gone_shows_nothing(environment):
    await environment.films.start(TRANSCODE, "gone")
    await environment.jobs.settled()
    assert await environment.tasks.all(ADMIN) == ()


async def test_only_who_looks_after_the_server_sees_and_touches_it(environment):
    await opened(environment)
    assert await environment.tasks.all(VIEWER) == ()
    fetch = (await environment.only()).id
    for act in (environment.tasks.cancel, environment.tasks.retry):
        with pytest.raises(NotFound):
            await act(VIEWER, fetch)
    assert environment.tasks.busy(ADMIN) == 1


async def test_all_work_is_in_one_list_newest_first(environment):
    await opened(environment)
    fetch = (await environment.only()).id
    environment.clock.now += 1
    mine = await environment.tasks.start("hang", "Mine", {}, VIEWER.wallet)
    environment.clock.now += 1
    newest = await environment.tasks.start("do", "Newest", {}, None)
    while (await environment.tasks.get(ADMIN, newest)).unfinished:
        await asyncio.sleep(0.005)
    assert [task.id for task in await environment.tasks.all(ADMIN)] == [newest, mine, fetch]
    assert [task.id for task in await environment.tasks.all(VIEWER)] == [mine]
    assert (environment.tasks.busy(ADMIN), environment.tasks.busy(VIEWER)) == (2, 1)
    await environment.tasks.clear(ADMIN)
    assert [task.id for task in await environment.tasks.all(ADMIN)] == [mine, fetch]
    await environment.tasks.cancel(VIEWER, mine)
    assert environment.tasks.busy(VIEWER) == 0


async def test_a_large_library_comes_a_few_packages_at_a_time(environment):
    running, most, fetched, go_on = set(), 0, [], asyncio.Event()

    async def work(film_id):
        nonlocal most
        running.add(film_id)
        most = max(most, len(running))
        await go_on.wait()
        running.discard(film_id)
        fetched.append(film_id)

    environment.work = work
    tokens = [replace(FILM.token, token_id=number) for number in range(7)]
    films = [
        replace(FILM, id=film_id_for(str(token)), origin=replace(FILM.origin, token=token))
        for token in tokens
    ]
    for film in films:
        await environment.storage.films.save(film)
        await environment.films.start(PULL, film.id)
    while len(running) < 4:
        await asyncio.sleep(0.005)
    go_on.set()
    await environment.jobs.settled()
    assert (most, sorted(fetched)) == (4, sorted(film.id for film in films))
