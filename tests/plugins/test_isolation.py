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


async def test_12_10_the_system_bounds_its_memory_files_and_descriptors(apart):
    names = ("RLIMIT_DATA", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_CORE")
    written(
        apart, f"import resource\nreturn Json([resource.getrlimit(getattr(resource, n)) for n in {names}])"
    )
    async with apart.running(limits=SHORT) as (registry, dispatch):
        answer = await ask(registry, dispatch)
        assert [tuple(pair) for pair in answer.value] == [(most, most) for most in (1 << 30, 8 << 30, 512, 0)]


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


@CONFINED
@pytest.mark.parametrize(
    "body",
    [
        "import resource\nresource.prlimit(os.getppid(), resource.RLIMIT_CPU)",
        "os.setpriority(0, os.getppid(), os.getpriority(0, os.getppid()))",
        "os.sched_setaffinity(os.getppid(), os.sched_getaffinity(os.getppid()))",
        "open('own', 'w').close()\nos.chown('own', 12345, 12345)",
        "os.fork() or os._exit(0)",
        "import subprocess\nsubprocess.run(['/bin/true'])",
        "import mmap\nmmap.mmap(-1, 1 << 20)",
        "os.memfd_create('more')",
        "open('/dev/zero', 'rb')",
        "if ctypes.CDLL(None).prctl(1, 0, 0, 0, 0):\n    raise PermissionError('to outlive the server')",
    ],
)
async def test_12_10_it_leaves_other_processes_alone_and_keeps_to_its_limits(apart, body):
    """What bounds the server's process, what would outlive its own, and memory that no limit counts."""
    written(apart, body + "\nreturn Json('done')")
    async with apart.running(limits=SHORT) as (registry, dispatch):
        assert isinstance(await ask(registry, dispatch), ErrorReply)
        assert "PermissionError" in registry.plugin("bad").last_error


LINE = """import json, struct, sys
def send(*message):
    sent = json.dumps(message).encode()
    line = json.loads(sys.argv[1])["line"]
    os.set_blocking(line, True)
    left = struct.pack(">I", len(sent)) + sent
    while left:
        left = left[os.write(line, left):]
"""
NONSENSE = [
    "for _ in range(2):\n    send('ask', 7, 'chain.state', [[], {'dict': []}], 0)",
    "send('ask', 7, 'chain.state', [[], {'dict': []}], [1])",
    "send('ask', [7], 'chain.state', [[], {'dict': []}], 0)",
    "for number in range(9):\n    send('error', number, 'none')",
    "for number in range(40):\n    send('ask', number, 'x' * 2_000_000, [[], {'dict': []}], 0)\ntime.sleep(60)",
    "for number in range(9):\n    send([[]] * 999_999)",
]


@pytest.mark.parametrize("body", NONSENSE)
async def test_12_10_one_that_keeps_no_rule_of_the_line_is_ended(apart, body):
    """Numbers twice, numbers that are none, answers that it does not read, values that fill the memory."""
    written(apart, f"{LINE}{body}")
    async with apart.running(limits=Limits(page=30, hang=30)) as (registry, dispatch):
        assert isinstance(await ask(registry, dispatch), ErrorReply)
        record = await eventually(lambda: _again(registry, "bad"))
        assert "its process" in record.last_error
        assert await good_answers(dispatch)


async def test_12_10_what_it_logs_is_text_and_no_pattern(apart):
    written(apart, f"{LINE}send('say', 0, 'log', [40, '%1000000d', 1])\nreturn Json(1)")
    async with apart.running(limits=SHORT) as (registry, dispatch):
        assert await ask(registry, dispatch) == Json(1)
        await eventually(lambda: registry.plugin("bad").errors)
        assert registry.plugin("bad").last_error.startswith("what it says: ValueError")


async def test_12_10_a_long_error_is_shortened(apart):
    written(apart, "raise ValueError('x' * 10_000_000)")
    async with apart.running(limits=SHORT) as (registry, dispatch):
        await ask(registry, dispatch)
        assert 1000 < len(registry.plugin("bad").last_error) < 50_000


async def test_12_10_one_that_drips_while_it_is_imported_is_not_waited_for(apart):
    drip = "os.write(line, b'\\0\\1\\0\\0')\nwhile True:\n    os.write(line, b' ')\n    time.sleep(0.2)\n"
    apart.write("bad", f"{HEAD}import json\nline = json.loads(sys.argv[1])['line']\n{drip}")
    async with apart.running(limits=Limits(load=2)) as (registry, dispatch):
        await eventually(lambda: registry.plugin("bad").status == "failed")
        assert "took longer than" in registry.plugin("bad").reason
        assert await good_answers(dispatch)


SAYS = """
import wylloh_server.plugin_worker.program as program
said = program.description

def description(*given):
    return {{**said(*given), {claims}}}

program.description = description
"""


@pytest.mark.parametrize(
    "claims",
    [
        "'hooks': {'nav_items': {'takes': [], 'first': 'x', 'last': None}}",
        "'hooks': {'nav_items': {'takes': 5, 'first': True, 'last': False}}",
        "'version': {'a': 1}, 'sdk': [1]",
        "'event_types': [('subprocess', 'Popen', 'Ours.', ['args'])]",
        "'event_types': [('wylloh_good', 'Sold', 'Ours.', ['film'])]",
        "'routes': [{'method': 'GET', 'path': '{a}{b}{c}{d}{e}{f}{g}x', 'role': None}]",
    ],
)
async def test_12_10_what_it_claims_of_itself_disturbs_nobody(apart, claims):
    apart.write("bad", SAYS.format(claims=claims))
    async with apart.running(limits=SHORT) as (registry, dispatch):
        assert await good_answers(dispatch)
        record = registry.plugin("bad").record()
        assert (type(record.version), type(record.sdk)) == (str, str)
        assert not registry.plugin("bad").declared.event_types
        assert not registry.routes()


async def test_12_10_a_value_of_another_kind_is_its_own_error(apart):
    apart.write("bad", "@hookimpl\nasync def nav_items():\n    return [NavItem('Bad', order='first')]\n")
    async with apart.running(limits=SHORT) as (registry, dispatch):
        assert await good_answers(dispatch)
        assert "PluginError: NavItem.order must be int." in registry.plugin("bad").last_error
