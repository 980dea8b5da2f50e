"""Running plugins are asked; each answers for itself."""

from __future__ import annotations

import asyncio

import pytest

from wylloh_server.domain.access import AccessRequest, Role, Verdict
from wylloh_server.hooks import Json, Limits, Page, PluginRequest, Redirect, Refusal
from wylloh_server.testing._samples import sample_films, sample_viewer

FILM = sample_films()[0]
VIEWER = sample_viewer(Role.VIEWER)
SHORT = Limits(answer=0.5)


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
    ("return 7", "PluginError: must return a list of"),
    ("return ['x']", "PluginError: must return a list of"),
    ("return None", "PluginError: must return a list of"),
]


@pytest.mark.parametrize(("body", "error"), BROKEN)
async def test_a_broken_hook_costs_only_its_own_answer(house, body, error):
    house.write("bad", f"@hookimpl\nasync def nav_items():\n    {body}\n")
    house.write("good", "@hookimpl\nasync def nav_items():\n    return [NavItem('Good')]\n")
    async with house.running(limits=SHORT) as (registry, dispatch):
        assert await labels(dispatch) == ["Good"]
        assert await labels(dispatch) == ["Good"]
        bad = record_of(registry, "bad")
        assert (bad.status, bad.errors) == ("running", 2)
        assert bad.last_error.startswith(f"nav_items: {error}")


@pytest.mark.parametrize(("body", "error"), BROKEN)
async def test_a_broken_fragment_costs_only_itself(house, body, error):
    house.write("bad", f"@hookimpl\nasync def page_fragments():\n    {body}\n")
    house.write("good", "@hookimpl\nasync def page_fragments():\n    return [Fragment('a.html', {'x': 1})]\n")
    async with house.running(limits=SHORT) as (registry, dispatch):
        ((plugin, fragment),) = await dispatch.fragments("film.tags", FILM, VIEWER)
        assert (plugin, fragment.template, fragment.values) == ("good", "a.html", {"x": 1})
        assert record_of(registry, "bad").last_error.startswith(f"page_fragments: {error}")


async def test_a_hook_that_ignores_its_cancelling_keeps_nobody(house):
    house.write(
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
    async with house.running(limits=SHORT) as (registry, dispatch):
        assert await labels(dispatch) == []
        plugin = registry.plugin("deaf")
        plugin.thread._loop.call_soon_threadsafe(plugin.code.over.set)


async def test_whoever_stops_waiting_cancels_the_plugin_too(house):
    house.write(
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
    async with house.running() as (registry, dispatch):
        code = registry.plugin("slow").code
        asking = asyncio.create_task(dispatch.nav_items(VIEWER))
        assert await asyncio.to_thread(code.begun.wait, 10)
        asking.cancel()
        await asyncio.wait({asking})
        assert await asyncio.to_thread(code.ended.wait, 10)


async def test_entries_come_in_order_with_their_whole_path(house):
    house.write(
        "b", "@hookimpl\nasync def nav_items():\n    return [NavItem('Late', 'x', 200), NavItem('Same')]\n"
    )
    house.write(
        "a", "@hookimpl\nasync def nav_items():\n    return [NavItem('Also'), NavItem('Early', '', 1)]\n"
    )
    async with house.running() as (_, dispatch):
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
async def test_deny_beats_allow_beats_abstain(house, votes, verdict, sentence, plugins):
    for number, source in enumerate(votes):
        house.write(f"p{number}", source)
    async with house.running() as (_, dispatch):
        ballot = await dispatch.ballot(AccessRequest(VIEWER, FILM, "personal"))
        assert (ballot.vote.verdict, ballot.vote.sentence) == (verdict, sentence)
        assert sorted(ballot.plugins) == list(plugins)
        assert await dispatch.access_vote(AccessRequest(VIEWER, FILM, "personal")) == ballot.vote


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
async def test_a_vote_that_fails_is_a_denial(house, body):
    house.write("allowing", ALLOW)
    house.write("bad", voter(body))
    async with house.running(limits=SHORT) as (registry, dispatch):
        vote = await dispatch.access_vote(AccessRequest(VIEWER, FILM, "personal"))
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
async def test_a_plugin_with_a_vote_that_did_not_start_opens_nothing(house, source):
    house.write("bad", source)
    house.write("allowing", ALLOW)
    async with house.running() as (registry, dispatch):
        ballot = await dispatch.ballot(AccessRequest(VIEWER, FILM, "personal"))
        assert record_of(registry, "bad").status == "failed"
        assert (ballot.vote.verdict, ballot.plugins, ballot.failed) == (Verdict.DENY, ("bad",), True)
        assert ballot.vote.sentence.startswith("The plugin bad has a say in who may watch")
        registry.switch_off("bad")
        assert (await dispatch.access_vote(AccessRequest(VIEWER, FILM, "personal"))).sentence == "come in"


@pytest.mark.parametrize("off", [{"disabled": ["bad"]}, {}])
async def test_a_disabled_plugin_and_one_without_a_vote_keep_nobody_out(house, off):
    house.write("bad", (ALLOW if off else "") + NEVER_STARTS)
    async with house.running(**off) as (_, dispatch):
        vote = await dispatch.access_vote(AccessRequest(VIEWER, FILM, "personal"))
        assert vote.verdict is Verdict.ABSTAIN


async def test_a_real_denial_comes_before_one_for_want_of_a_vote(house):
    house.write("denying", DENY)
    house.write("bad", ALLOW + NEVER_STARTS)
    async with house.running() as (_, dispatch):
        ballot = await dispatch.ballot(AccessRequest(VIEWER, FILM, "personal"))
        assert (ballot.vote.sentence, ballot.plugins, ballot.failed) == ("not today", ("denying",), False)


def route(body, method="GET", role="Role.VIEWER"):
    return (
        f"async def answer(context, request):\n    {body}\n"
        f"@hookimpl\ndef routes():\n    return [Route('{method}', 'x', answer, {role})]\n"
    )


async def ask(house, source, viewer=VIEWER, **request):
    house.write("mine", source)
    async with house.running(limits=SHORT) as (registry, dispatch):
        (mounted,) = registry.routes()
        assert mounted.url == "/plugins/mine/x"
        return await dispatch.answer(mounted, PluginRequest(viewer, **request)), record_of(registry, "mine")


@pytest.mark.parametrize(
    ("body", "reply"),
    [
        ("return Page('a.html', {'n': 1}, 201)", Page("a.html", {"n": 1}, 201)),
        ("return Json({'n': 1})", Json({"n": 1})),
        ("return Redirect('/')", Redirect("/")),
        ("return Refusal(409, 'Not now.', 'Later.')", Refusal(409, "Not now.", "Later.")),
        ("raise InvalidValue('Too long.', fix='Shorten it.')", Refusal(400, "Too long.", "Shorten it.")),
        ("raise AccessRefused('Not yours.')", Refusal(403, "Not yours.")),
        ("raise NotFound('Gone.')", Refusal(404, "Gone.")),
        ("raise ChainError('No chain.', fix='Wait.')", Refusal(503, "No chain.", "Wait.")),
    ],
)
async def test_a_route_answers(house, body, reply):
    answer, record = await ask(house, route(body))
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
async def test_a_broken_route_is_a_sentence(house, body, status, error):
    answer, record = await ask(house, route(body))
    assert isinstance(answer, Refusal)
    assert answer.status == status
    assert answer.sentence
    assert "boom" not in answer.sentence
    assert record.last_error == (f"GET /plugins/mine/x: {error}" if error else "")
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
async def test_a_route_asks_who_is_asking(house, role, viewer, status):
    answer, _ = await ask(house, route("return Json(1)", role=role), viewer)
    assert getattr(answer, "status", None) == (status or 200)


async def test_routes_of_a_plugin_that_did_not_start_say_so(house):
    answer, _ = await ask(
        house,
        route("return Json(1)") + "@hookimpl\nasync def lifespan():\n    raise RuntimeError\n    yield\n",
    )
    assert (answer.status, answer.sentence) == (503, "The plugin mine is not running.")


async def test_a_failure_elsewhere_is_counted_on_the_record(house):
    house.write("mine", "")
    async with house.running() as (registry, dispatch):
        dispatch.report("mine", "the fragment a.html", ValueError("boom"))
        dispatch.report("nobody", "x", ValueError())
        assert record_of(registry, "mine").last_error == "the fragment a.html: ValueError: boom"
