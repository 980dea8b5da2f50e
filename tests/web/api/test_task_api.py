"""Background tasks and batch actions over HTTP."""

from __future__ import annotations

import asyncio

import pytest

from tests.web.conftest import COLLECTOR, GATED, OWNER, PLAIN
from tests.web.pages.batch_plugin import write
from wylloh_server.domain.task import TaskState

FILMS = [GATED.id, PLAIN.id]
HERE = "/api/batch/testdeeds"
VALUES = {"word": "seen", "how": "softly"}


@pytest.fixture
async def server_under_test(open_server_under_test, tmp_path):
    return await open_server_under_test(plugin_folder=write(tmp_path))


async def answer(response, status=200):
    body = await response.json()
    assert response.status == status, body
    return body


async def listed(browser):
    return (await answer(await browser.get("/api/tasks")))["tasks"]


async def running(server_under_test, wallet, kind="testdeeds.hang"):
    """A task that is at work."""
    task = await server_under_test.work.tasks.start(kind, "Read everything", {}, wallet)
    while (await server_under_test.storage.tasks.get(task)).state is TaskState.WAITING:
        await asyncio.sleep(0.01)
    return task


async def test_it_is_planned_confirmed_done_and_listed(collector, server_under_test):
    fields = await answer(await collector.get(f"{HERE}/mark/fields"))
    assert fields == {
        "fields": [
            {"name": "word", "label": "The mark", "choices": []},
            {"name": "how", "label": "How", "choices": ["softly", "loudly"]},
        ]
    }
    body = {"films": FILMS, "values": VALUES}
    plan = await answer(await collector.post(f"{HERE}/mark/plan", body))
    assert plan == {"sentence": "2 films get the mark seen.", "fix": ""}
    begun = await answer(await collector.post(f"{HERE}/mark/run", {**body, "confirmed": plan["sentence"]}))
    await server_under_test.work.jobs.settled()
    (task,) = await listed(collector)
    assert task["id"] == begun["task"]
    assert (task["state"], task["title"], task["sentence"], task["link"]) == (
        "done",
        "Mark: seen, softly · 2 films",
        "2 films are marked seen.",
        "/devices",
    )
    assert (task["done"], task["total"]) == (2, 2)


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({}, 400, "The field films must be a list of film ids."),
        ({"films": "all"}, 400, "The field films must be a list of film ids."),
        ({"films": [1, 2]}, 400, "The field films must be a list of film ids."),
        ({"films": ["x" * 65]}, 400, "The field films must be a list of film ids."),
        ({"films": FILMS, "values": ["seen"]}, 400, "The field values must hold texts by name."),
        ({"films": FILMS, "values": {"word": 3}}, 400, "The field values must hold texts by name."),
        ({"films": [], "values": VALUES}, 400, "No film is selected."),
        (
            {"films": [str(n) for n in range(10_001)], "values": VALUES},
            400,
            "10,001 films are too many at once.",
        ),
        ({"films": [*FILMS, "gone"], "values": VALUES}, 404, "1 of the selected films is not here any more."),
        ({"films": FILMS, "values": {"how": "never"}}, 400, "How: “never” is no choice."),
        (
            {"films": FILMS, "values": {"word": "bad", "how": "softly"}},
            502,
            "The plugin testdeeds made a mistake and could not answer.",
        ),
    ],
)
async def test_what_cannot_be_done_is_refused_with_a_sentence(collector, body, status, error):
    for path, more in (("plan", {}), ("run", {"confirmed": "2 films get the mark seen."})):
        told = await answer(await collector.post(f"{HERE}/mark/{path}", {**body, **more}), status)
        assert told["error"] == error
    assert await listed(collector) == []


async def test_nothing_is_begun_that_nobody_confirmed(collector):
    body = {"films": FILMS, "values": VALUES}
    assert (await collector.post(f"{HERE}/mark/run", body)).status == 400
    told = await answer(await collector.post(f"{HERE}/mark/run", {**body, "confirmed": "Something."}), 400)
    assert told["error"] == "Something has changed meanwhile. Now: 2 films get the mark seen."
    nothing = {"films": FILMS, "values": {"word": "nothing", "how": "softly"}}
    planned = await answer(await collector.post(f"{HERE}/mark/plan", nothing))
    assert planned == {"sentence": "All of them are marked already.", "fix": "Select others."}
    told = await answer(
        await collector.post(f"{HERE}/mark/run", {**nothing, "confirmed": planned["sentence"]}), 400
    )
    assert told["fix"] == "Select others."
    assert await listed(collector) == []


async def test_every_role_its_own_and_no_stranger(browser, collector, owner):
    body = {"films": FILMS, "values": {}}
    for path in (f"{HERE}/lock/plan", f"{HERE}/lock/run"):
        assert (await collector.post(path, {**body, "confirmed": ""})).status == 403
    assert (await collector.get(f"{HERE}/lock/fields")).status == 403
    assert (await owner.post(f"{HERE}/lock/plan", body)).status == 200
    for path in (f"{HERE}/gone/plan", "/api/batch/gone/mark/plan"):
        assert (await owner.post(path, body)).status == 404
    for path in ("/api/tasks", f"{HERE}/mark/fields"):
        assert (await browser.get(path)).status == 401
    for path in (f"{HERE}/mark/plan", f"{HERE}/mark/run", "/api/tasks/clear", "/api/tasks/x/cancel"):
        assert (await browser.post(path, body)).status == 401


async def test_another_site_begins_and_cancels_nothing(collector, server_under_test):
    task = await running(server_under_test, COLLECTOR)
    for path in (
        f"{HERE}/mark/run",
        f"/api/tasks/{task}/cancel",
        "/api/tasks/clear",
        f"/api/tasks/{task}/again",
    ):
        for origin in ("https://evil.example", None):
            assert (await collector.post(path, {}, headers={"Origin": origin})).status == 403
    (one,) = await listed(collector)
    assert one["state"] == "running"


async def test_cancelling_and_clearing(collector, owner, server_under_test):
    task, other = await running(server_under_test, COLLECTOR), await running(server_under_test, OWNER)
    assert (await collector.post(f"/api/tasks/{other}/cancel")).status == 404
    await answer(await collector.post(f"/api/tasks/{task}/cancel"))
    (mine,) = await listed(collector)
    assert (mine["state"], mine["sentence"]) == (
        "cancelled",
        "Cancelled after 120 of 300. What was done stays.",
    )
    assert (await collector.post(f"/api/tasks/{other}/again")).status == 404
    await answer(await collector.post(f"/api/tasks/{task}/again"))
    while (await listed(collector))[0]["done"] != 120:
        await asyncio.sleep(0.01)
    told = await answer(await collector.post(f"/api/tasks/{task}/again"), 400)
    assert told["error"] == "This is going on."
    await answer(await collector.post(f"/api/tasks/{task}/cancel"))
    await answer(await collector.post("/api/tasks/clear"))
    assert await listed(collector) == []
    assert [task["id"] for task in await listed(owner)] == [other]
    await answer(await owner.post(f"/api/tasks/{other}/cancel"))
