"""What plugins may declare and start as background work, and what their mistakes cost."""

from __future__ import annotations

import asyncio

import pytest

from wylloh_server.domain.access import Role
from wylloh_server.domain.errors import PluginError
from wylloh_server.hooks import Limits
from wylloh_server.hooks._running import stop_plugin
from wylloh_server.hooks.records import PluginStatus
from wylloh_server.testing._samples import sample_viewer

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
async def test_a_wrong_declaration_keeps_the_plugin_from_starting(house, source, reason):
    house.write("mine", source)
    async with house.running() as (registry, _):
        (record,) = registry.records()
        assert record.status is PluginStatus.FAILED
        assert reason in record.reason


async def test_a_plugin_starts_only_what_it_has_declared(house):
    house.write("mine", tasks('BackgroundTask("work", work)'))
    async with house.running() as (registry, _):
        own = registry.plugin("mine").context.tasks
        with pytest.raises(PluginError, match="'other'"):
            await own.start("other", "Other", {})
        with pytest.raises(PluginError, match="title"):
            await own.start("work", "", {})
        with pytest.raises(PluginError, match="JSON"):
            await own.start("work", "Work", {"now": asyncio})
        assert await house.work.tasks.all(sample_viewer(Role.OWNER)) == ()


async def ended(house, body, *, limits=Limits(answer=5)):
    """How a task with this body ends, and the plugin's record."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    house.write(
        "mine",
        f"""
async def work(context, progress):
{lines}

@hookimpl
def background_tasks():
    return [BackgroundTask("work", work)]
""",
    )
    async with house.running(limits=limits) as (registry, _):
        await registry.plugin("mine").context.tasks.start("work", "Work", {}, VIEWER)
        await house.work.jobs.settled()
        (task,) = await house.work.tasks.all(VIEWER)
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
        ("await progress.tell('many', 3)", "the task work: ValueError: invalid literal for int()"),
    ],
)
async def test_a_plugin_s_mistake_fails_its_task_and_is_counted(house, body, error):
    task, record = await ended(house, body)
    assert (task.state, task.says) == ("failed", MISTAKE)
    assert (record.status, record.errors) == ("running", 1)
    assert record.last_error.startswith(error)


@pytest.mark.parametrize("error", ["InvalidValue", "NotFound", "AccessRefused", "ChainError"])
async def test_a_plugin_may_say_why_it_cannot_be_done(house, error):
    task, record = await ended(house, f"raise {error}('The tag is gone', fix='Make it again.')")
    assert (task.state, task.says) == ("failed", "The tag is gone. Make it again.")
    assert record.errors == 0


async def test_a_task_that_does_not_let_itself_be_cancelled_keeps_nobody(house):
    house.write(
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
    async with house.running(limits=Limits(stop=0.05)) as (registry, _):
        plugin = registry.plugin("mine")
        task = await plugin.context.tasks.start("work", "Work", {}, VIEWER)
        await plugin.code.begun.wait()
        await house.work.tasks.cancel(VIEWER, task)
        assert (await house.work.tasks.get(VIEWER, task)).state == "cancelled"
        plugin.code.may_end.set()


async def test_a_task_of_a_plugin_that_no_longer_runs_or_does_it_says_so(house):
    house.write("mine", tasks('BackgroundTask("work", work)'))
    async with house.running() as (registry, _):
        desk, plugin = house.work.tasks, registry.plugin("mine")
        await desk.start("mine.older", "Older", {}, VIEWER.wallet)
        plugin.fail("stopped")
        await desk.start("mine.work", "Work", {}, VIEWER.wallet)
        await house.work.jobs.settled()
        said = {task.title: task.says for task in await desk.all(VIEWER)}
    assert said["Older"].startswith("The plugin mine, which began this, is not running.")
    assert said["Work"].startswith("The plugin mine, which began this, is not running.")


async def test_a_kind_that_a_newer_version_dropped_says_so(house):
    house.write("mine", tasks('BackgroundTask("work", work)'))
    async with house.running() as (_, _dispatch):
        await house.work.tasks.start("mine.older", "Older", {}, VIEWER.wallet)
        await house.work.jobs.settled()
        (task,) = await house.work.tasks.all(VIEWER)
    assert task.says == ("This version of the plugin mine no longer does this. Start it anew from its page.")


@pytest.mark.parametrize("busy", ["await asyncio.Event().wait()", "while not may_end.is_set(): pass"])
async def test_a_task_of_a_plugin_that_is_stopped_meanwhile_fails_with_a_sentence(house, busy):
    house.write(
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
    async with house.running(limits=Limits(stop=0.2)) as (registry, _):
        plugin = registry.plugin("mine")
        await plugin.context.tasks.start("work", "Work", {}, VIEWER)
        await asyncio.to_thread(plugin.code.begun.wait)
        plugin.fail("Stopped by a test.")
        await stop_plugin(plugin, registry.limits)
        await house.work.jobs.settled()
        (task,) = await house.work.tasks.all(VIEWER)
        plugin.code.may_end.set()
    assert (task.state, task.says) == (
        "failed",
        "The plugin mine was stopped before it could finish this. "
        "Whoever runs this server finds the reason on the admin page.",
    )
    assert plugin.errors == 0
