"""Each hook does what its docstring in `wylloh_server/plugins/spec.py` says. `tests/test_docs.py` asks for one test a hook."""

from __future__ import annotations

import pytest

from wylloh_server.domain.access import AccessRequest, Role
from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.events import FilmAdded, FilmReady
from wylloh_server.domain.types import FilmId
from wylloh_server.domain.plugin_pages import PluginRequest
from wylloh_server.sdk.testing.samples import sample_films, sample_viewer

FILM = sample_films()[0]
VIEWER = sample_viewer(Role.VIEWER)


def code_of(registry):
    (record,) = registry.records()
    assert (record.status, record.reason, record.last_error) == ("running", "", "")
    return registry.plugin(record.name).code


async def test_hook_settings(environment):
    environment.write(
        "mine",
        """
        @hookimpl
        def settings():
            return [Setting("speed", int, 1, "How fast."), Setting("names", tuple, (), "Whom.")]
        """,
    )
    async with environment.running(settings={"mine": {"names": ["a"]}}) as (registry, _):
        assert dict(registry.plugin("mine").context.settings) == {"speed": 1, "names": ("a",)}
        assert [setting.name for setting in registry.settings()["mine"]] == ["speed", "names"]


TABLES = """
from sqlalchemy import Column, Integer, MetaData, Table, insert, select
from sqlalchemy.schema import CreateTable

cups = Table("plugin_mine_cups", MetaData(), Column("size", Integer))
fill = insert(cups).values(size=3)

@hookimpl
def migrations():
    return STEPS
"""


async def test_hook_migrations(environment):
    file = (
        environment.write("mine", TABLES + "STEPS = [Migration('0001', (CreateTable(cups), fill))]\n")
        / "__init__.py"
    )

    async def sizes():
        async with environment.running() as (registry, _):
            code = code_of(registry)
            return (await registry.plugin("mine").context.tables.fetch(code.select(code.cups.c.size))).rows

    assert await sizes() == ((3,),)
    assert await sizes() == ((3,),)  # what has run does not run again
    environment.forget()
    source = file.read_text()
    file.write_text(source.replace("fill))]", "fill)), Migration('0002', (fill,))]"))
    assert await sizes() == ((3,), (3,))


async def test_a_step_that_fails_is_undone(environment):
    environment.write(
        "mine", TABLES + "STEPS = [Migration('0001', (CreateTable(cups), fill, CreateTable(cups)))]\n"
    )
    async with environment.running() as (registry, _):
        (record,) = registry.records()
        assert record.status == "failed"
        assert "already exists" in record.reason
    environment.forget()
    (environment.path / "mine/wylloh_mine/__init__.py").unlink()
    (environment.path / "mine/wylloh_mine").rmdir()
    environment.write("mine", TABLES + "STEPS = [Migration('0001', (CreateTable(cups), fill))]\n")
    async with environment.running() as (registry, _):
        code_of(registry)


async def test_hook_event_types(environment):
    environment.write(
        "mine",
        '''
        @dataclass(frozen=True)
        class TeaMade(Event):
            """Tea is ready."""

        @hookimpl
        def event_types():
            return [TeaMade]

        @hookimpl
        async def lifespan(context):
            context.emit(TeaMade())
            yield
        ''',
    )
    async with environment.running() as (registry, _):
        assert environment.published == [code_of(registry).TeaMade()]


async def test_hook_routes(environment):
    environment.write(
        "mine",
        """
        async def echo(context, request):
            return Json([context.name, request.viewer.role, request.params["word"], request.query["n"]])

        @hookimpl
        def routes():
            return [PluginRoute("GET", "echo/{word}", echo)]
        """,
    )
    async with environment.running() as (registry, dispatch):
        (mounted,) = registry.routes()
        assert (mounted.url, mounted.plugin) == ("/plugins/mine/echo/{word}", "mine")
        reply = await dispatch.answer(mounted, PluginRequest(VIEWER, {"word": "x"}, {"n": "1"}))
        assert reply.value == ["mine", "viewer", "x", "1"]


async def test_hook_template_dirs(plugin_app, environment, monkeypatch):
    package = environment.write(
        "mine",
        """
        async def page(context, request):
            return Page("page.html", {"word": "<hello>"})

        @hookimpl
        def routes():
            return [PluginRoute("GET", "", page)]

        @hookimpl
        def template_dirs():
            return [Path(__file__).parent]
        """,
    )
    (package / "page.html").write_text(
        '{% extends "base.html" %}{% block content %}{{ word }} {% include "mine/part.html" %}{% endblock %}'
    )
    (package / "part.html").write_text("part of {{ server_name }}")
    monkeypatch.syspath_prepend(str(package.parent))
    async with plugin_app("wylloh_mine") as app:
        html = await app.render(await app.get())
        assert "&lt;hello&gt; part of Wylloh" in html
        assert "<main" in html


async def test_hook_static_dirs(environment):
    package = environment.write("mine", "@hookimpl\ndef static_dirs():\n    return [Path(__file__).parent]\n")
    async with environment.running() as (registry, _):
        code_of(registry)
        assert registry.static_dirs() == {"mine": (package,)}


async def test_hook_cli_commands(environment):
    environment.write(
        "mine",
        """
        async def count(context, arguments):
            return f"{context.name} {list(arguments)}"

        @hookimpl
        def cli_commands():
            return [Command("count-it", "Count something.", count)]
        """,
    )
    async with environment.running() as (registry, _):
        code_of(registry)
        (command,) = registry.plugin("mine").declared.cli_commands
        context = registry.plugin("mine").context
        assert (command.name, await command.run(context, ["a"])) == ("count-it", "mine ['a']")


async def test_hook_lifespan(environment):
    environment.write(
        "mine",
        """
        done = []

        @hookimpl
        async def lifespan(context):
            done.append(f"start {context.name}")
            yield
            done.append("stop")
        """,
    )
    async with environment.running() as (registry, _):
        code = code_of(registry)
        assert code.done == ["start mine"]
    assert code.done == ["start mine", "stop"]


NOTES_EVERY_CALL = """
async def show(context, request):
    context.state.append("route")
    return Json(context.state)

async def plan(context, request):
    context.state.append("plan")
    return BatchPlan("Nothing.")

async def work(context, progress):
    context.state.append("task")
    return TaskResult("Done.")

async def command(context, arguments):
    context.state.append("command")
    return "Done."

@hookimpl
def routes():
    return [PluginRoute("GET", "", show)]

@hookimpl
def background_tasks():
    return [BackgroundTask("work", work)]

@hookimpl
def batch_actions():
    return [BatchAction("act", "Act", plan, "work")]

@hookimpl
def cli_commands():
    return [Command("do", "Do it.", command)]

@hookimpl
async def on_event(context, event):
    if isinstance(event, FilmAdded):
        context.state.append("event")

@hookimpl
async def nav_items(context):
    context.state.append("hook")
    return []

@hookimpl
async def lifespan(context):
    state = ["before", context.state]
    yield state
    state.append("closed")
"""
"""A plugin that notes in its state whatever is called."""


async def test_what_lifespan_yields_is_the_state_of_every_later_call(environment):
    environment.write("mine", NOTES_EVERY_CALL)
    async with environment.running() as (registry, dispatch):
        state = registry.plugin("mine").context.state
        assert state == ["before", None]
        await dispatch.nav_items(VIEWER)
        registry.publish(FilmAdded(FilmId("a"), "A"))
        await registry.settled()
        await environment.work.batch.plan(VIEWER, "mine", "act", [FILM.id], {})
        await environment.work.tasks.start("mine.work", "Work", {}, None)
        await environment.work.jobs.settled()
        plugin = registry.plugin("mine")
        (do,) = plugin.declared.cli_commands
        await plugin.call("do", do.run(plugin.context, []), None)
        (mounted,) = registry.routes()
        reply = await dispatch.answer(mounted, PluginRequest(VIEWER))
        assert reply.value is state
        assert state == ["before", None, "hook", "event", "plan", "task", "command", "route"]
    assert state[-1] == "closed"


async def test_without_lifespan_there_is_no_state(environment):
    environment.write("mine", "")
    async with environment.running() as (registry, _):
        assert registry.plugin("mine").context.state is None


async def test_hook_nav_items(environment):
    environment.write(
        "mine",
        """
        @hookimpl
        async def nav_items(viewer, context):
            return [NavItem(f"{context.name} {viewer.role if viewer else None}", "x", 5)]
        """,
    )
    async with environment.running() as (_, dispatch):
        for viewer, label in ((VIEWER, "mine viewer"), (None, "mine None")):
            (item,) = await dispatch.nav_items(viewer)
            assert (item.label, item.path, item.order) == (label, "/plugins/mine/x", 5)


async def test_hook_page_fragments(environment):
    environment.write(
        "mine",
        """
        @hookimpl
        async def page_fragments(slot, film, viewer):
            return [Fragment("a.html", {"given": (slot, film, viewer)})] if slot == Slot.FILM_TAGS else []
        """,
    )
    async with environment.running() as (_, dispatch):
        ((plugin, fragment),) = await dispatch.fragments("film.tags", FILM, VIEWER)
        assert (plugin, fragment.values["given"]) == ("mine", ("film.tags", FILM, VIEWER))
        assert await dispatch.fragments("film.actions", FILM, VIEWER) == []


async def test_hook_film_cards(environment):
    environment.write(
        "mine",
        """
        asked = []

        @hookimpl
        async def film_cards(films, viewer):
            asked.append(len(films))
            return [CardFragment(film.id, "a.html", {"for": viewer.role}) for film in films[:1]]
        """,
    )
    environment.write("wrong", "@hookimpl\nasync def film_cards():\n    return [Fragment('a.html')]\n")
    async with environment.running() as (registry, dispatch):
        films = sample_films()
        ((plugin, fragment),) = await dispatch.film_cards(films, VIEWER)
        assert (plugin, fragment.film, fragment.values["for"]) == ("mine", films[0].id, VIEWER.role)
        assert registry.plugin("mine").code.asked == [len(films)], "once for all of them"
        assert registry.plugin("wrong").errors == 1


async def test_hook_admin_notices(environment):
    environment.write(
        "mine",
        """
        @hookimpl
        async def admin_notices(context):
            return [f"{context.name} needs you."]
        """,
    )
    environment.write("wrong", "@hookimpl\nasync def admin_notices():\n    return [1]\n")
    async with environment.running() as (registry, dispatch):
        assert await dispatch.admin_notices() == [("mine", "mine needs you.")]
        assert "must return a list of str" in registry.plugin("wrong").last_error


async def test_hook_on_event(environment):
    environment.write(
        "mine",
        """
        heard = []

        @hookimpl
        async def on_event(context, event):
            heard.append((context.name, event))
        """,
    )
    async with environment.running() as (registry, _):
        registry.publish(FilmReady(FilmId("x")))
        await registry.settled()
        assert code_of(registry).heard == [("mine", FilmReady(FilmId("x")))]


async def test_hook_access_vote(environment):
    environment.write(
        "mine",
        """
        @hookimpl
        async def access_vote(context, request):
            return Vote(Verdict.DENY, f"{request.viewer.role} {request.film.title} {request.right}")
        """,
    )
    async with environment.running() as (_, dispatch):
        vote = (await dispatch.count_votes(AccessRequest(VIEWER, FILM, "personal"))).vote
        assert vote.sentence == "viewer Nosferatu personal"


async def test_hook_renew_proposal(environment):
    environment.write(
        "mine",
        """
        @hookimpl
        async def renew_proposal(context, viewer, recipe):
            if recipe["do"] == "keep":
                return None
            if recipe["do"] == "refuse":
                raise InvalidValue("Sold out.")
            if recipe["do"] == "fail":
                return 7
            call = ContractCall(viewer.wallet, "buy()")
            return Proposal(f"{context.name} {viewer.role}", ("You pay.",), (call,), "Yours.")
        """,
    )
    async with environment.running() as (registry, dispatch):
        renewed = await dispatch.renew("mine", VIEWER, {"do": "buy"})
        assert renewed.title == "mine viewer"
        assert await dispatch.renew("mine", VIEWER, {"do": "keep"}) is None
        assert await dispatch.renew("another", VIEWER, {"do": "buy"}) is None
        with pytest.raises(InvalidValue, match="Sold out"):
            await dispatch.renew("mine", VIEWER, {"do": "refuse"})
        code_of(registry)
        assert await dispatch.renew("mine", VIEWER, {"do": "fail"}) is None
        assert registry.records()[0].errors == 1


WORK = """
async def count(context, progress):
    await progress.update(1, 2, "Half way")
    return TaskResult(f"{context.name} counted {progress.arguments['films']}.", "/plugins/mine/")

async def plan(context, request):
    return BatchPlan(f"{len(request.films)} films are {request.values['how']} by {context.name}.")

async def fields(context, viewer):
    return [BatchField("how", "How", ("counted", f"counted for the {viewer.role}"))]

@hookimpl
def background_tasks():
    return [BackgroundTask("count", count)]
"""


async def test_hook_background_tasks(environment):
    environment.write("mine", WORK)
    async with environment.running() as (registry, _):
        code_of(registry)
        tasks = registry.plugin("mine").context.tasks
        started = await tasks.start("count", "Count two", {"films": 2}, VIEWER)
        await environment.work.jobs.settled()
        (task,) = await environment.work.tasks.all(VIEWER)
        assert (task.id, task.kind, task.title, task.state) == (started, "mine.count", "Count two", "done")
        assert (task.message, task.link, task.total) == ("mine counted 2.", "/plugins/mine/", 2)
        assert environment.published[-1].task == task


async def test_hook_batch_actions(environment):
    environment.write(
        "mine",
        WORK
        + """
@hookimpl
def batch_actions():
    return [BatchAction("count", "Count", plan, "count", fields), BatchAction("x", "X", plan, "count", role=Role.OWNER)]
        """,
    )
    async with environment.running() as (registry, _):
        code_of(registry)
        batch, films = environment.work.batch, [film.id for film in sample_films()]
        ((plugin, action),) = batch.offers.offered(VIEWER)
        assert (plugin, action.name, action.label) == ("mine", "count", "Count")
        (field,) = await batch.offers.fields("mine", "count", VIEWER)
        assert field.choices == ("counted", "counted for the viewer")
        plan = await batch.plan(VIEWER, "mine", "count", films, {"how": "counted"})
        assert (plan.sentence, plan.fix) == ("4 films are counted by mine.", "")
        await batch.run(VIEWER, "mine", "count", films, {"how": "counted"}, confirmed=plan.sentence)
        await environment.work.jobs.settled()
        (task,) = await environment.work.tasks.all(VIEWER)
        assert task.message == f"mine counted {films}."
        assert task.title == "Count: counted · 4 films"
