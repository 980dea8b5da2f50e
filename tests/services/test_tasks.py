"""Background tasks: what people see of them, and that they end whatever happens."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from tests.fakes import FakeClock
from tests.services.house import viewer_with
from wylloh_server.adapters.jobs import DbosJobs
from wylloh_server.domain.access import Role
from wylloh_server.domain.errors import InvalidValue, NotFound, PluginError
from wylloh_server.domain.events import TaskEnded
from wylloh_server.domain.task import TaskState
from wylloh_server.domain.types import wallet_of
from wylloh_server.hooks.declarations import TaskResult
from wylloh_server.services import tasks as service
from wylloh_server.services.bus import Bus
from wylloh_server.services.tasks import JOB, TaskDesk
from wylloh_server.testing._jobs import MomentaryJobs
from wylloh_server.testing._live import RecordedLive, Shown

ALICE, BOB, OWNER = (wallet_of("0x" + digit * 40) for digit in "abc")
BY_ALICE, BY_BOB = viewer_with(ALICE), viewer_with(BOB)
BY_OWNER = viewer_with(OWNER, Role.OWNER)


class Plugins:
    """Does every task as the test says."""

    def __init__(self) -> None:
        self.work = None
        self.begun = []

    async def run(self, kind, progress):
        self.begun.append((kind, dict(progress.arguments), progress.wallet))
        return await self.work(progress)


class Desk:
    """A desk with everything around it."""

    def __init__(self, storage, jobs) -> None:
        self.plugins, self.bus, self.live, self.clock = Plugins(), Bus(), RecordedLive(), FakeClock()
        self.events, self.jobs, self.storage = [], jobs, storage
        self.bus.subscribe(self.events.append)
        self.desk = TaskDesk(
            tasks=storage.tasks,
            jobs=jobs,
            plugins=self.plugins,
            bus=self.bus,
            live=self.live,
            clock=self.clock,
        )
        jobs.register(JOB, self.desk.work)

    async def start(self, work, *, wallet=ALICE, kind="tagging.tag", title="Tag films", arguments=None):
        self.plugins.work = work
        return await self.desk.start(kind, title, arguments or {}, wallet)

    async def state(self, task, state):
        """The task, once it is so."""
        while (found := await self.storage.tasks.get(task)).state is not state:
            await asyncio.sleep(0.005)
        return found

    async def states(self, expected):
        """Wait until so many of Alice's tasks are in each state."""
        while Counter(task.state for task in await self.desk.all(BY_ALICE)) != expected:
            await asyncio.sleep(0.005)


@pytest.fixture
async def desk(storage):
    desk = Desk(storage, MomentaryJobs())
    async with desk.jobs.running(), desk.desk.running():
        yield desk


async def done(progress):
    return TaskResult("All done.", "/films/x")


async def forever(progress):
    await progress.tell(120, 300, "Working")
    await asyncio.Event().wait()


async def test_a_task_is_done_kept_and_told(desk):
    async def work(progress):
        await progress.tell(3, 3, "Nearly")
        return TaskResult("3 films got it.", "/plugins/tagging/tag/noir")

    task = await desk.start(work, arguments={"films": ["a"]}, title="  Add the\n tag noir ")
    ended = await desk.state(task, TaskState.DONE)
    assert desk.plugins.begun == [("tagging.tag", {"films": ["a"]}, ALICE)]
    assert (ended.title, ended.says, ended.link) == (
        "Add the tag noir",
        "3 films got it.",
        "/plugins/tagging/tag/noir",
    )
    assert (ended.done, ended.total, ended.finished) == (3, 3, desk.clock.now)
    assert desk.events == [TaskEnded(ended)]
    assert desk.live.shown == [Shown(ALICE, "Add the tag noir: 3 films got it.", "/plugins/tagging/tag/noir")]
    assert desk.live.topics == {"tasks", "tasks:running"}
    assert await desk.storage.tasks.arguments(task) == {}, "long arguments are kept for ever"


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (InvalidValue("The tag is empty", fix="Give it a name."), "The tag is empty. Give it a name."),
        (PluginError("The plugin x made a mistake"), "The plugin x made a mistake."),
        (ValueError("odd"), "This server made a mistake and could not finish it. Its log says more."),
    ],
)
async def test_a_task_that_fails_says_why(desk, error, says):
    async def work(progress):
        await progress.tell(1, 2)
        raise error

    ended = await desk.state(await desk.start(work), TaskState.FAILED)
    assert (ended.says, ended.done) == (says, 1)
    assert desk.live.shown == [Shown(ALICE, f"Tag films: {says}", "/tasks")]
    assert [told.task.state for told in desk.events] == [TaskState.FAILED]


async def test_the_core_s_own_kinds_need_no_plugin(desk):
    desk.desk.register("publish", done)
    ended = await desk.state(await desk.desk.start("publish", "Publish", {}, ALICE), TaskState.DONE)
    assert ended.says == "All done."
    assert desk.plugins.begun == []


@pytest.mark.parametrize(
    ("title", "arguments"),
    [("  ", {}), ("T", {"a": object()}), ("T", {"a": float("nan")}), ("T", {"a": {1, 2}})],
)
async def test_what_cannot_be_kept_is_refused(desk, title, arguments):
    with pytest.raises(PluginError, match="title"):
        await desk.desk.start("tagging.tag", title, arguments)
    assert await desk.desk.all(BY_OWNER) == ()


async def test_everybody_sees_their_own_and_the_owner_all(desk):
    mine = await desk.start(done)
    theirs = await desk.start(done, wallet=BOB)
    servers = await desk.start(done, wallet=None)
    await desk.jobs.settled()
    assert {task.id for task in await desk.desk.all(BY_ALICE)} == {mine}
    assert {task.id for task in await desk.desk.all(BY_OWNER)} == {mine, theirs, servers}
    for hidden in (theirs, servers):
        with pytest.raises(NotFound):
            await desk.desk.get(BY_ALICE, hidden)
        with pytest.raises(NotFound):
            await desk.desk.cancel(BY_ALICE, hidden)
    assert {shown.wallet for shown in desk.live.shown} == {ALICE, BOB}


async def test_clearing_takes_away_one_s_own_that_have_ended(desk):
    for wallet in (ALICE, BOB):
        await desk.start(done, wallet=wallet)
    await desk.jobs.settled()
    running = await desk.start(forever)
    await desk.state(running, TaskState.RUNNING)
    await desk.desk.clear(BY_ALICE)
    assert {task.id for task in await desk.desk.all(BY_ALICE)} == {running}
    assert len(await desk.desk.all(BY_OWNER)) == 2
    await desk.desk.clear(BY_OWNER)
    assert {task.id for task in await desk.desk.all(BY_OWNER)} == {running}


async def test_cancelling_is_for_good(desk):
    cancelled = asyncio.Event()

    async def work(progress):
        try:
            await forever(progress)
        finally:
            cancelled.set()

    task = await desk.start(work)
    while (await desk.desk.get(BY_ALICE, task)).done != 120:
        await asyncio.sleep(0.005)
    await desk.desk.cancel(BY_ALICE, task)
    ended = await desk.desk.get(BY_ALICE, task)
    assert (ended.state, ended.says) == (
        TaskState.CANCELLED,
        "Cancelled after 120 of 300. What was done stays.",
    )
    assert cancelled.is_set()
    assert desk.events == [TaskEnded(ended)] and desk.live.shown == []
    await desk.desk.cancel(BY_ALICE, task)
    await desk.desk.work(task)
    assert await desk.desk.get(BY_ALICE, task) == ended
    assert len(desk.plugins.begun) == 1


async def test_one_that_waits_can_be_cancelled_and_never_begins(desk):
    running = [await desk.start(forever) for _ in range(2)]
    for task in running:
        await desk.state(task, TaskState.RUNNING)
    waiting = await desk.start(forever)
    await desk.desk.cancel(BY_ALICE, waiting)
    assert (await desk.desk.get(BY_ALICE, waiting)).says == "Cancelled."
    for task in running:
        await desk.desk.cancel(BY_ALICE, task)
    assert len(desk.plugins.begun) == 2


async def test_one_plugin_s_many_tasks_keep_no_other_waiting(desk):
    for _ in range(5):
        await desk.start(forever)
    await desk.states({TaskState.RUNNING: 2, TaskState.WAITING: 3})
    other = await desk.start(done, kind="store.sync")
    await desk.state(other, TaskState.DONE)


async def test_a_handler_that_goes_on_after_being_cancelled_is_stopped_at_its_next_word(desk):
    heard, may_end = [], asyncio.Event()

    async def stubborn(progress):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            desk.late = asyncio.create_task(later(progress))
            raise

    async def later(progress):
        await may_end.wait()
        try:
            await progress.tell(1, 1)
        except asyncio.CancelledError:
            heard.append("cancelled")
            raise

    task = await desk.start(stubborn)
    await desk.state(task, TaskState.RUNNING)
    await desk.desk.cancel(BY_ALICE, task)
    may_end.set()
    await asyncio.wait({desk.late})
    assert heard == ["cancelled"]


async def test_ten_thousand_words_are_few_rows(desk, monkeypatch):
    monkeypatch.setattr(service, "_EVERY", 0.05)
    written = []

    def note(connection, cursor, statement, *rest):
        if statement.startswith("UPDATE tasks"):
            written.append(statement)

    async def work(progress):
        for number in range(10_000):
            await progress.tell(number + 1, 10_000, f"Film {number}")
        return TaskResult("Done.")

    event.listen(Engine, "before_cursor_execute", note)
    try:
        ended = await desk.state(await desk.start(work), TaskState.DONE)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert ended.done == 10_000
    assert 2 <= len(written) < 200
    assert len(desk.live.told) < 200


async def test_progress_is_shown_at_once_and_saved_soon(desk, monkeypatch):
    monkeypatch.setattr(service, "_EVERY", 0.02)
    task = await desk.start(forever)
    while (await desk.storage.tasks.get(task)).done != 120:
        await asyncio.sleep(0.005)
    shown = await desk.desk.get(BY_ALICE, task)
    assert (shown.done, shown.total, shown.says) == (120, 300, "Working")
    assert await desk.desk.all(BY_ALICE) == (shown,)


@pytest.mark.parametrize(
    ("given", "shown"),
    [((-3, -1), (0, 0)), ((9, 5), (5, 5)), ((7, 0), (7, 0)), ((1 << 80, 1 << 90), (2**53 - 1, 2**53 - 1))],
)
async def test_odd_numbers_become_ones_that_can_be_drawn(desk, given, shown):
    async def work(progress):
        await progress.tell(*given, "x" * 5000)
        await asyncio.Event().wait()

    task = await desk.start(work)
    while not (found := await desk.desk.get(BY_ALICE, task)).says:
        await asyncio.sleep(0.005)
    assert (found.done, found.total) == shown
    assert len(found.says) == 2000


async def test_what_was_started_before_the_server_ran_begins_with_it(storage):
    desk = Desk(storage, MomentaryJobs())
    task = await desk.start(done)
    assert (await storage.tasks.get(task)).state is TaskState.WAITING
    async with desk.jobs.running(), desk.desk.running():
        await desk.state(task, TaskState.DONE)


async def test_a_task_whose_job_is_lost_begins_again(storage, tmp_path):
    """The file of jobs may be deleted: its error message says so."""
    for name in ("one", "two"):
        desk = Desk(storage, DbosJobs(tmp_path / name))
        async with desk.jobs.running(), desk.desk.running():
            if name == "one":
                task = await desk.start(forever)
                await desk.state(task, TaskState.RUNNING)
            else:
                desk.plugins.work = done
                await desk.state(task, TaskState.DONE)


async def test_a_cancelled_task_does_not_come_back_with_the_server(storage, tmp_path):
    first = Desk(storage, DbosJobs(tmp_path / "jobs"))
    async with first.jobs.running(), first.desk.running():
        task = await first.start(forever)
        await first.state(task, TaskState.RUNNING)
        await first.desk.cancel(BY_ALICE, task)
    second = Desk(storage, DbosJobs(tmp_path / "jobs"))
    second.plugins.work = done
    async with second.jobs.running(), second.desk.running():
        await second.state(await second.start(done), TaskState.DONE)
    assert (await storage.tasks.get(task)).state is TaskState.CANCELLED
    assert len(second.plugins.begun) == 1


COUNTING = """
import asyncio
from pathlib import Path
from wylloh_server.sdk import *

WYLLOH_SDK = SDK_VERSION


async def count(context, progress):
    file = Path(progress.arguments["file"])
    while (number := len(file.read_text().split()) if file.exists() else 0) < progress.arguments["to"]:
        with file.open("a") as steps:
            steps.write(f"{number} ")
        await progress.tell(number + 1, progress.arguments["to"])
        if number == 2:
            print("hanging", flush=True)
            await asyncio.Event().wait()
    return TaskResult(f"Counted to {number}.")


@hookimpl
def background_tasks():
    return [BackgroundTask("count", count)]
"""


def test_kill_9_in_the_middle_of_a_plugin_s_task(tmp_path):
    package = tmp_path / "plugins/counting/wylloh_counting"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(COUNTING)
    script = Path(__file__).with_name("_tasks_server.py")

    def server(start):
        return subprocess.Popen(
            [sys.executable, script, tmp_path, start],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    killed = server("start")
    assert killed.stdout.readline() == "hanging\n"
    killed.kill()
    killed.communicate()
    assert server("").communicate()[0] == "done Counted to 6.\n"
    assert (tmp_path / "counted").read_text() == "0 1 2 3 4 5 "


def test_a_task_whose_plugin_is_gone_after_the_restart_fails_with_a_sentence(tmp_path):
    package = tmp_path / "plugins/counting/wylloh_counting"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(COUNTING)
    script = Path(__file__).with_name("_tasks_server.py")
    command = [sys.executable, script, tmp_path]
    killed = subprocess.Popen([*command, "start"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert killed.stdout.readline() == "hanging\n"
    killed.kill()
    killed.communicate()
    (package / "__init__.py").unlink()
    package.rmdir()
    said = subprocess.run([*command, ""], capture_output=True, text=True, check=False)
    assert said.stdout == (
        "failed The plugin counting, which began this, is gone. "
        "Have it installed again, then start this anew.\n"
    ), said.stderr


async def test_a_row_that_has_ended_stays_as_it_is(desk):
    task = await desk.start(done)
    ended = await desk.state(task, TaskState.DONE)
    assert not await desk.storage.tasks.save(replace(ended, state=TaskState.RUNNING))
    assert await desk.storage.tasks.get(task) == ended
