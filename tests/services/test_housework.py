"""The server's own long work among the background tasks: seen, cancelled, begun again."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.fakes import FakeClock
from tests.services.house import viewer_with
from tests.web.pages.samples import ARRIVING, OWN
from wylloh_server.domain.access import Role
from wylloh_server.domain.errors import NotFound, TranscodeFailed
from wylloh_server.domain.events import TaskEnded
from wylloh_server.domain.film import FilmState
from wylloh_server.domain.ports.world import JobState
from wylloh_server.domain.task import TaskState
from wylloh_server.domain.types import wallet_of
from wylloh_server.hooks.declarations import TaskResult
from wylloh_server.services import housework as service
from wylloh_server.services.bus import Bus
from wylloh_server.services.housework import Chore, Housework, share_here, task_of
from wylloh_server.services.task_board import TaskBoard
from wylloh_server.services.tasks import JOB, TaskDesk
from wylloh_server.testing._jobs import MomentaryJobs
from wylloh_server.testing._live import RecordedLive

PULL, FILL = "pull", "fill"
FILM = replace(ARRIVING, state=FilmState.DISCOVERED, progress=0.0)
FETCH = task_of(PULL, FILM.id)
VIEWER = viewer_with(wallet_of("0x" + "a" * 40))
ADMIN = viewer_with(wallet_of("0x" + "b" * 40), Role.ADMIN)


class House:
    """Housework on real rows; what the work does is the test's to say."""

    def __init__(self, storage) -> None:
        self.storage, self.jobs, self.bus, self.live = storage, MomentaryJobs(), Bus(), RecordedLive()
        self.clock, self.events, self.fetched, self.made = FakeClock(), [], [], (3, 40)
        self.bus.subscribe(self.events.append)
        common = {"jobs": self.jobs, "bus": self.bus, "live": self.live, "clock": self.clock}
        self.housework = Housework(films=storage.films, **common)
        self.housework.register(
            Chore(PULL, "Fetch", "It is here.", share_here(storage.films), fetches=True), self.fetch
        )
        self.housework.register(Chore(FILL, "Make ready", "Ready.", self.share), self.fill)
        self.desk = TaskDesk(tasks=storage.tasks, plugins=None, **common)
        self.jobs.register(JOB, self.desk.work)
        self.board = TaskBoard(self.desk, self.housework)
        self.work = None

    async def fetch(self, film_id):
        self.fetched.append(film_id)
        await self.work(film_id)

    async def fill(self, film_id):
        await self.work(film_id)

    async def share(self, film_id):
        return self.made

    async def save(self, **changed):
        await self.storage.films.save(replace(FILM, **changed))

    async def only(self):
        (task,) = await self.board.all(ADMIN)
        return task


@pytest.fixture
async def house(storage, monkeypatch):
    monkeypatch.setattr(service, "_EVERY", 0.01)
    house = House(storage)
    await house.save()
    await storage.films.save(OWN)
    async with house.jobs.running(), house.desk.running():
        yield house


async def arriving(house):
    """A work that begins to fetch the film and then hangs."""

    async def work(film_id):
        await house.save(state=FilmState.PULLING, progress=0.4)
        await asyncio.Event().wait()

    house.work = work
    await house.jobs.start(PULL, FILM.id)
    while not house.housework.busy or (await house.only()).done != 40:
        await asyncio.sleep(0.005)


async def test_a_fetch_is_seen_while_it_goes_on_and_when_it_is_done(house):
    go_on = asyncio.Event()

    async def work(film_id):
        await house.save(state=FilmState.PULLING, progress=0.4)
        await go_on.wait()
        await house.save(state=FilmState.READY, progress=1.0)

    house.work = work
    await house.jobs.start(PULL, FILM.id)
    while not house.housework.busy or (await house.only()).done != 40:
        await asyncio.sleep(0.005)
    task = await house.only()
    assert (task.id, task.title, task.state) == (FETCH, f"Fetch {FILM.title}", TaskState.RUNNING)
    assert (task.done, task.total, task.wallet) == (40, 100, None)
    assert house.board.busy(ADMIN) == 1 and house.board.busy(VIEWER) == 0
    go_on.set()
    await house.jobs.settled()
    ended = await house.only()
    assert (ended.state, ended.says, ended.link) == (TaskState.DONE, "It is here.", f"/films/{FILM.id}")
    assert house.events == [TaskEnded(ended)]
    assert house.board.busy(ADMIN) == 0
    assert {"tasks", "tasks:running"} <= house.live.topics


async def test_how_far_it_is_is_told_while_nobody_asks(house):
    await arriving(house)
    told = len(house.live.told)
    await house.save(state=FilmState.PULLING, progress=0.7)
    while len(house.live.told) == told:
        await asyncio.sleep(0.005)
    assert (await house.only()).done == 70


@pytest.mark.parametrize(
    ("film", "task"), [(FilmState.FAILED, TaskState.FAILED), (FilmState.WAITING, TaskState.WAITING)]
)
async def test_a_fetch_that_stops_says_what_its_film_says(house, film, task):
    house.work = lambda film_id: house.save(state=film, reason="Not signed.")
    await house.jobs.start(PULL, FILM.id)
    await house.jobs.settled()
    seen = await house.only()
    assert (seen.state, seen.says) == (task, "Not signed.")
    assert len(house.events) == (task is TaskState.FAILED)
    assert house.board.busy(ADMIN) == 0, "what only waits is no work"


async def test_a_cancelled_fetch_stays_cancelled_until_somebody_begins_it_again(house):
    await arriving(house)
    await house.board.cancel(ADMIN, FETCH)
    film = await house.storage.films.get(FILM.id)
    assert (film.state, film.progress) == (FilmState.STOPPED, 0.4)
    task = await house.only()
    assert (task.state, task.says) == (TaskState.CANCELLED, film.reason)
    assert "under Tasks" in film.reason
    await house.jobs.start(PULL, FILM.id)
    await house.jobs.settled()
    assert house.fetched == [FILM.id], "it was fetched although somebody had cancelled it"
    house.work = lambda film_id: house.save(state=FilmState.READY)
    await house.board.again(ADMIN, FETCH)
    await house.jobs.settled()
    assert house.fetched == [FILM.id] * 2
    assert (await house.only()).state is TaskState.DONE


async def test_what_was_stopped_can_be_begun_again_after_a_restart(house):
    await house.save(state=FilmState.STOPPED, reason="Stopped.")
    await house.board.clear(ADMIN)
    task = await house.only()
    assert (task.id, task.state, task.says) == (FETCH, TaskState.CANCELLED, "Stopped.")
    house.work = lambda film_id: house.save(state=FilmState.READY)
    await house.board.again(ADMIN, FETCH)
    await house.jobs.settled()
    assert (await house.only()).state is TaskState.DONE
    await house.board.again(ADMIN, FETCH)
    await house.board.cancel(ADMIN, FETCH)
    assert (await house.storage.films.get(FILM.id)).state is FilmState.READY


async def test_cancelling_other_work_stops_no_film(house):
    async def work(film_id):
        await asyncio.Event().wait()

    house.work = work
    await house.jobs.start(FILL, OWN.id)
    while not house.housework.busy:
        await asyncio.sleep(0.005)
    task = await house.only()
    assert (task.title, task.done, task.total) == (f"Make ready {OWN.title}", 3, 40)
    await house.board.cancel(ADMIN, task.id)
    assert (await house.only()).says == "Cancelled."
    assert (await house.storage.films.get(OWN.id)).state is FilmState.READY
    assert [job.state for job in await house.jobs.all()] == [JobState.CANCELLED]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (TranscodeFailed("ffmpeg gave up", fix="Look at the log."), "Ffmpeg gave up. Look at the log."),
        (ValueError("odd"), "This server made a mistake. Its log says more."),
    ],
)
async def test_work_that_fails_says_why(house, error, says):
    async def work(film_id):
        raise error

    house.work = work
    await house.jobs.start(FILL, OWN.id)
    await house.jobs.settled()
    task = await house.only()
    assert (task.state, task.says) == (TaskState.FAILED, says)
    assert [job.state for job in await house.jobs.all()] == [JobState.FAILED]


async def test_how_far_it_is_may_be_unknown(house):
    async def share(film_id):
        raise NotFound("gone")

    house.share = share
    house.housework.register(Chore(FILL, "Make ready", "Ready.", share), house.fill)

    async def work(film_id):
        await asyncio.Event().wait()

    house.work = work
    await house.jobs.start(FILL, OWN.id)
    while not house.housework.busy:
        await asyncio.sleep(0.005)
    assert (await house.only()).total == 0


async def test_a_job_on_a_film_that_is_gone_shows_nothing(house):
    await house.jobs.start(FILL, "gone")
    await house.jobs.settled()
    assert await house.board.all(ADMIN) == ()


async def test_only_who_looks_after_the_server_sees_and_touches_it(house):
    await arriving(house)
    assert await house.board.all(VIEWER) == ()
    for act in (house.board.cancel, house.board.again):
        with pytest.raises(NotFound):
            await act(VIEWER, FETCH)
    assert house.housework.busy == 1


async def test_all_work_is_in_one_list_newest_first(house):
    house.desk.register("hang", lambda progress: asyncio.Event().wait())

    async def done(progress):
        return TaskResult("Done.")

    house.desk.register("do", done)
    await arriving(house)
    house.clock.now += 1
    mine = await house.desk.start("hang", "Mine", {}, VIEWER.wallet)
    house.clock.now += 1
    newest = await house.desk.start("do", "Newest", {}, None)
    while (await house.desk.get(ADMIN, newest)).unfinished:
        await asyncio.sleep(0.005)
    assert [task.id for task in await house.board.all(ADMIN)] == [newest, mine, FETCH]
    assert [task.id for task in await house.board.all(VIEWER)] == [mine]
    assert (house.board.busy(ADMIN), house.board.busy(VIEWER)) == (2, 1)
    await house.board.clear(ADMIN)
    assert [task.id for task in await house.board.all(ADMIN)] == [mine, FETCH]
    await house.board.cancel(VIEWER, mine)
    assert house.board.busy(VIEWER) == 0
