"""Plugin authors' fixture does background tasks and batch actions as the server does."""

from __future__ import annotations

import pytest

from wylloh_server.domain.access import Role
from wylloh_server.domain.errors import AccessRefused, InvalidValue, PluginError
from wylloh_server.domain.events import TaskEnded

SOURCE = """
async def count(context, progress):
    if progress.arguments.get("films") == []:
        raise InvalidValue("There is nothing to count")
    await progress.update(1, 2)
    return TaskResult(f"Counted for {progress.wallet}: {progress.arguments}")

async def plan(context, request):
    if len(request.films) == 1:
        return BatchPlan("One film needs no counting.", fix="Select more.")
    return BatchPlan(f"{len(request.films)} films are counted {request.values['how']}.")

async def fields(context, viewer):
    return [BatchField("how", "How")]

async def start(context, request):
    await context.tasks.start("count", "Count", {"n": 1}, request.viewer)
    return Redirect("/tasks")

@hookimpl
def routes():
    return [PluginRoute("POST", "count", start)]

@hookimpl
def background_tasks():
    return [BackgroundTask("count", count)]

@hookimpl
def batch_actions():
    return [BatchAction("count", "Count", plan, "count", fields, Role.PUBLISHER)]
"""


@pytest.fixture
def written(environment, monkeypatch):
    package = environment.write("mine", SOURCE)
    monkeypatch.syspath_prepend(str(package.parent))


async def test_a_fragment_is_rendered_with_the_film_it_was_asked_for(plugin_app, environment, monkeypatch):
    package = environment.write(
        "mine",
        """
        @hookimpl
        def template_dirs():
            return [Path(__file__).parent]

        @hookimpl
        async def page_fragments(film):
            return [Fragment("fragment.html")]
        """,
    )
    (package / "fragment.html").write_text("<b>{{ film.id if film else 'no film' }}</b>")
    monkeypatch.syspath_prepend(str(package.parent))
    async with plugin_app("wylloh_mine") as app:
        first, second = app.films[:2]
        (one,), (two,) = await app.fragments("film.tags", first), await app.fragments("film.tags", second)
        assert await app.render(one) == f"<b>{first.id}</b>"
        assert await app.render(two) == f"<b>{second.id}</b>"
        assert await app.render(one, film=second) == f"<b>{second.id}</b>"
        (none,) = await app.fragments("home.rows")
        assert await app.render(none) == "<b>no film</b>"


async def test_a_task_is_done_to_its_end(plugin_app, written):
    async with plugin_app("wylloh_mine") as app:
        task = await app.task("count", {"n": 3}, by=Role.ADMIN)
        assert (task.state, task.total) == ("done", 2)
        assert task.message.endswith(": {'n': 3}") and task.wallet in task.message
        assert app.events == [TaskEnded(task)]
        failed = await app.task("count", {"films": []}, by=None)
        assert (failed.state, failed.message, failed.wallet) == ("failed", "There is nothing to count.", None)
        with pytest.raises(PluginError, match="'other'"):
            await app.task("other")


async def test_a_batch_action_is_planned_and_done(plugin_app, written):
    async with plugin_app("wylloh_mine") as app:
        plan = await app.plan("count", app.films, {"how": "twice"}, by=Role.PUBLISHER)
        assert plan.sentence == "4 films are counted twice."
        task = await app.batch("count", app.films[:2], {"how": "once"}, by=Role.PUBLISHER)
        assert task.title == "Count: once · 2 films"
        assert task.message.endswith(
            str({"films": [film.id for film in app.films[:2]], "values": {"how": "once"}})
        )
        with pytest.raises(InvalidValue, match="needs no counting"):
            await app.batch("count", app.films[:1], by=Role.PUBLISHER)
        with pytest.raises(AccessRefused):
            await app.batch("count", app.films)


async def test_a_task_that_a_page_starts_is_waited_for(plugin_app, written):
    async with plugin_app("wylloh_mine") as app:
        await app.post("count")
        (task,) = await app.tasks()
        assert (task.title, task.state) == ("Count", "done")
        assert app.live.toasts[0].sentence.startswith("Count: Counted for 0x")


async def test_a_handler_may_tell_as_often_as_it_likes(plugin_app, environment, monkeypatch):
    package = environment.write(
        "chatty",
        """
async def talk(context, progress):
    for number in range(10_000):
        await progress.update(number + 1, 10_000, f"Word {number}")
    return TaskResult("Done.")

@hookimpl
def background_tasks():
    return [BackgroundTask("talk", talk)]
""",
    )
    monkeypatch.syspath_prepend(str(package.parent))
    async with plugin_app("wylloh_chatty") as app:
        task = await app.task("talk")
        assert (task.state, task.done) == ("done", 10_000)
        assert sum("tasks" in told.topics for told in app.live.changes) < 100


WEBHOOK = """
async def hear(context, request):
    return Json({"viewer": request.viewer, "body": request.body.decode(), "headers": dict(request.headers)})

@hookimpl
def settings():
    return [Setting("token", str, "", "The token.", secret=True)]

@hookimpl
def routes():
    return [PluginRoute("POST", "hook", hear, role=None, token="token")]
"""


async def test_a_webhook_is_asked_for_its_token_as_in_the_server(plugin_app, environment, monkeypatch):
    monkeypatch.syspath_prepend(str(environment.write("mine", WEBHOOK).parent))
    async with plugin_app("wylloh_mine") as app:
        closed = await app.post("hook", body=b"x", headers={"Authorization": "Bearer "})
        assert (closed.status, closed.sentence) == (403, "This address is closed.")
    async with plugin_app("wylloh_mine", settings={"token": "right"}) as app:
        for headers in (None, {"Authorization": "Bearer wrong"}):
            assert (await app.post("hook", body=b"x", headers=headers)).status == 401
        signed = {"Authorization": "bearer right", "X-Signature": "abc"}
        heard = await app.post("hook", body=b"x", headers=signed)
        assert heard.value == {"viewer": None, "body": "x", "headers": {"x-signature": "abc"}}
