"""A plugin that raises, hangs, floods or leaks is stopped and says why; the server and the others go on."""

from __future__ import annotations

import asyncio
import sqlite3
import textwrap

import pytest

from wylloh_server.domain.access import AccessRequest, Role, Verdict
from wylloh_server.domain.errors import ChainError, InvalidValue, NotFound
from wylloh_server.domain.events import FilmReady
from wylloh_server.domain.types import FilmId
from wylloh_server.hooks import Limits, PluginRequest
from wylloh_server.testing._samples import sample_films, sample_viewer

FILM = sample_films()[0]
VIEWER = sample_viewer(Role.VIEWER)
EVENT = FilmReady(FilmId("x"))
QUICK = Limits(answer=0.3, load=1, start=0.3, event=0.3, stop=0.3, hang=0.2, failures=3, patrol=0.1)
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
        await registry.plugin(name).ending
    return record_of(registry, name).reason


async def labels(dispatch):
    return [item.label for item in await dispatch.nav_items(VIEWER)]


def hook(name, body):
    return f"@hookimpl\nasync def {name}():\n{textwrap.indent(body, '    ')}\n"


async def test_failing_again_and_again_stops_a_plugin(house):
    house.write("bad", hook("nav_items", "raise RuntimeError('boom')"))
    house.write("good", GOOD)
    async with house.running(limits=QUICK) as (registry, dispatch):
        for _ in range(2):
            assert await labels(dispatch) == ["Good"]
            assert record_of(registry, "bad").status == "running"
        assert await labels(dispatch) == ["Good"]
        assert await stopped(registry, "bad") == (
            "It failed again and again. The last time: nav_items: RuntimeError: boom."
        )
        assert record_of(registry, "bad").errors == 3
        await labels(dispatch)
        assert record_of(registry, "bad").errors == 3, "and it is not asked any more"


@pytest.mark.parametrize("error", [ChainError, "asyncio.TimeoutError"])
async def test_what_the_world_did_to_it_is_not_held_against_it(house, error):
    theirs = error is ChainError
    house.write("bad", hook("nav_items", "raise ChainError('no answer')" if theirs else "raise TimeoutError"))
    async with house.running(limits=QUICK) as (registry, dispatch):
        for _ in range(4):
            await labels(dispatch)
        assert record_of(registry, "bad").errors == (4 if theirs else 3)
        assert record_of(registry, "bad").status == ("running" if theirs else "stopped")


async def test_waiting_for_the_server_is_not_held_against_it(house):
    house.write(
        "slow",
        """
        @hookimpl
        async def nav_items(context):
            await asyncio.gather(context.library.films(None), asyncio.sleep(0))
            return []
        """,
    )
    async with house.running(limits=QUICK) as (registry, dispatch):

        async def never(viewer):
            await asyncio.Event().wait()

        plugin = registry.plugin("slow")
        plugin.context.library._port.films = never
        for _ in range(4):
            await labels(dispatch)
        assert (plugin.status, plugin.errors) == ("running", 4)
        assert plugin.last_error == ("nav_items: KeptWaiting: took longer than 0.3 s, waiting for the server")


HANGING = {
    "a hook": (hook("nav_items", BLOCK), "nav_items"),
    "a listener": (f"@hookimpl\nasync def on_event(event):\n    {BLOCK}\n", "on_event(FilmReady)"),
    "a hook that ignores being called off": (
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
async def test_a_plugin_that_hangs_is_stopped(house, what):
    source, where = HANGING[what]
    house.write("bad", source)
    house.write("good", GOOD)
    async with house.running(limits=QUICK) as (registry, dispatch):
        registry.publish(EVENT)
        assert await labels(dispatch) == ["Good"]
        assert await stopped(registry, "bad") == (
            f"It hangs: {where} took too long and did not end when it was called off."
        )
        assert await labels(dispatch) == ["Good"]


async def test_nobody_waits_twice_for_a_plugin_that_is_blocked(house):
    house.write("bad", hook("nav_items", BLOCK))
    async with house.running(limits=Limits(answer=0.3, hang=30, stop=0.1)) as (registry, dispatch):
        await labels(dispatch)
        assert record_of(registry, "bad").last_error == "nav_items: TimeoutError: took longer than 0.3 s"
        await labels(dispatch)
        assert record_of(registry, "bad").last_error == (
            "nav_items: StillBusy: is still busy with something else"
        )
        assert record_of(registry, "bad").status == "running"


async def test_a_plugin_that_comes_back_in_time_goes_on(house):
    house.write("slow", "import time\n" + hook("nav_items", "time.sleep(0.6)\nreturn [NavItem('Slow')]"))
    async with house.running(limits=Limits(answer=0.3, hang=5)) as (registry, dispatch):
        assert await labels(dispatch) == []
        async with asyncio.timeout(10):
            while registry.plugin("slow").thread.stuck:
                await asyncio.sleep(0.02)
        assert record_of(registry, "slow").status == "running"
        assert record_of(registry, "slow").errors == 1


ROUTE = """
import time

async def page(context, request):
    time.sleep(3)

@hookimpl
def routes():
    return [Route("GET", "page", page, None)]
"""


async def test_routes_of_a_stopped_plugin_say_so(house):
    house.write("bad", ROUTE)
    async with house.running(limits=QUICK) as (registry, dispatch):
        (mounted,) = registry.routes()
        assert (await dispatch.answer(mounted, PluginRequest())).status == 504
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
async def test_a_plugin_that_hangs_while_it_comes_up_does_not_start(house, source, reason):
    house.write("bad", source)
    house.write("good", GOOD)
    async with house.running(limits=QUICK) as (registry, dispatch):
        assert (record_of(registry, "bad").status, record_of(registry, "bad").reason) == ("failed", reason)
        assert await labels(dispatch) == ["Good"]


async def test_stopping_the_server_waits_for_no_plugin(house):
    house.write("bad", f"@hookimpl\nasync def lifespan():\n    yield\n    {BLOCK}\n")
    async with house.running(limits=QUICK) as (registry, _):
        assert record_of(registry, "bad").status == "running"
    assert record_of(registry, "bad").last_error == "lifespan: TimeoutError: took longer than 0.3 s"


TELLING = """
@dataclass(frozen=True)
class Told(Event):
    \"\"\"Told.\"\"\"

@hookimpl
def event_types():
    return [Told]
"""


async def test_a_flood_of_events_stops_a_plugin(house):
    house.write(
        "bad",
        TELLING + hook("nav_items", "return []") + "@hookimpl\nasync def lifespan(context):\n"
        "    async def flood():\n        while True:\n            context.emit(Told())\n"
        "            await asyncio.sleep(0)\n    task = asyncio.create_task(flood())\n    yield\n",
    )
    house.write("good", GOOD)
    async with house.running(limits=Limits(emitted=2000, stop=0.3)) as (registry, dispatch):
        assert await stopped(registry, "bad") == "It emitted more than 2,000 events within a minute."
        told = len(house.published)
        assert told <= 2000
        assert await labels(dispatch) == ["Good"]
        assert len(house.published) == told, "and nothing is told any more"


async def test_a_flood_while_a_plugin_starts_stops_it_too(house):
    house.write(
        "bad",
        TELLING + "@hookimpl\nasync def lifespan(context):\n"
        "    for _ in range(30):\n        context.emit(Told())\n    await asyncio.sleep(0.1)\n    yield\n",
    )
    async with house.running(limits=Limits(emitted=20, stop=0.3)) as (registry, _):
        assert await stopped(registry, "bad") == "It emitted more than 20 events within a minute."


async def test_a_listener_that_misses_too_much_is_stopped(house):
    house.write("bad", "@hookimpl\nasync def on_event(event):\n    await asyncio.Event().wait()\n")
    house.write("good", GOOD)
    limits = Limits(queue=5, missed=20, stop=0.3)
    async with house.running(limits=limits) as (registry, dispatch):
        for _ in range(20):
            registry.publish(EVENT)
            await asyncio.sleep(0)
        assert record_of(registry, "bad").status == "running"
        for _ in range(10):
            registry.publish(EVENT)
        reason = await stopped(registry, "bad")
        assert reason == "Its queue flooded: it missed 21 events while it heard a single one."
        assert await labels(dispatch) == ["Good"]


LEAKING = """
import sqlite3

@hookimpl
async def nav_items():
    with sqlite3.connect({file!r}) as database:
        database.execute("CREATE TABLE IF NOT EXISTS plugin_bad_more (id INTEGER)")
    database.close()
    return []
"""


async def test_tables_that_no_migration_made_stop_a_plugin(house):
    file = house.folder / "wylloh.sqlite3"
    house.write("bad", LEAKING.format(file=str(file)))
    house.write("good", GOOD)
    async with house.running(limits=QUICK) as (registry, dispatch):
        await labels(dispatch)
        reason = "There are tables under its name that its migrations did not make: plugin_bad_more."
        assert await stopped(registry, "bad") == reason
        assert await labels(dispatch) == ["Good"]
        again = await registry.start_again("bad")
        assert (again.status, again.reason) == (
            "failed",
            f"It could not start: {reason} Drop them, or ask the plugin's author.",
        )
        with sqlite3.connect(file) as database:
            database.execute("DROP TABLE plugin_bad_more")
        database.close()
        assert (await registry.start_again("bad")).status == "running"


VOTING = """
@hookimpl
async def access_vote():
    if BROKEN:
        raise RuntimeError
    return Vote(Verdict.ALLOW, "come in")
"""


async def test_a_stopped_plugin_with_a_vote_opens_nothing_until_it_runs_again_or_is_off(house):
    file = house.write("lock", "BROKEN = True\n" + VOTING) / "__init__.py"
    request = AccessRequest(VIEWER, FILM, "personal")
    async with house.running(limits=QUICK) as (registry, dispatch):
        for _ in range(3):
            ballot = await dispatch.ballot(request)
            assert (ballot.vote.verdict, ballot.failed) == (Verdict.DENY, True)
        await stopped(registry, "lock")
        ballot = await dispatch.ballot(request)
        assert (ballot.vote.verdict, ballot.plugins, ballot.failed) == (Verdict.DENY, ("lock",), True)
        assert "lock has a say in who may watch, and it is not running" in ballot.vote.sentence

        assert registry.switch_off("lock").status == "disabled"
        assert (await dispatch.access_vote(request)).verdict is Verdict.ABSTAIN
        with pytest.raises(InvalidValue, match="lock is disabled"):
            await registry.start_again("lock")

    house.forget()
    async with house.running(limits=QUICK) as (registry, dispatch):
        for _ in range(3):
            await dispatch.ballot(request)
        await stopped(registry, "lock")
        file.write_text(file.read_text().replace("BROKEN = True", "BROKEN = False"))
        assert (await registry.start_again("lock")).status == "running"
        assert (await dispatch.access_vote(request)).sentence == "come in"


async def test_started_again_a_plugin_is_as_new(house):
    source = "mood = ['fresh']\n" + hook("nav_items", "mood.append('used')\nraise RuntimeError") + ROUTE
    file = house.write("bad", source.replace("time.sleep(3)", "return Json(list(mood))")) / "__init__.py"
    async with house.running(limits=QUICK) as (registry, dispatch):
        (mounted,) = registry.routes()
        for _ in range(3):
            await labels(dispatch)
        await stopped(registry, "bad")
        assert (await registry.start_again("bad")).status == "running"
        assert (await dispatch.answer(mounted, PluginRequest())).value == ["fresh"]
        assert record_of(registry, "bad").errors == 0

        for _ in range(3):
            await labels(dispatch)
        await stopped(registry, "bad")
        file.write_text("def broken(:")
        again = await registry.start_again("bad")
        assert (again.status, again.reason[:37]) == ("failed", "It could not be loaded: SyntaxError: ")


async def test_only_what_does_not_run_is_started_again_or_switched_off(house):
    house.write("good", GOOD)
    async with house.running() as (registry, _):
        with pytest.raises(InvalidValue, match="good is running"):
            await registry.start_again("good")
        with pytest.raises(InvalidValue, match="good is running"):
            registry.switch_off("good")
        with pytest.raises(NotFound):
            await registry.start_again("nobody")


@pytest.mark.parametrize("error", ["RuntimeError('boom')", "SystemExit", "KeyboardInterrupt"])
async def test_what_goes_wrong_in_a_plugins_own_tasks_is_counted(house, error):
    house.write(
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
    async with house.running() as (registry, dispatch):
        assert await labels(dispatch) == ["Bad"]
        async with asyncio.timeout(10):
            while not record_of(registry, "bad").errors:
                await asyncio.sleep(0.01)
        assert record_of(registry, "bad").last_error.startswith("a task of its own: ")
        assert await labels(dispatch) == ["Bad"]
