"""Running plugins are asked; each answers for itself."""

from __future__ import annotations

import asyncio
import re

import pytest

from wylloh_server.domain.errors import NotFound
from wylloh_server.domain.access import AccessRequest, Role, Verdict
from wylloh_server.domain.plugin_pages import Json, Page, PluginRequest, Redirect, ErrorReply
from wylloh_server.plugins import Limits
from wylloh_server.sdk.testing.samples import sample_films, sample_viewer

FILM = sample_films()[0]
VIEWER = sample_viewer(Role.VIEWER)
SHORT = Limits(answer=0.5, page=0.5)


def record_of(registry, name):
    (record,) = [record for record in registry.records() if record.name == name]
    return record


async def labels(dispatch):
    return [item.label for item in await dispatch.nav_items(VIEWER)]


BROKEN = [
    ("raise RuntimeError('boom')", "RuntimeError: boom"),
    ("raise SystemExit", "PluginError: tried to end the server"),
    ("raise asyncio.CancelledError", "PluginError: cancelled its own task"),
    ("await asyncio.Event().wait()", "TimeoutError: took longer than 0.5 s"),
    ("return 7", "PluginError: it must return a list of"),
    ("return ['x']", "PluginError: it must return a list of"),
    ("return None", "PluginError: it must return a list of"),
]


@pytest.mark.parametrize(("body", "error"), BROKEN)
async def test_a_broken_hook_costs_only_its_own_answer(environment, body, error):
    environment.write("bad", f"@hookimpl\nasync def nav_items():\n    {body}\n")
    environment.write("good", "@hookimpl\nasync def nav_items():\n    return [NavItem('Good')]\n")
    async with environment.running(limits=SHORT) as (registry, dispatch):
        assert await labels(dispatch) == ["Good"]
        assert await labels(dispatch) == ["Good"]
        bad = record_of(registry, "bad")
        assert (bad.status, bad.errors) == ("running", 2)
        assert bad.last_error.startswith(f"nav_items: {error}")


@pytest.mark.parametrize(("body", "error"), BROKEN)
async def test_a_broken_fragment_costs_only_itself(environment, body, error):
    environment.write("bad", f"@hookimpl\nasync def page_fragments():\n    {body}\n")
    environment.write(
        "good", "@hookimpl\nasync def page_fragments():\n    return [Fragment('a.html', {'x': 1})]\n"
    )
    async with environment.running(limits=SHORT) as (registry, dispatch):
        ((plugin, fragment),) = await dispatch.fragments("film.tags", FILM, VIEWER)
        assert (plugin, fragment.template, fragment.values) == ("good", "a.html", {"x": 1})
        assert record_of(registry, "bad").last_error.startswith(f"page_fragments: {error}")


async def test_a_hook_that_ignores_its_cancelling_keeps_nobody(environment):
    environment.write(
        "deaf",
        """
        over = asyncio.Event()

        @hookimpl
        async def nav_items():
            while not over.is_set():
                try:
                    await over.wait()
                except asyncio.CancelledError:
                    pass
            return []
        """,
    )
    async with environment.running(limits=SHORT) as (registry, dispatch):
        assert await labels(dispatch) == []
        plugin = registry.plugin("deaf")
        plugin.thread._loop.call_soon_threadsafe(plugin.code.over.set)


async def test_whoever_stops_waiting_cancels_the_plugin_too(environment):
    environment.write(
        "slow",
        """
        import threading
        begun, ended = threading.Event(), threading.Event()

        @hookimpl
        async def nav_items():
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()
        """,
    )
    async with environment.running() as (registry, dispatch):
        code = registry.plugin("slow").code
        asking = asyncio.create_task(dispatch.nav_items(VIEWER))
        assert await asyncio.to_thread(code.begun.wait, 10)
        asking.cancel()
        await asyncio.wait({asking})
        assert await asyncio.to_thread(code.ended.wait, 10)


async def test_a_page_may_take_longer_than_a_hook_that_everybody_waits_for(environment):
    environment.write(
        "slow",
        """
        async def page(context, request):
            await asyncio.sleep(1)
            return Json(1)

        @hookimpl
        def routes():
            return [PluginRoute("GET", "page", page, role=None)]

        @hookimpl
        async def nav_items():
            await asyncio.sleep(1)
            return [NavItem("Slow")]

        @hookimpl
        async def renew_proposal(recipe):
            await asyncio.sleep(1)
            raise NotFound("It is gone.")
        """,
    )
    async with environment.running(limits=Limits(answer=0.2, page=60)) as (registry, dispatch):
        assert await labels(dispatch) == []
        (mounted,) = registry.routes()
        assert await dispatch.answer(mounted, PluginRequest()) == Json(1)
        with pytest.raises(NotFound):
            await dispatch.renew("slow", VIEWER, {})


async def test_entries_come_in_order_with_their_whole_path(environment):
    environment.write(
        "b", "@hookimpl\nasync def nav_items():\n    return [NavItem('Late', 'x', 200), NavItem('Same')]\n"
    )
    environment.write(
        "a", "@hookimpl\nasync def nav_items():\n    return [NavItem('Also'), NavItem('Early', '', 1)]\n"
    )
    async with environment.running() as (_, dispatch):
        assert [(item.label, item.path) for item in await dispatch.nav_items(VIEWER)] == [
            ("Early", "/plugins/a/"),
            ("Also", "/plugins/a/"),
            ("Same", "/plugins/b/"),
            ("Late", "/plugins/b/x"),
        ]


def voter(body):
    return f"@hookimpl\nasync def access_vote(request):\n    {body}\n"


ALLOW = voter("return Vote(Verdict.ALLOW, 'come in')")
DENY = voter("return Vote(Verdict.DENY, 'not today')")
ABSTAIN = voter("return None")


@pytest.mark.parametrize(
    ("votes", "verdict", "sentence", "plugins"),
    [
        ([], "abstain", "", ()),
        ([ABSTAIN], "abstain", "", ()),
        ([ABSTAIN, ALLOW], "allow", "come in", ("p1",)),
        ([ALLOW, DENY, ABSTAIN], "deny", "not today", ("p1",)),
        ([DENY, ALLOW, DENY], "deny", "not today", ("p0", "p2")),
    ],
)
async def test_deny_beats_allow_beats_abstain(environment, votes, verdict, sentence, plugins):
    for number, source in enumerate(votes):
        environment.write(f"p{number}", source)
    async with environment.running() as (_, dispatch):
        result = await dispatch.count_votes(AccessRequest(VIEWER, FILM, "personal"))
        assert (result.vote.verdict, result.vote.sentence) == (verdict, sentence)
        assert sorted(result.plugins) == list(plugins)


@pytest.mark.parametrize(
    "body",
    [
        "raise RuntimeError('boom')",
        "raise asyncio.CancelledError",
        "await asyncio.Event().wait()",
        "return True",
        "return Verdict.ALLOW",
    ],
)
async def test_a_vote_that_fails_is_a_denial(environment, body):
    environment.write("allowing", ALLOW)
    environment.write("bad", voter(body))
    async with environment.running(limits=SHORT) as (registry, dispatch):
        vote = (await dispatch.count_votes(AccessRequest(VIEWER, FILM, "personal"))).vote
        assert vote.verdict is Verdict.DENY
        assert vote.sentence.startswith("The plugin bad could not say whether you may watch this.")
        assert record_of(registry, "bad").last_error.startswith("access_vote: ")


NEVER_STARTS = "@hookimpl\nasync def lifespan():\n    raise RuntimeError\n    yield\n"


@pytest.mark.parametrize(
    "source",
    [
        ALLOW + NEVER_STARTS,
        ALLOW + "@hookimpl\ndef settings():\n    raise RuntimeError\n",
        ALLOW + "WYLLOH_SDK = '99.0'\n",
        ALLOW + "import no_such_module\n",
        ALLOW + "(",
    ],
)
async def test_a_plugin_with_a_vote_that_did_not_start_opens_nothing(environment, source):
    environment.write("bad", source)
    environment.write("allowing", ALLOW)
    async with environment.running() as (registry, dispatch):
        result = await dispatch.count_votes(AccessRequest(VIEWER, FILM, "personal"))
        assert record_of(registry, "bad").status == "failed"
        assert (result.vote.verdict, result.plugins, result.failed) == (Verdict.DENY, ("bad",), True)
        assert result.vote.sentence.startswith("The plugin bad has a say in who may watch")
        await registry.disable("bad", "Off.")
        assert (
            await dispatch.count_votes(AccessRequest(VIEWER, FILM, "personal"))
        ).vote.sentence == "come in"


@pytest.mark.parametrize("off", [{"disabled": ["bad"]}, {}])
async def test_a_disabled_plugin_and_one_without_a_vote_keep_nobody_out(environment, off):
    environment.write("bad", (ALLOW if off else "") + NEVER_STARTS)
    async with environment.running(**off) as (_, dispatch):
        vote = (await dispatch.count_votes(AccessRequest(VIEWER, FILM, "personal"))).vote
        assert vote.verdict is Verdict.ABSTAIN


async def test_a_real_denial_comes_before_one_for_want_of_a_vote(environment):
    environment.write("denying", DENY)
    environment.write("bad", ALLOW + NEVER_STARTS)
    async with environment.running() as (_, dispatch):
        result = await dispatch.count_votes(AccessRequest(VIEWER, FILM, "personal"))
        assert (result.vote.sentence, result.plugins, result.failed) == ("not today", ("denying",), False)


def route(body, method="GET", role="Role.VIEWER"):
    return (
        f"async def answer(context, request):\n    {body}\n"
        f"@hookimpl\ndef routes():\n    return [PluginRoute('{method}', 'x', answer, {role})]\n"
    )


async def ask(environment, source, viewer=VIEWER, **request):
    environment.write("mine", source)
    async with environment.running(limits=SHORT) as (registry, dispatch):
        (mounted,) = registry.routes()
        assert mounted.url == "/plugins/mine/x"
        return await dispatch.answer(mounted, PluginRequest(viewer, **request)), record_of(registry, "mine")


@pytest.mark.parametrize(
    ("body", "reply"),
    [
        ("return Page('a.html', {'n': 1}, 201)", Page("a.html", {"n": 1}, 201)),
        ("return Json({'n': 1})", Json({"n": 1})),
        ("return Redirect('/')", Redirect("/")),
        ("return ErrorReply(409, 'Not now.', 'Later.')", ErrorReply(409, "Not now.", "Later.")),
        (
            "raise InvalidValue('Too long.', fix='Shorten it.')",
            ErrorReply(400, "Too long.", "Shorten it."),
        ),
        ("raise AccessRefused('Not yours.')", ErrorReply(403, "Not yours.")),
        ("raise NotFound('Gone.')", ErrorReply(404, "Gone.")),
        ("raise ChainError('No chain.', fix='Wait.')", ErrorReply(503, "No chain.", "Wait.")),
    ],
)
async def test_a_route_answers(environment, body, reply):
    answer, record = await ask(environment, route(body))
    assert answer == reply
    assert record.errors == 0


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ("raise RuntimeError('boom')", 500, "RuntimeError: boom"),
        ("raise PluginError('boom')", 500, "PluginError: boom"),
        ("raise SystemExit", 500, "PluginError: tried to end the server"),
        ("raise asyncio.CancelledError", 500, "PluginError: cancelled its own task"),
        (
            "return None",
            500,
            "PluginError: a route must return a Reply, not NoneType",
        ),
        ("return Redirect('//elsewhere.example')", 400, ""),
        ("await asyncio.Event().wait()", 504, "TimeoutError: took longer than 0.5 s"),
    ],
)
async def test_a_broken_route_is_a_sentence(environment, body, status, error):
    answer, record = await ask(environment, route(body))
    assert isinstance(answer, ErrorReply)
    assert answer.status == status
    assert answer.sentence
    assert "boom" not in answer.sentence
    where = re.escape(f"GET /plugins/mine/x: {error}") if error else ""
    assert re.fullmatch(
        rf"{where}( \(wylloh_mine/__init__.py:\d+\)| at wylloh_mine/__init__.py:\d+)?", record.last_error
    )
    assert record.status == "running"


@pytest.mark.parametrize(
    ("role", "viewer", "status"),
    [
        ("Role.VIEWER", None, 401),
        ("Role.ADMIN", sample_viewer(Role.PUBLISHER), 403),
        ("Role.ADMIN", sample_viewer(Role.OWNER), None),
        ("None", None, None),
    ],
)
async def test_a_route_asks_who_is_asking(environment, role, viewer, status):
    answer, _ = await ask(environment, route("return Json(1)", role=role), viewer)
    assert getattr(answer, "status", None) == (status or 200)


async def test_routes_of_a_plugin_that_did_not_start_say_so(environment):
    answer, _ = await ask(
        environment,
        route("return Json(1)") + "@hookimpl\nasync def lifespan():\n    raise RuntimeError\n    yield\n",
    )
    assert (answer.status, answer.sentence) == (503, "The plugin mine is not running.")


async def test_a_failure_elsewhere_is_counted_on_the_record(environment):
    environment.write("mine", "")
    async with environment.running() as (registry, dispatch):
        dispatch.report("mine", "the fragment a.html", ValueError("boom"))
        dispatch.report("nobody", "x", ValueError())
        assert record_of(registry, "mine").last_error == "the fragment a.html: ValueError: boom"
