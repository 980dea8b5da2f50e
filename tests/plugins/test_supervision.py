"""A plugin that raises, hangs, floods or leaks is stopped and says why; the server and the others go on."""

from __future__ import annotations

import asyncio
import re
import textwrap

import pytest

from wylloh_server.domain.access import AccessRequest, Role, Verdict
from wylloh_server.domain.errors import (
    ChainError,
    ChainUnavailable,
    InvalidValue,
    NotFound,
    StorageError,
    StoreFull,
)
from wylloh_server.domain.events import FilmReady
from wylloh_server.domain.types import FilmId
from wylloh_server.plugins import Limits
from wylloh_server.plugins.guarded_call import CallTimeout, PluginBusy
from wylloh_server.domain.plugin_pages import PluginRequest
from wylloh_server.sdk.testing.samples import sample_films, sample_viewer

FILM = sample_films()[0]
VIEWER = sample_viewer(Role.VIEWER)
EVENT = FilmReady(FilmId("x"))
QUICK = Limits(answer=0.3, page=0.3, load=1, start=0.3, event=0.3, stop=0.3, hang=0.2, failures=3)
GOOD = "@hookimpl\nasync def nav_items():\n    return [NavItem('Good')]\n"
BLOCK = "import time; time.sleep(3)"


def record_of(registry, name):
    (record,) = [record for record in registry.records() if record.name == name]
    return record


async def stopped(registry, name):
    """Wait until a plugin is stopped and put away."""
    async with asyncio.timeout(10):
        while registry.plugin(name).status != "stopped":
            await asyncio.sleep(0.02)
        await registry.plugin(name).stopping
    return record_of(registry, name).reason


async def started_again(registry, name):
    """Wait until a plugin that hung runs again."""
    async with asyncio.timeout(10):
        while registry.plugin(name).stopping is None:
            await asyncio.sleep(0.02)
        await registry.plugin(name).stopping
    assert registry.plugin(name).status == "running"
    return record_of(registry, name)


async def labels(dispatch):
    return [item.label for item in await dispatch.nav_items(VIEWER)]


def hook(name, body):
    return f"@hookimpl\nasync def {name}():\n{textwrap.indent(body, '    ')}\n"


async def test_a_hook_that_fails_again_and_again_is_closed_and_nothing_else_of_its_plugin(environment):
    environment.write(
        "bad", hook("nav_items", "raise RuntimeError('boom')") + hook("admin_notices", "return ['Hear me.']")
    )
    environment.write("good", GOOD)
    async with environment.running(limits=QUICK) as (registry, dispatch):
        for _ in range(2):
            assert await labels(dispatch) == ["Good"]
            assert record_of(registry, "bad").status == "running"
        assert await labels(dispatch) == ["Good"]
        assert await labels(dispatch) == ["Good"]
        record = record_of(registry, "bad")
        assert (record.status, record.errors, record.closed) == ("running", 3, ("nav_items",))
        assert await dispatch.admin_notices() == [("bad", "Hear me.")]


BADLY_GUARDED = """
async def keep(context, request):
    raise KeyError(request.query["film"])

async def other(context, request):
    return Json("fine")

@hookimpl
def routes():
    return [PluginRoute("POST", "set", keep), PluginRoute("GET", "other", other)]

@hookimpl
async def access_vote():
    return Vote(Verdict.ALLOW, "come in")
"""


async def test_twenty_bad_posts_of_a_viewer_close_one_route_and_never_the_vote(environment):
    environment.write("lock", BADLY_GUARDED)
    async with environment.running() as (registry, dispatch):
        bad, other = registry.routes()
        request = PluginRequest(VIEWER, query={"film": "x"})
        statuses = [(await dispatch.answer(bad, request)).status for _ in range(25)]
        assert statuses == [500] * 20 + [503] * 5
        assert (await dispatch.answer(other, request)).value == "fine"
        assert (
            await dispatch.count_votes(AccessRequest(VIEWER, FILM, "personal"))
        ).vote.sentence == "come in"
        record = record_of(registry, "lock")
        assert (record.status, record.closed) == ("running", ("POST /plugins/lock/set",))
        assert record.last_error == ("POST /plugins/lock/set: KeyError: 'x' (wylloh_lock/__init__.py:8)"), (
            "with file and line"
        )


async def test_errors_of_tasks_of_its_own_never_take_the_vote_away(environment):
    environment.write(
        "lock",
        """
        async def own():
            raise RuntimeError

        @hookimpl
        async def access_vote():
            asyncio.create_task(own())
            return Vote(Verdict.ALLOW, "come in")
        """,
    )
    async with environment.running(limits=QUICK) as (_, dispatch):
        for _ in range(6):
            result = await dispatch.count_votes(AccessRequest(VIEWER, FILM, "personal"))
            assert result.vote.sentence == "come in"


@pytest.mark.parametrize("error", [ChainUnavailable, StorageError, StoreFull, CallTimeout, PluginBusy])
async def test_what_the_world_did_does_not_count(environment, error):
    environment.write("bad", "")
    async with environment.running(limits=QUICK) as (registry, _):
        for _ in range(10):
            registry.plugin("bad").record_failure("nav_items", error("no"))
        assert (record_of(registry, "bad").errors, record_of(registry, "bad").closed) == (10, ())
        for _ in range(3):
            registry.plugin("bad").record_failure("nav_items", TimeoutError())
        assert record_of(registry, "bad").closed == ("nav_items",)


@pytest.mark.parametrize("error", [ChainError, "asyncio.TimeoutError"])
async def test_what_the_world_did_to_it_is_not_held_against_it(environment, error):
    theirs = error is ChainError
    environment.write(
        "bad", hook("nav_items", "raise ChainError('no answer')" if theirs else "raise TimeoutError")
    )
    async with environment.running(limits=QUICK) as (registry, dispatch):
        for _ in range(4):
            await labels(dispatch)
        assert record_of(registry, "bad").errors == (4 if theirs else 3)
        assert record_of(registry, "bad").closed == (() if theirs else ("nav_items",))


async def test_waiting_for_the_server_is_not_held_against_it(environment):
    environment.write(
        "slow",
        """
        @hookimpl
        async def nav_items(context):
            await asyncio.gather(context.library.films(None), asyncio.sleep(0))
            return []
        """,
    )
    async with environment.running(limits=QUICK) as (registry, dispatch):

        async def never(viewer):
            await asyncio.Event().wait()

        plugin = registry.plugin("slow")
        plugin.context.library._target.films = never
        for _ in range(4):
            await labels(dispatch)
        assert (plugin.status, plugin.errors) == ("running", 4)
        assert plugin.last_error.startswith(
            "nav_items: CallTimeout: took longer than 0.3 s, waiting for the server at wylloh_slow/__init__.py:"
        )


HANGING = {
    "a hook": (hook("nav_items", BLOCK), "nav_items"),
    "a listener": (f"@hookimpl\nasync def on_event(event):\n    {BLOCK}\n", "on_event(FilmReady)"),
    "a hook that ignores its cancellation": (
        hook(
            "nav_items",
            "for _ in range(20):\n    try:\n        await asyncio.sleep(0.1)\n"
            "    except asyncio.CancelledError:\n        pass",
        ),
        "nav_items",
    ),
    "a hook that counts for ever": (hook("nav_items", "while True: pass"), "nav_items"),
}


@pytest.mark.parametrize("what", HANGING)
async def test_what_hangs_is_closed_and_its_plugin_goes_on(environment, what):
    source, where = HANGING[what]
    environment.write("bad", source + hook("admin_notices", "return ['Hear me.']"))
    environment.write("good", GOOD)
    async with environment.running(limits=QUICK) as (registry, dispatch):
        registry.publish(EVENT)
        assert await labels(dispatch) == ["Good"]
        record = await started_again(registry, "bad")
        assert re.fullmatch(
            rf"It hangs: {re.escape(where)} at wylloh_bad/__init__.py:\d+ took too long and did not end when "
            "it was cancelled. That is closed for a while, and the plugin was started again.",
            record.last_error,
        )
        assert record.closed == (where,)
        assert await labels(dispatch) == ["Good"]
        assert await dispatch.admin_notices() == [("bad", "Hear me.")]
        assert registry.plugin("bad").status == "running"


async def test_a_task_of_its_own_that_hangs_stops_a_plugin(environment):
    environment.write(
        "bad",
        f"""
        import time

        async def own():
            await asyncio.sleep(0.1)
            time.sleep(3)

        @hookimpl
        async def lifespan():
            task = asyncio.create_task(own())
            yield

        @hookimpl
        async def nav_items():
            return [NavItem("Bad")]
        """,
    )
    async with environment.running(limits=QUICK) as (registry, dispatch):
        async with asyncio.timeout(10):
            while await labels(dispatch):
                await asyncio.sleep(0.05)
        assert "a task of its own" in await stopped(registry, "bad")


LOCK_WITH_A_PAGE = """
import time

async def page(context, request):
    time.sleep(3)

async def other(context, request):
    return Json(context.state)

@hookimpl
async def lifespan():
    yield "ready"

@hookimpl
def routes():
    return [PluginRoute("POST", "set", page), PluginRoute("GET", "other", other)]

@hookimpl
async def access_vote():
    return Vote(Verdict.ALLOW, "come in")
"""


async def test_a_viewer_who_makes_a_route_hang_closes_that_route_and_never_the_vote(environment):
    environment.write("lock", LOCK_WITH_A_PAGE)
    async with environment.running(limits=QUICK) as (registry, dispatch):
        bad, other = registry.routes()
        request = AccessRequest(VIEWER, FILM, "personal")
        posts = [dispatch.answer(bad, PluginRequest(VIEWER)) for _ in range(5)]
        answers, *votes = await asyncio.gather(
            asyncio.gather(*posts), *(dispatch.count_votes(request) for _ in range(5))
        )
        assert {answer.status for answer in answers} <= {503, 504}
        assert {vote.failed for vote in votes} == {True}, "nobody gets in while it cannot be asked"
        record = await started_again(registry, "lock")
        assert record.closed == ("POST /plugins/lock/set",)
        assert (await dispatch.count_votes(request)).vote.sentence == "come in"
        assert (await dispatch.answer(other, PluginRequest(VIEWER))).value == "ready", "lifespan began again"
        assert (await dispatch.answer(bad, PluginRequest(VIEWER))).status == 503
    assert registry.plugin("lock").thread is None, "and it is stopped with the server"


async def test_nobody_waits_twice_for_a_plugin_that_is_blocked(environment):
    environment.write("bad", hook("nav_items", BLOCK))
    async with environment.running(limits=Limits(answer=0.3, hang=30, stop=0.1)) as (registry, dispatch):
        await labels(dispatch)
        assert record_of(registry, "bad").last_error.startswith(
            "nav_items: TimeoutError: took longer than 0.3 s at wylloh_bad/__init__.py:"
        )
        await labels(dispatch)
        assert record_of(registry, "bad").last_error == (
            "nav_items: PluginBusy: is still busy with something else"
        )
        assert record_of(registry, "bad").status == "running"


async def test_a_plugin_that_comes_back_in_time_goes_on(environment):
    environment.write(
        "slow", "import time\n" + hook("nav_items", "time.sleep(0.6)\nreturn [NavItem('Slow')]")
    )
    async with environment.running(limits=Limits(answer=0.3, hang=5)) as (registry, dispatch):
        assert await labels(dispatch) == []
        async with asyncio.timeout(10):
            while registry.plugin("slow").thread.blocked:
                await asyncio.sleep(0.02)
        assert record_of(registry, "slow").status == "running"
        assert record_of(registry, "slow").errors == 1


ROUTE = """
import time

async def page(context, request):
    time.sleep(3)

@hookimpl
def routes():
    return [PluginRoute("GET", "page", page, None)]
"""


async def test_routes_of_a_stopped_plugin_say_so(environment):
    environment.write("bad", ROUTE)
    async with environment.running(limits=QUICK) as (registry, dispatch):
        (mounted,) = registry.routes()
        registry.plugin("bad").stop("It flooded the server.")
        await stopped(registry, "bad")
        refusal = await dispatch.answer(mounted, PluginRequest())
        assert (refusal.status, refusal.sentence) == (
            503,
            "The plugin bad was stopped because it misbehaved.",
        )


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (BLOCK, "It could not be loaded: TimeoutError: took longer than 1 s"),
        (
            f"@hookimpl\ndef routes():\n    {BLOCK}",
            "It could not be loaded: TimeoutError: took longer than 1 s",
        ),
        (
            f"@hookimpl\nasync def lifespan():\n    {BLOCK}\n    yield",
            "It could not start: TimeoutError: took longer than 0.3 s",
        ),
    ],
)
async def test_a_plugin_that_hangs_while_it_comes_up_does_not_start(environment, source, reason):
    environment.write("bad", source)
    environment.write("good", GOOD)
    async with environment.running(limits=QUICK) as (registry, dispatch):
        assert record_of(registry, "bad").status == "failed"
        assert record_of(registry, "bad").reason.startswith(f"{reason} at wylloh_bad/__init__.py:")
        assert await labels(dispatch) == ["Good"]


async def test_stopping_the_server_waits_for_no_plugin(environment):
    environment.write("bad", f"@hookimpl\nasync def lifespan():\n    yield\n    {BLOCK}\n")
    async with environment.running(limits=QUICK) as (registry, _):
        assert record_of(registry, "bad").status == "running"
    assert record_of(registry, "bad").last_error.startswith("lifespan: TimeoutError: took longer than 0.3 s")


TELLING = """
@dataclass(frozen=True)
class Told(Event):
    \"\"\"Told.\"\"\"

@hookimpl
def event_types():
    return [Told]
"""


async def test_a_flood_of_events_stops_a_plugin(environment):
    environment.write(
        "bad",
        TELLING + hook("nav_items", "return []") + "@hookimpl\nasync def lifespan(context):\n"
        "    async def flood():\n        while True:\n            context.emit(Told())\n"
        "            await asyncio.sleep(0)\n    task = asyncio.create_task(flood())\n    yield\n",
    )
    environment.write("good", GOOD)
    async with environment.running(limits=Limits(emitted=2000, stop=0.3)) as (registry, dispatch):
        assert await stopped(registry, "bad") == "It emitted more than 2,000 events within a minute."
        told = len(environment.published)
        assert told <= 2000
        assert await labels(dispatch) == ["Good"]
        assert len(environment.published) == told, "and nothing is told any more"


async def test_a_flood_while_a_plugin_starts_stops_it_too(environment):
    environment.write(
        "bad",
        TELLING + "@hookimpl\nasync def lifespan(context):\n"
        "    for _ in range(30):\n        context.emit(Told())\n    await asyncio.sleep(0.1)\n    yield\n",
    )
    async with environment.running(limits=Limits(emitted=20, stop=0.3)) as (registry, _):
        assert await stopped(registry, "bad") == "It emitted more than 20 events within a minute."


async def test_a_listener_that_misses_too_much_is_stopped(environment):
    environment.write("bad", "@hookimpl\nasync def on_event(event):\n    await asyncio.Event().wait()\n")
    environment.write("good", GOOD)
    limits = Limits(queue=5, missed=20, stop=0.3)
    async with environment.running(limits=limits) as (registry, dispatch):
        for _ in range(20):
            registry.publish(EVENT)
            await asyncio.sleep(0)
        assert record_of(registry, "bad").status == "running"
        for _ in range(10):
            registry.publish(EVENT)
        reason = await stopped(registry, "bad")
        assert reason == "Its queue flooded: 21 events were dropped while it handled a single one."
        assert await labels(dispatch) == ["Good"]


VOTING = """
@hookimpl
async def access_vote():
    return Vote(Verdict.ALLOW, "come in")
"""


async def test_a_stopped_plugin_with_a_vote_opens_nothing_until_it_runs_again_or_is_off(environment):
    environment.write("lock", VOTING)
    request = AccessRequest(VIEWER, FILM, "personal")
    async with environment.running(limits=QUICK) as (registry, dispatch):
        registry.plugin("lock").stop("It flooded the server.")
        await stopped(registry, "lock")
        result = await dispatch.count_votes(request)
        assert (result.vote.verdict, result.plugins, result.failed) == (Verdict.DENY, ("lock",), True)
        assert "lock has a say in who may watch, and it is not running" in result.vote.sentence

        assert (await registry.disable("lock", "Off.")).status == "disabled"
        assert (await dispatch.count_votes(request)).vote.verdict is Verdict.ABSTAIN
        with pytest.raises(InvalidValue, match="lock is disabled"):
            await registry.disable("lock", "Off.")

    environment.forget()
    async with environment.running(limits=QUICK) as (registry, dispatch):
        registry.plugin("lock").stop("It flooded the server.")
        await stopped(registry, "lock")
        assert (await registry.restart("lock")).status == "running"
        assert (await dispatch.count_votes(request)).vote.sentence == "come in"


async def test_a_vote_that_fails_again_and_again_is_a_denial_and_not_asked_any_more(environment):
    environment.write("lock", "@hookimpl\nasync def access_vote():\n    raise RuntimeError\n")
    async with environment.running(limits=QUICK) as (registry, dispatch):
        for _ in range(5):
            result = await dispatch.count_votes(AccessRequest(VIEWER, FILM, "personal"))
            assert (result.vote.verdict, result.failed) == (Verdict.DENY, True)
        assert record_of(registry, "lock").errors == 3


FRESH = """
async def page(context, request):
    return Json("{word}")

@hookimpl
def routes():
    return [PluginRoute("GET", "page", page, None)]

@hookimpl
async def access_vote():
    return Vote(Verdict.ALLOW, "{word}")
"""


async def word(registry, dispatch):
    (mounted,) = registry.routes()
    vote = (await dispatch.count_votes(AccessRequest(VIEWER, FILM, "personal"))).vote
    assert (await dispatch.answer(mounted, PluginRequest())).value == vote.sentence
    return vote.sentence


async def test_a_running_plugin_is_loaded_again_and_what_cannot_be_loaded_replaces_nothing(environment):
    file = environment.write("mine", FRESH.format(word="first")) / "__init__.py"
    async with environment.running(limits=QUICK) as (registry, dispatch):
        head = file.read_text().partition("async def")[0]
        file.write_text(head + FRESH.format(word="second version"))
        assert (await registry.restart("mine")).status == "running"
        assert await word(registry, dispatch) == "second version"
        broken = {
            "oops": "NameError: name 'oops' is not defined (wylloh_mine/__init__.py:7)",
            "@hookimpl\nasync def lifespan():\n    raise ValueError('no')\n    yield": "ValueError: no",
        }
        for source, reason in broken.items():
            file.write_text(f"{head}{source}\n{FRESH.format(word='third')}")
            with pytest.raises(InvalidValue, match=f"mine goes on as it was: .*{re.escape(reason)}"):
                await registry.restart("mine")
            assert await word(registry, dispatch) == "second version"
            record = record_of(registry, "mine")
            assert (record.status, record.errors, record.last_error) == ("running", 0, "")
            assert record.not_taken.startswith("mine goes on as it was: its new code was not taken. ")
            assert reason in record.not_taken
            assert record.troubles() == [record.not_taken]
        file.write_text(head + FRESH.format(word="fourth"))
        await registry.restart("mine")
        with pytest.raises(InvalidValue, match="its new settings were not taken"):
            await registry.restart("mine", {"loud": True})
        assert record_of(registry, "mine").troubles() == [], "who sent settings was told"


MIGRATED = """
from sqlalchemy import Column, Integer, MetaData, Table
from sqlalchemy.schema import CreateTable
@hookimpl
def migrations():
    return [Migration(f"000{step}", [CreateTable(Table(f"plugin_mine_{step}", MetaData(), Column("a", Integer)))]) for step in STEPS]
"""
NO_START = "@hookimpl\nasync def lifespan():\n    raise ValueError('no')\n    yield\n"


async def test_new_code_that_migrates_and_does_not_start_leaves_the_old_running(environment):
    file = environment.write("mine", "STEPS = [1]\n" + MIGRATED + FRESH.format(word="first")) / "__init__.py"
    async with environment.running(limits=QUICK) as (registry, dispatch):
        head = file.read_text().partition("STEPS")[0]
        source = "STEPS = [1, 2]\n" + MIGRATED + NO_START + FRESH.format(word="second")
        file.write_text(head + source)
        with pytest.raises(InvalidValue, match="mine goes on as it was: .*ValueError: no"):
            await registry.restart("mine")
        assert record_of(registry, "mine").status == "running"
        assert await word(registry, dispatch) == "first"
        file.write_text(head + source.replace(NO_START, ""))
        assert (await registry.restart("mine")).status == "running", "its second migration has run"
        assert await word(registry, dispatch) == "second"


async def test_where_neither_the_new_nor_the_old_code_starts_it_is_said(environment):
    once = "@hookimpl\nasync def lifespan():\n    with open(Path(__file__).parent / 'once', 'x'):\n        yield\n"
    file = environment.write("mine", once) / "__init__.py"
    async with environment.running(limits=QUICK) as (registry, _):
        file.write_text(file.read_text().replace("'once', 'x'", "'none'"))
        with pytest.raises(InvalidValue, match="mine does not run: .*FileNotFoundError.*FileExistsError"):
            await registry.restart("mine")
        assert record_of(registry, "mine").status == "failed"


async def test_started_again_after_a_mended_mistake_a_plugin_has_its_routes_and_folders(environment):
    package = environment.write("mine", "oops")
    told = []
    async with environment.running() as (registry, dispatch):
        registry.listeners.append(lambda: told.append(registry.template_dirs()))
        assert registry.routes() == ()
        head = (package / "__init__.py").read_text().partition("oops")[0]
        folders = "\n@hookimpl\ndef template_dirs():\n    return [Path(__file__).parent]\n"
        (package / "__init__.py").write_text(head + FRESH.format(word="mended") + folders)
        assert (await registry.restart("mine")).status == "running"
        assert await word(registry, dispatch) == "mended"
        assert told == [{"mine": (package,)}]


async def test_51_a_running_plugin_is_switched_off_and_on_again(environment):
    """It ends what it began, nothing of it is left, and what does not start stays off."""
    ends = "\n@hookimpl\nasync def lifespan():\n    yield\n    (Path(__file__).parent / 'ended').touch()\n"
    package = environment.write("mine", FRESH.format(word="on") + ends)
    async with environment.running() as (registry, dispatch):
        assert await word(registry, dispatch) == "on"
        record = await registry.disable("mine", "Switched off.")
        assert (record.status, record.reason) == ("disabled", "Switched off.")
        assert (package / "ended").exists()
        assert (registry.routes(), registry.running_plugins()) == ((), ())
        assert not await registry.is_down("mine"), "as if it had not been loaded"
        source = (package / "__init__.py").read_text()
        for broken in ("oops", source.replace("    yield\n", "    raise ValueError('no')\n    yield\n")):
            (package / "__init__.py").write_text(broken)
            with pytest.raises(InvalidValue, match="mine does not run"):
                await registry.restart("mine")
            assert record_of(registry, "mine").status == "disabled"
        (package / "__init__.py").write_text(source)
        assert (await registry.restart("mine")).status == "running"
        assert await word(registry, dispatch) == "on"
        for of_nobody in (registry.restart("nobody"), registry.disable("nobody", "Off.")):
            with pytest.raises(NotFound):
                await of_nobody


@pytest.mark.parametrize("error", ["RuntimeError('boom')", "SystemExit", "KeyboardInterrupt"])
async def test_what_goes_wrong_in_a_plugins_own_tasks_is_counted(environment, error):
    environment.write(
        "bad",
        f"""
        async def own():
            raise {error}

        @hookimpl
        async def nav_items():
            asyncio.create_task(own())
            return [NavItem("Bad")]
        """,
    )
    async with environment.running() as (registry, dispatch):
        assert await labels(dispatch) == ["Bad"]
        async with asyncio.timeout(10):
            while not record_of(registry, "bad").errors:
                await asyncio.sleep(0.01)
        assert record_of(registry, "bad").last_error.startswith("a task of its own: ")
        assert await labels(dispatch) == ["Bad"]
