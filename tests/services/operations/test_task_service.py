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
from tests.services.server_environment import viewer_with
from wylloh_server.adapters.jobs.dbos_engine import DbosEngine
from wylloh_server.domain.access import Role
from wylloh_server.domain.errors import InvalidValue, NotFound, PluginError
from wylloh_server.domain.events import TaskEnded
from wylloh_server.domain.task import TaskProgress, TaskState
from wylloh_server.domain.types import parse_wallet
from wylloh_server.domain.task import TaskResult
from wylloh_server.services.operations import task_service
from wylloh_server.services.operations.event_bus import EventBus
from wylloh_server.services.operations.task_service import TaskKind, TaskService
from wylloh_server.sdk.testing.instant_jobs import InstantJobs
from wylloh_server.sdk.testing.recorded_live import RecordedLive, ShownToast

ALICE, BOB, OWNER = (parse_wallet("0x" + digit * 40) for digit in "abc")
BY_ALICE, BY_BOB = viewer_with(ALICE), viewer_with(BOB)
BY_OWNER = viewer_with(OWNER, Role.OWNER)


class Plugins:
    """Does every task as the test says."""

    def __init__(self) -> None:
        self.work = None
        self.begun = []

    async def run(self, run):
        self.begun.append((run.task.kind, dict(run.arguments), run.task.wallet))
        return await self.work(TaskProgress(run.arguments, run.task.wallet, run.update))


class TaskEnvironment:
    """A task service with everything around it."""

    def __init__(self, storage, jobs) -> None:
        self.plugins, self.bus, self.live, self.clock = Plugins(), EventBus(), RecordedLive(), FakeClock()
        self.events, self.jobs, self.storage = [], jobs, storage
        self.bus.listeners.append(self.events.append)
        self.service = TaskService(
            tasks=storage.tasks,
            jobs=jobs,
            plugins=self.plugins,
            bus=self.bus,
            live=self.live,
            clock=self.clock,
        )

    async def start(self, work, *, wallet=ALICE, kind="tagging.tag", title="Tag films", arguments=None):
        self.plugins.work = work
        return await self.service.start(kind, title, arguments or {}, wallet)

    async def state(self, task, state):
        """The task, once it is so."""
        while (found := await self.storage.tasks.get(task)).state is not state:
            await asyncio.sleep(0.005)
        return found

    async def states(self, expected):
        """Wait until so many of Alice's tasks are in each state."""
        while Counter(task.state for task in await self.service.all(BY_ALICE)) != expected:
            await asyncio.sleep(0.005)


@pytest.fixture
async def environment(storage):
    environment = TaskEnvironment(storage, InstantJobs())
    async with environment.service.running():
        yield environment


async def done(progress):
    return TaskResult("All done.", "/films/x")


async def forever(progress):
    await progress.update(120, 300, "Working")
    await asyncio.Event().wait()


async def test_a_task_is_done_kept_and_told(environment):
    async def work(progress):
        await progress.update(3, 3, "Nearly")
        return TaskResult("3 films got it.", "/plugins/tagging/tag/noir")

    task = await environment.start(work, arguments={"films": ["a"]}, title="  Add the\n tag noir ")
    ended = await environment.state(task, TaskState.DONE)
    assert environment.plugins.begun == [("tagging.tag", {"films": ["a"]}, ALICE)]
    assert (ended.title, ended.message, ended.link) == (
        "Add the tag noir",
        "3 films got it.",
        "/plugins/tagging/tag/noir",
    )
    assert (ended.done, ended.total, ended.finished) == (3, 3, environment.clock.now)
    assert environment.events == [TaskEnded(ended)]
    assert environment.live.toasts == [
        ShownToast(ALICE, "Add the tag noir: 3 films got it.", "/plugins/tagging/tag/noir")
    ]
    assert environment.live.topics == {"tasks", "tasks:running"}
    assert await environment.storage.tasks.arguments(task) == {}, "long arguments are kept for ever"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (InvalidValue("The tag is empty", fix="Give it a name."), "The tag is empty. Give it a name."),
        (PluginError("The plugin x made a mistake"), "The plugin x made a mistake."),
        (ValueError("odd"), "This server made a mistake and could not finish it. Its log says more."),
    ],
)
async def test_a_task_that_fails_says_why(environment, error, message):
    async def work(progress):
        await progress.update(1, 2)
        raise error

    ended = await environment.state(await environment.start(work), TaskState.FAILED)
    assert (ended.message, ended.done) == (message, 1)
    assert environment.live.toasts == [ShownToast(ALICE, f"Tag films: {message}", "/tasks")]
    assert [told.task.state for told in environment.events] == [TaskState.FAILED]


async def test_the_core_s_own_kinds_need_no_plugin(storage):
    environment = TaskEnvironment(storage, InstantJobs())
    environment.service.register("publish", TaskKind(done))
    async with environment.service.running():
        await check_own_kind(environment)


async def check_own_kind(environment):
    ended = await environment.state(
        await environment.service.start("publish", "Publish", {}, ALICE), TaskState.DONE
    )
    assert ended.message == "All done."
    assert environment.plugins.begun == []


@pytest.mark.parametrize(
    ("title", "arguments"),
    [("  ", {}), ("T", {"a": object()}), ("T", {"a": float("nan")}), ("T", {"a": {1, 2}})],
)
async def test_what_cannot_be_kept_is_refused(environment, title, arguments):
    with pytest.raises(PluginError, match="title"):
        await environment.service.start("tagging.tag", title, arguments)
    assert await environment.service.all(BY_OWNER) == ()


async def test_everybody_sees_their_own_and_the_owner_all(environment):
    mine = await environment.start(done)
    theirs = await environment.start(done, wallet=BOB)
    servers = await environment.start(done, wallet=None)
    await environment.jobs.settled()
    assert {task.id for task in await environment.service.all(BY_ALICE)} == {mine}
    assert {task.id for task in await environment.service.all(BY_OWNER)} == {mine, theirs, servers}
    for hidden in (theirs, servers):
        with pytest.raises(NotFound):
            await environment.service.get(BY_ALICE, hidden)
        with pytest.raises(NotFound):
            await environment.service.cancel(BY_ALICE, hidden)
    assert {shown.wallet for shown in environment.live.toasts} == {ALICE, BOB}


async def test_clearing_takes_away_one_s_own_that_have_ended(environment):
    for wallet in (ALICE, BOB):
        await environment.start(done, wallet=wallet)
    await environment.jobs.settled()
    running = await environment.start(forever)
    await environment.state(running, TaskState.RUNNING)
    await environment.service.clear(BY_ALICE)
    assert {task.id for task in await environment.service.all(BY_ALICE)} == {running}
    assert len(await environment.service.all(BY_OWNER)) == 2
    await environment.service.clear(BY_OWNER)
    assert {task.id for task in await environment.service.all(BY_OWNER)} == {running}


async def test_cancelling_is_for_good(environment):
    cancelled = asyncio.Event()

    async def work(progress):
        try:
            await forever(progress)
        finally:
            cancelled.set()

    task = await environment.start(work)
    while (await environment.service.get(BY_ALICE, task)).done != 120:
        await asyncio.sleep(0.005)
    await environment.service.cancel(BY_ALICE, task)
    ended = await environment.service.get(BY_ALICE, task)
    assert (ended.state, ended.message) == (
        TaskState.CANCELLED,
        "Cancelled after 120 of 300. What was done stays.",
    )
    assert cancelled.is_set()
    assert environment.events == [TaskEnded(ended)] and environment.live.toasts == []
    await environment.service.cancel(BY_ALICE, task)
    await environment.service._run_job(ended.job)
    assert await environment.service.get(BY_ALICE, task) == ended
    assert len(environment.plugins.begun) == 1


async def test_one_that_waits_can_be_cancelled_and_never_begins(environment):
    running = [await environment.start(forever) for _ in range(2)]
    for task in running:
        await environment.state(task, TaskState.RUNNING)
    waiting = await environment.start(forever)
    await environment.service.cancel(BY_ALICE, waiting)
    assert (await environment.service.get(BY_ALICE, waiting)).message == "Cancelled."
    for task in running:
        await environment.service.cancel(BY_ALICE, task)
    assert len(environment.plugins.begun) == 2


async def test_one_plugin_s_many_tasks_keep_no_other_waiting(environment):
    for _ in range(5):
        await environment.start(forever)
    await environment.states({TaskState.RUNNING: 2, TaskState.WAITING: 3})
    other = await environment.start(done, kind="store.sync")
    await environment.state(other, TaskState.DONE)


async def test_a_handler_that_goes_on_after_being_cancelled_is_stopped_at_its_next_word(environment):
    heard, begun, may_end = [], asyncio.Event(), asyncio.Event()

    async def stubborn(progress):
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            environment.late = asyncio.create_task(later(progress))
            raise

    async def later(progress):
        await may_end.wait()
        try:
            await progress.update(1, 1)
        except asyncio.CancelledError:
            heard.append("cancelled")
            raise

    task = await environment.start(stubborn)
    await begun.wait()
    await environment.state(task, TaskState.RUNNING)
    await environment.service.cancel(BY_ALICE, task)
    while not hasattr(environment, "late"):
        await asyncio.sleep(0.005)
    may_end.set()
    await asyncio.wait({environment.late})
    assert heard == ["cancelled"]


async def test_ten_thousand_words_are_few_rows(environment, monkeypatch):
    monkeypatch.setattr(task_service, "_EVERY", 0.05)
    written = []

    def note(connection, cursor, statement, *rest):
        if statement.startswith("UPDATE tasks"):
            written.append(statement)

    async def work(progress):
        for number in range(10_000):
            await progress.update(number + 1, 10_000, f"Film {number}")
        return TaskResult("Done.")

    event.listen(Engine, "before_cursor_execute", note)
    try:
        ended = await environment.state(await environment.start(work), TaskState.DONE)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert ended.done == 10_000
    assert 2 <= len(written) < 200
    assert len(environment.live.changes) < 200


async def test_progress_is_shown_at_once_and_saved_soon(environment, monkeypatch):
    monkeypatch.setattr(task_service, "_EVERY", 0.02)
    task = await environment.start(forever)
    while (await environment.storage.tasks.get(task)).done != 120:
        await asyncio.sleep(0.005)
    shown = await environment.service.get(BY_ALICE, task)
    assert (shown.done, shown.total, shown.message) == (120, 300, "Working")
    assert await environment.service.all(BY_ALICE) == (shown,)


@pytest.mark.parametrize(
    ("given", "shown"),
    [((-3, -1), (0, 0)), ((9, 5), (5, 5)), ((7, 0), (7, 0)), ((1 << 80, 1 << 90), (2**53 - 1, 2**53 - 1))],
)
async def test_odd_numbers_become_ones_that_can_be_drawn(environment, given, shown):
    async def work(progress):
        await progress.update(*given, "x" * 5000)
        await asyncio.Event().wait()

    task = await environment.start(work)
    while not (found := await environment.service.get(BY_ALICE, task)).message:
        await asyncio.sleep(0.005)
    assert (found.done, found.total) == shown
    assert len(found.message) == 2000


async def test_what_was_started_before_the_server_ran_begins_with_it(storage):
    environment = TaskEnvironment(storage, InstantJobs())
    task = await environment.start(done)
    assert (await storage.tasks.get(task)).state is TaskState.WAITING
    async with environment.service.running():
        await environment.state(task, TaskState.DONE)


async def test_a_task_whose_job_is_lost_begins_again(storage, tmp_path):
    """The file of jobs may be deleted: its error message says so."""
    for name in ("one", "two"):
        environment = TaskEnvironment(storage, DbosEngine(tmp_path / name))
        async with environment.service.running():
            if name == "one":
                task = await environment.start(forever)
                await environment.state(task, TaskState.RUNNING)
            else:
                environment.plugins.work = done
                await environment.state(task, TaskState.DONE)


async def test_a_cancelled_task_does_not_come_back_with_the_server(storage, tmp_path):
    first = TaskEnvironment(storage, DbosEngine(tmp_path / "jobs"))
    async with first.service.running():
        task = await first.start(forever)
        await first.state(task, TaskState.RUNNING)
        await first.service.cancel(BY_ALICE, task)
    second = TaskEnvironment(storage, DbosEngine(tmp_path / "jobs"))
    second.plugins.work = done
    async with second.service.running():
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
        await progress.update(number + 1, progress.arguments["to"])
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


async def test_a_row_that_has_ended_stays_as_it_is(environment):
    task = await environment.start(done)
    ended = await environment.state(task, TaskState.DONE)
    assert not await environment.storage.tasks.save(replace(ended, state=TaskState.RUNNING))
    assert await environment.storage.tasks.get(task) == ended
