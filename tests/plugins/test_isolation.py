"""A plugin in a process of its own: what it does there, the server survives."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from importlib.metadata import EntryPoint

import pytest

from tests.components.server import eventually
from wylloh_server.adapters.ffmpeg.child_sandbox import SandboxPart, find_parts
from wylloh_server.domain.access import AccessRequest, Role
from wylloh_server.domain.errors import PluginError
from wylloh_server.domain.plugin_batch import BatchRequest
from wylloh_server.domain.plugin_pages import ErrorReply, Json, PluginRequest
from wylloh_server.domain.task import TaskState
from wylloh_server.plugins import Limits
from wylloh_server.plugins.spec import ENTRY_POINT_GROUP
from wylloh_server.sdk.testing.samples import sample_films, sample_viewer

FILM = sample_films()[0]
VIEWER = sample_viewer(Role.VIEWER)
SHORT = Limits(answer=3, page=3, hang=1)
GOOD = "@hookimpl\nasync def nav_items():\n    return [NavItem('Good')]\n"
ROUTE = """
    async def run(context, request):
        {body}

    @hookimpl
    def routes():
        return [PluginRoute("GET", "run", run, role=None)]
"""
HEAD = "import ctypes, os, re, socket, sys, time\n"


@pytest.fixture
def apart(environment):
    """Plugins of this test have a process each, but for `good`, which the others must not disturb."""
    environment.isolation = "process"
    environment.write("good", GOOD)
    return environment


def written(environment, body, name="bad"):
    indented = body.replace("\n", "\n" + " " * 8)
    return environment.write(name, HEAD + _dedented(ROUTE.format(body=indented)))


def _dedented(text):
    return "\n".join(line.removeprefix("    ") for line in text.split("\n"))


async def ask(registry, dispatch, name="bad"):
    (mounted,) = [one for one in registry.routes() if one.plugin == name]
    return await dispatch.answer(mounted, PluginRequest())


async def good_answers(dispatch):
    return [item.label for item in await dispatch.nav_items(VIEWER)] == ["Good"]


ENDS = [
    ("os._exit(3)", "its process ended itself with exit code 3"),
    ("os.kill(os.getpid(), 11)", "its process was ended by SIGSEGV"),
    ("os.kill(os.getpid(), 9)", "its process was ended by SIGKILL"),
    ("ctypes.string_at(0)", "its process was ended by SIGSEGV"),
]


@pytest.mark.parametrize(("body", "said"), ENDS)
async def test_12_10_a_plugin_that_ends_its_process_is_started_again(apart, body, said):
    written(apart, body)
    async with apart.running(limits=SHORT) as (registry, dispatch):
        answer = await ask(registry, dispatch)
        assert isinstance(answer, ErrorReply)
        assert answer.status == 500
        assert await good_answers(dispatch)
        record = await eventually(lambda: _again(registry, "bad"))
        assert (record.errors, said in record.last_error) == (2, True), record.last_error


def _again(registry, name, closed=()):
    """Return the record of a plugin once it was started again, with these places closed."""
    record = registry.plugin(name).record()
    return record if record.status == "running" and record.errors > 1 and record.closed == closed else None


async def test_12_10_one_that_ends_again_and_again_is_stopped(apart):
    written(apart, "os._exit(3)")
    async with apart.running(limits=Limits(ends=2)) as (registry, dispatch):
        await ask(registry, dispatch)
        await eventually(lambda: _again(registry, "bad"))
        await ask(registry, dispatch)
        await eventually(
            lambda: registry.plugin("bad").status == "stopped" and not registry.plugin("bad").thread
        )
        assert "again and again; the last time its process ended itself" in registry.plugin("bad").reason
        assert await good_answers(dispatch)


async def test_12_10_what_holds_the_interpreters_lock_holds_only_its_own(apart):
    """A regular expression that never ends keeps every thread of its process waiting, and no other process."""
    written(apart, "re.match('(a+)+$', 'a' * 60 + 'b')")
    async with apart.running(limits=SHORT) as (registry, dispatch):
        asked = asyncio.create_task(ask(registry, dispatch))
        assert await good_answers(dispatch)
        assert not asked.done()
        assert (await asked).status == 504
        record = await eventually(lambda: _again(registry, "bad", ("GET /plugins/bad/run",)))
        assert "GET /plugins/bad/run took too long and did not end when it was cancelled" in record.last_error


async def test_12_10_what_holds_it_is_blamed_and_not_what_waits_behind(apart):
    apart.write(
        "bad",
        """
        import time

        @hookimpl
        async def nav_items():
            return []

        @hookimpl
        async def admin_notices():
            time.sleep(60)
        """,
    )
    async with apart.running(limits=Limits(answer=2, hang=0.5)) as (registry, dispatch):
        first = asyncio.create_task(dispatch.admin_notices())
        await asyncio.sleep(0.2)
        await asyncio.gather(first, dispatch.nav_items(VIEWER))
        await eventually(lambda: _again(registry, "bad", ("admin_notices",)))


async def test_12_10_its_memory_is_bounded(apart):
    written(
        apart,
        "found = bytearray(4 << 30)\nfound[::4096] = b'x' * len(found[::4096])\nreturn Json(len(found))",
    )
    async with apart.running(limits=Limits(page=60)) as (registry, dispatch):
        answer = await ask(registry, dispatch)
        assert isinstance(answer, ErrorReply)
        assert await good_answers(dispatch)
        assert "MemoryError" in registry.plugin("bad").last_error


CONFINED = pytest.mark.skipif(
    not {SandboxPart.FILES, SandboxPart.CALLS} <= find_parts(), reason="no Landlock or no libseccomp here"
)
SECRET = "correct horse"


@CONFINED
@pytest.mark.parametrize(
    "body",
    [
        "return Json(open({secret!r}).read())",
        "return Json(os.listdir({folder!r}))",
        "open({secret!r}, 'w').write('gone')\nreturn Json('written')",
        "os.symlink({secret!r}, os.environ['HOME'] + '/link')\nreturn Json(open(os.environ['HOME'] + '/link').read())",
        "return Json(open(f'/proc/{{os.getppid()}}/environ').read())",
        "return Json(open(f'/proc/{{os.getppid()}}/mem', 'rb').read(1).hex())",
        "os.kill(os.getppid(), 0)\nreturn Json('signal')",
        "socket.socket(socket.AF_UNIX).connect({place!r})\nreturn Json('connected')",
        "return Json(os.environ['WYLLOH_SECRET'])",
    ],
)
async def test_12_10_no_key_is_in_its_reach(apart, tmp_path, monkeypatch, body):
    keys = tmp_path / "data/keys"
    keys.mkdir(parents=True)
    (keys / "master.key").write_text(SECRET)
    monkeypatch.setenv("WYLLOH_SECRET", SECRET)
    place = str(tmp_path / "s")
    written(apart, body.format(secret=str(keys / "master.key"), folder=str(keys), place=place))
    listening = await asyncio.start_unix_server(lambda *_: None, place)
    async with listening, apart.running(limits=SHORT) as (registry, dispatch):
        answer = await ask(registry, dispatch)
        assert isinstance(answer, ErrorReply)
        error = registry.plugin("bad").last_error
        assert "PermissionError" in error or "KeyError: 'WYLLOH_SECRET'" in error, error
    assert (keys / "master.key").read_text() == SECRET


@CONFINED
async def test_12_10_its_own_folder_is_its_own(apart):
    written(
        apart,
        "from pathlib import Path\np = Path.home() / 'x'\np.write_text('y')\nreturn Json(p.read_text())",
    )
    async with apart.running(limits=SHORT) as (registry, dispatch):
        assert await ask(registry, dispatch) == Json("y")


async def test_12_10_all_of_its_context_works_there(apart):
    """Settings, tables, library, chain, events, state, tasks, batch actions, transactions' errors, the log."""
    apart.write("all", ALL)
    async with apart.running(limits=SHORT, settings={"all": {"word": "hello"}}) as (registry, dispatch):
        answer = await ask(registry, dispatch, "all")
        films = [film.title for film in sorted(sample_films(), key=lambda film: film.title)]
        assert isinstance(answer, Json), answer
        said = dict(answer.value)
        assert sorted(said.pop("films")) == films
        assert said == {
            "word": "hello",
            "rows": [["noted"]],
            "state": "begun",
            "missing": "NotFound: There is no such film here.",
            "block": None,
            "topic": "PluginError",
            "pid": said["pid"],
        }
        assert said["pid"] != os.getpid()
        await registry.settled()
        await eventually(
            lambda: [type(one).__name__ for one in apart.published if type(one).__name__ == "Noticed"]
        )
        (event,) = [one for one in apart.published if type(one).__name__ == "Noticed"]
        assert event.word == "hello"
        assert apart.live.topics == {"plugin:all"}
        action = registry.plugin("all").declared.batch_actions[0]
        assert [field.name for field in await action.fields(None, VIEWER)] == ["which"]
        plan = await action.plan(None, BatchRequest(VIEWER, (FILM,), {}))
        assert plan.sentence == f"1 film, {FILM.title}"


ALL = """
import os
from sqlalchemy import Column, MetaData, String, Table, select
from sqlalchemy.schema import CreateTable

@dataclass(frozen=True)
class Noticed(Event):
    "A word was noticed."

    word: str

T = Table("plugin_all_words", MetaData(), Column("word", String))

@hookimpl
def settings():
    return [Setting("word", str, "", "Which word.")]

@hookimpl
def migrations():
    return [Migration("0001", (CreateTable(T),))]

@hookimpl
def event_types():
    return [Noticed]

@hookimpl
async def lifespan(context):
    yield "begun"

async def run(context, request):
    await context.tables.change([T.insert().values(word="noted")])
    try:
        await context.library.film("none")
    except NotFound as error:
        missing = f"{type(error).__name__}: {error}"
    try:
        context.live.changed("film:x", "plugin:other")
    except PluginError as error:
        topic = type(error).__name__
    context.live.changed("plugin:all")
    context.emit(Noticed(context.settings["word"]))
    context.log.info("asked", by="somebody")
    state = await context.chain.state()
    return Json({
        "word": context.settings["word"],
        "rows": [list(row) for row in (await context.tables.fetch(select(T))).rows],
        "films": [item.film.title for item in await context.library.films(request.viewer)],
        "state": context.state,
        "missing": missing,
        "topic": topic,
        "block": state.block,
        "pid": os.getpid(),
    })

@hookimpl
def routes():
    return [PluginRoute("GET", "run", run, role=None)]

async def work(context, progress):
    await progress.update(1, 2, "half")
    return TaskResult("Done.")

@hookimpl
def background_tasks():
    return [BackgroundTask("work", work)]

async def fields(context, viewer):
    return [BatchField("which", "Which")]

async def plan(context, request):
    return BatchPlan(f"{len(request.films)} film, {request.films[0].title}")

@hookimpl
def batch_actions():
    return [BatchAction("act", "Act", plan, "work", fields)]
"""


async def test_12_10_its_background_task_is_done_there(apart):
    apart.write("all", ALL)
    async with apart.running(limits=SHORT) as (registry, _):
        context = registry.plugin("all").context
        task = await context.tasks.start("work", "Work", {})

        async def done():
            return (await apart.storage.tasks.get(task)).state is TaskState.DONE

        await eventually(done)


@pytest.mark.parametrize("hook", ["static_dirs", "template_dirs"])
async def test_12_10_it_hands_out_no_folder_but_its_own(apart, hook):
    apart.write("bad", f"@hookimpl\ndef {hook}():\n    return [Path('/etc')]\n")
    async with apart.running() as (registry, dispatch):
        assert "It names the folder /etc, which is not part of it." in registry.plugin("bad").reason
        assert await good_answers(dispatch)


async def test_12_10_a_vote_that_ends_its_process_denies(apart):
    apart.write("lock", "import os\n@hookimpl\nasync def access_vote(request):\n    os._exit(1)\n")
    async with apart.running(limits=SHORT) as (_, dispatch):
        result = await dispatch.count_votes(AccessRequest(VIEWER, FILM, "personal"))
        assert (result.vote.verdict, result.failed) == ("deny", True)


async def test_12_10_one_that_cannot_be_imported_says_where(apart):
    apart.write("bad", "import nothing_like_this\n")
    apart.write("gone", "import os\nos._exit(4)\n")
    async with apart.running() as (registry, dispatch):
        assert "ModuleNotFoundError: No module named 'nothing_like_this' (wylloh_bad/__init__.py:6)" in (
            registry.plugin("bad").reason
        )
        assert "Its process ended with exit code 4 while it was imported." in registry.plugin("gone").reason
        assert await good_answers(dispatch)


async def test_12_10_a_plugin_may_be_a_single_file(apart, tmp_path, monkeypatch):
    (tmp_path / "wylloh_one.py").write_text(
        f"from wylloh_server.sdk import *\nWYLLOH_SDK = SDK_VERSION\n{GOOD}"
    )
    monkeypatch.syspath_prepend(tmp_path)
    points = [EntryPoint("one", "wylloh_one", ENTRY_POINT_GROUP)]
    async with apart.running(points=points, path=[]) as (registry, dispatch):
        assert registry.plugin("one").record().isolation == "process"
        assert await good_answers(dispatch)


async def test_12_10_nothing_of_it_is_left(apart):
    written(apart, "time.sleep(60)")
    async with apart.running(limits=Limits(page=0.5, stop=0.5)) as (registry, dispatch):
        await ask(registry, dispatch)
        processes = [one.remote.process._spawned.process for one in registry.running_plugins()]
    assert all(process.poll() is not None for process in processes)
    gc.collect()


async def test_12_10_what_it_cannot_send_is_an_error_of_its_own(apart):
    written(apart, "return object()")
    async with apart.running(limits=SHORT) as (registry, dispatch):
        assert (await ask(registry, dispatch)).status == 500
        assert "PluginError: object cannot be sent to the server." in registry.plugin("bad").last_error


def test_the_server_imports_no_plugin_that_runs_apart(apart):
    written(apart, "return Json(1)")
    registry = apart.registry()
    try:
        assert registry.plugin("bad").status == "loaded"
        assert "wylloh_bad" not in sys.modules
    finally:
        registry.close()
