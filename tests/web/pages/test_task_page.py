"""The page of background tasks, and the badge that leads there."""

from __future__ import annotations

import asyncio

import pytest

from tests.web.conftest import COLLECTOR, OWNER
from tests.web.pages.conftest import stocked
from tests.web.pages.batch_plugin import write
from tests.web.pages.markup import Page
from wylloh_server.domain.task import Task, TaskState
from wylloh_server.web.pages.task_page import headline, task_row

RUNNING = Task("a" * 32, "testdeeds.hang", "Read <everything>", COLLECTOR, TaskState.RUNNING, 0, 120, 300)


@pytest.fixture
async def server_under_test(open_server_under_test, tmp_path):
    return await stocked(open_server_under_test, plugin_folder=write(tmp_path))


async def page(browser, path="/tasks"):
    response = await browser.get(path)
    assert response.status == 200
    found = Page(await response.text())
    assert found.faults == []
    return found


async def begun(server_under_test, kind, wallet, title="Read <everything>"):
    task = await server_under_test.work.tasks.start(
        f"testdeeds.{kind}", title, {"films": ["a"], "values": {}}, wallet
    )
    while (await server_under_test.storage.tasks.get(task)).state is TaskState.WAITING:
        await asyncio.sleep(0.01)
    return task


async def test_nothing_is_running(owner):
    found = await page(owner)
    assert "Nothing is running." in found.text
    assert "in the background" not in (await page(owner, "/")).text


async def test_a_task_at_work_shows_how_far_it_is(server_under_test, collector):
    await begun(server_under_test, "hang", COLLECTOR)
    while (await server_under_test.work.tasks.all(viewer(COLLECTOR)))[0].done == 0:
        await asyncio.sleep(0.01)
    found = await page(collector)
    for words in ("One thing is running.", "Read <everything>", "40 %", "120 of 300 · Reading film 121"):
        assert words in found.text
    bar = next(attributes for tag, attributes in found.tags if tag == "progress")
    assert (bar["value"], bar["max"]) == ("40", "100")
    assert "Cancel Read <everything>" in found.named("button")
    assert "1 task running in the background" in (await page(collector, "/")).text


async def test_what_has_ended_says_how(server_under_test, collector, owner):
    await begun(server_under_test, "mark", COLLECTOR, "Mark one")
    await begun(server_under_test, "fail", OWNER, "Lock the shelf")
    await server_under_test.work.jobs.settled()
    found = await page(collector)
    assert "Done: Mark one" in found.text and "1 films are marked seen." in found.text
    assert found.named("a")["See it: Mark one"]["href"] == "/devices"
    assert "Lock the shelf" not in found.text
    found = await page(owner)
    assert "Failed: Lock the shelf" in found.text
    assert "The shelf is locked. Unlock it." in found.text
    assert f"{COLLECTOR[:6]}…{COLLECTOR[-4:]} · 1 films are marked seen." in found.text


async def test_who_is_not_signed_in_sees_no_tasks(browser):
    response = await browser.get("/tasks")
    assert response.status == 303
    assert response.headers["Location"].startswith("/sign-in")


def viewer(wallet):
    from tests.services.server_environment import viewer_with

    return viewer_with(wallet)


@pytest.mark.parametrize(
    ("changed", "share", "count"),
    [
        ({}, 40, "120 of 300"),
        ({"done": 64, "total": 100}, 64, ""),
        ({"total": 0}, None, "120 so far"),
        ({"done": 0, "total": 0}, None, ""),
        ({"done": 299}, 99, "299 of 300"),
        ({"done": 2**53 - 1, "total": 2**53 - 1}, 100, "9,007,199,254,740,991 of 9,007,199,254,740,991"),
    ],
)
def test_how_far_it_is_in_words(changed, share, count):
    from dataclasses import replace

    line = task_row(replace(RUNNING, **changed), viewer(COLLECTOR))
    assert (line.share, line.count) == (share, count)


def test_the_headline_counts_what_is_at_work():
    from dataclasses import replace

    going = task_row(RUNNING, viewer(COLLECTOR))
    waiting = task_row(replace(RUNNING, state=TaskState.WAITING), viewer(COLLECTOR))
    assert headline([]) == "Nothing is running."
    assert headline([waiting]) == "One thing is waiting to go on."
    assert headline([going, waiting]) == "One thing is running, 1 waiting."
    assert headline([going] * 5) == "Five things are running."
    assert headline([going] * 6) == "6 things are running."
