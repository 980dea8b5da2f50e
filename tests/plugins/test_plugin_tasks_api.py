"""What plugins may declare and start as background work, and what their mistakes cost."""

from __future__ import annotations

import asyncio

import pytest

from wylloh_server.domain.access import Role
from wylloh_server.domain.errors import PluginError
from wylloh_server.plugins import Limits
from wylloh_server.plugins.lifecycle import stop_plugin
from wylloh_server.domain.plugin_record import PluginStatus
from wylloh_server.sdk.testing.samples import sample_viewer
from wylloh_server.services.operations import plugin_task_runner

VIEWER = sample_viewer(Role.VIEWER)
GOOD = """
async def work(context, progress):
    return TaskResult("Done.")

async def plan(context, request):
    return BatchPlan("Fine.")

"""


def tasks(*items):
    return f"{GOOD}\n@hookimpl\ndef background_tasks():\n    return [{', '.join(items)}]\n"


def actions(*items):
    return tasks('BackgroundTask("work", work)') + (
        f"\n@hookimpl\ndef batch_actions():\n    return [{', '.join(items)}]\n"
    )


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (tasks('BackgroundTask("Work", work)'), "'Work' is not a lower-case word"),
        (tasks('BackgroundTask("", work)'), "'' is not a lower-case word"),
        (tasks('BackgroundTask("work", len)'), "the task work must be async def"),
        (tasks('BackgroundTask("work", work)', 'BackgroundTask("work", work)'), "gives work twice"),
        (tasks("work"), "must return a list of BackgroundTask"),
        (actions('BatchAction("a b", "A", plan, "work")'), "'a b' is not a lower-case word"),
        (actions('BatchAction("a", "A", len, "work")'), "batch action a must be async def"),
        (actions('BatchAction("a", "A", plan, "work", fields=len)'), "batch action a must be async def"),
        (actions('BatchAction("a", "A", plan, "other")'), "'other', which is not declared"),
        (actions(*['BatchAction("a", "A", plan, "work")'] * 2), "gives a twice"),
    ],
)
async def test_a_wrong_declaration_keeps_the_plugin_from_starting(environment, source, reason):
    environment.write("mine", source)
    async with environment.running() as (registry, _):
        (record,) = registry.records()
        assert record.status is PluginStatus.FAILED
        assert reason in record.reason


async def test_a_plugin_starts_only_what_it_has_declared(environment):
    environment.write("mine", tasks('BackgroundTask("work", work)'))
    async with environment.running() as (registry, _):
        own = registry.plugin("mine").context.tasks
        with pytest.raises(PluginError, match="'other'"):
            await own.start("other", "Other", {})
        with pytest.raises(PluginError, match="title"):
            await own.start("work", "", {})
        with pytest.raises(PluginError, match="JSON"):
            await own.start("work", "Work", {"now": asyncio})
        assert await environment.work.tasks.all(sample_viewer(Role.OWNER)) == ()


async def ended(environment, body, *, limits=Limits(answer=5)):
    """How a task with this body ends, and the plugin's record."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    environment.write(
        "mine",
        f"""
async def work(context, progress):
{lines}

@hookimpl
def background_tasks():
    return [BackgroundTask("work", work)]
""",
    )
    async with environment.running(limits=limits) as (registry, _):
        await registry.plugin("mine").context.tasks.start("work", "Work", {}, VIEWER)
        await environment.work.jobs.settled()
        (task,) = await environment.work.tasks.all(VIEWER)
        (record,) = registry.records()
        return task, record


MISTAKE = (
    "The plugin mine made a mistake and could not finish this. "
    "Whoever runs this server finds the reason on the admin page."
)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("raise RuntimeError('boom')", "the task work: RuntimeError: boom"),
        ("raise SystemExit", "the task work: PluginError: tried to end the server"),
        ("raise asyncio.CancelledError", "the task work: PluginError: cancelled its own task"),
        ("return 'done'", "the task work: PluginError: a task must return a TaskResult, not str"),
        (
            "return TaskResult('Done.', 'https://example.com/')",
            "the task work: PluginError: the result's link 'https://example.com/' is not a path on this server",
        ),
        (
            "return TaskResult('Done.', '//example.com/')",
            "the task work: PluginError: the result's link '//example.com/' is not a path on this server",
        ),
        ("await progress.update('many', 3)", "the task work: ValueError: invalid literal for int()"),
    ],
)
async def test_a_plugin_s_mistake_fails_its_task_and_is_counted(environment, body, error):
    task, record = await ended(environment, body)
    assert (task.state, task.message) == ("failed", MISTAKE)
    assert (record.status, record.errors) == ("running", 1)
    assert record.last_error.startswith(error)


@pytest.mark.parametrize("error", ["InvalidValue", "NotFound", "AccessRefused", "ChainError"])
async def test_a_plugin_may_say_why_it_cannot_be_done(environment, error):
    task, record = await ended(environment, f"raise {error}('The tag is gone', fix='Make it again.')")
    assert (task.state, task.message) == ("failed", "The tag is gone. Make it again.")
    assert record.errors == 0


async def test_a_task_that_does_not_let_itself_be_cancelled_keeps_nobody(environment):
    environment.write(
        "mine",
        """
        begun, may_end = asyncio.Event(), asyncio.Event()

        async def work(context, progress):
            begun.set()
            while not may_end.is_set():
                try:
                    await may_end.wait()
                except asyncio.CancelledError:
                    pass

        @hookimpl
        def background_tasks():
            return [BackgroundTask("work", work)]
        """,
    )
    async with environment.running(limits=Limits(stop=0.05)) as (registry, _):
        plugin = registry.plugin("mine")
        task = await plugin.context.tasks.start("work", "Work", {}, VIEWER)
        await plugin.code.begun.wait()
        await environment.work.tasks.cancel(VIEWER, task)
        assert (await environment.work.tasks.get(VIEWER, task)).state == "cancelled"
        plugin.code.may_end.set()


async def test_a_task_of_a_plugin_that_no_longer_runs_or_does_it_says_so(environment):
    environment.write("mine", tasks('BackgroundTask("work", work)'))
    async with environment.running() as (registry, _):
        service, plugin = environment.work.tasks, registry.plugin("mine")
        await service.start("mine.older", "Older", {}, VIEWER.wallet)
        plugin.fail("stopped")
        await service.start("mine.work", "Work", {}, VIEWER.wallet)
        await environment.work.jobs.settled()
        said = {task.title: task.message for task in await service.all(VIEWER)}
    assert said["Older"].startswith("The plugin mine, which began this, is not running.")
    assert said["Work"].startswith("The plugin mine, which began this, is not running.")


async def test_a_kind_that_a_newer_version_dropped_says_so(environment):
    environment.write("mine", tasks('BackgroundTask("work", work)'))
    async with environment.running() as (_, _dispatch):
        await environment.work.tasks.start("mine.older", "Older", {}, VIEWER.wallet)
        await environment.work.jobs.settled()
        (task,) = await environment.work.tasks.all(VIEWER)
    assert task.message == (
        "This version of the plugin mine no longer does this. Start it anew from its page."
    )


TWICE = """
import threading
begun, calls = threading.Event(), Path(__file__).with_name("calls")

async def work(context, progress):
    with calls.open("a") as file:
        file.write(f"{progress.arguments['film']} {progress.role}\\n")
    begun.set()
    if calls.read_text().count("\\n") < MOST:
        await asyncio.Event().wait()
    return TaskResult("Done at last.")

@hookimpl
def background_tasks():
    return [BackgroundTask("work", work)]
"""
STOPPED = (
    "The plugin mine was stopped before it could finish this. "
    "Whoever runs this server finds the reason on the admin page."
)


async def _interrupted(environment, calls, *interruptions):
    """Run the task TWICE, which ends at the given call; interrupt each one before. Return it, and its calls."""
    package = environment.write("mine", TWICE.replace("MOST", str(calls)))
    async with environment.running() as (registry, _):
        task = await registry.plugin("mine").context.tasks.start("work", "Work", {"film": 7}, VIEWER)
        for interrupt in interruptions:
            plugin = registry.plugin("mine")
            assert await asyncio.to_thread(plugin.code.begun.wait, 20), "it is called again"
            plugin.code.begun.clear()
            await interrupt(registry)
        await environment.work.jobs.settled()
        assert registry.plugin("mine").errors <= len(interruptions)
        found = await environment.work.tasks.get(VIEWER, task)
    return found, (package / "calls").read_text().splitlines()


async def _saved_settings_or_new_code(registry):
    await registry.restart("mine")


async def _something_else_hangs(registry):
    registry.plugin("mine").hang("nav_items", "")


async def _the_task_hangs(registry):
    registry.plugin("mine").hang("the task work", "")


async def _flooded(registry):
    registry.plugin("mine").stop("It flooded.")


async def test_a_task_whose_plugin_is_started_again_is_called_again_with_the_same_arguments(environment):
    interruptions = (_saved_settings_or_new_code, _something_else_hangs, _saved_settings_or_new_code)
    task, calls = await _interrupted(environment, 4, *interruptions)
    assert (task.state, task.message) == ("done", "Done at last.")
    assert (len(calls), len(set(calls)), calls[0].split()[0]) == (4, 1, "7")


@pytest.mark.parametrize("interrupt", [_the_task_hangs, _flooded])
async def test_a_task_that_made_its_plugin_hang_or_whose_plugin_stays_stopped_is_not(environment, interrupt):
    task, calls = await _interrupted(environment, 2, interrupt)
    assert (task.state, task.message, len(calls)) == ("failed", STOPPED, 1)


async def test_a_task_is_not_called_again_for_ever(environment, monkeypatch):
    monkeypatch.setattr(plugin_task_runner, "_MOST_CALLS", 2)
    again = _saved_settings_or_new_code
    task, calls = await _interrupted(environment, 3, again, again)
    assert (task.state, task.message, len(calls)) == ("failed", STOPPED, 2)


async def test_a_task_that_is_due_while_its_plugin_is_started_again_waits_for_it(environment):
    environment.write(
        "mine",
        TWICE.replace("MOST", "1")
        + "@hookimpl\nasync def lifespan():\n    await asyncio.sleep(0.3)\n    yield\n",
    )
    async with environment.running() as (registry, _):
        service = environment.work.tasks
        restart = asyncio.create_task(registry.restart("mine"))
        while registry.plugin("mine").status == "running":
            await asyncio.sleep(0.01)
        await service.start("mine.work", "Work", {"film": 7}, VIEWER.wallet)
        await environment.work.jobs.settled()
        await restart
        (task,) = await service.all(VIEWER)
    assert (task.state, task.message) == ("done", "Done at last.")


@pytest.mark.parametrize("busy", ["await asyncio.Event().wait()", "while not may_end.is_set(): pass"])
async def test_a_task_of_a_plugin_that_is_stopped_meanwhile_fails_with_a_sentence(environment, busy):
    environment.write(
        "mine",
        f"""
        import threading
        begun, may_end = threading.Event(), threading.Event()

        async def work(context, progress):
            begun.set()
            {busy}

        @hookimpl
        def background_tasks():
            return [BackgroundTask("work", work)]
        """,
    )
    async with environment.running(limits=Limits(stop=0.2)) as (registry, _):
        plugin = registry.plugin("mine")
        await plugin.context.tasks.start("work", "Work", {}, VIEWER)
        await asyncio.to_thread(plugin.code.begun.wait)
        plugin.fail("Stopped by a test.")
        await stop_plugin(plugin, registry.limits)
        await environment.work.jobs.settled()
        (task,) = await environment.work.tasks.all(VIEWER)
        plugin.code.may_end.set()
    assert (task.state, task.message) == (
        "failed",
        STOPPED,
    )
    assert plugin.errors == 0
