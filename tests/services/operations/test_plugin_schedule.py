"""Background tasks of plugins that begin by themselves."""

from __future__ import annotations

from tests.fakes import FakeClock
from tests.plugins.conftest import environment  # noqa: F401 - a fixture
from wylloh_server.services.operations.plugin_schedule import PluginSchedule

SOURCE = """
async def sweep(context, progress):
    return TaskResult("Swept.")

@hookimpl
def background_tasks():
    return [BackgroundTask("sweep", sweep, every=3600, title="Sweep"), BackgroundTask("other", sweep)]
"""


async def test_a_task_begins_when_it_is_due_and_a_restart_repeats_nothing(environment):  # noqa: F811
    environment.write("mine", SOURCE)
    clock = FakeClock()
    async with environment.running() as (registry, _):
        tasks = environment.work.tasks
        tasks.clock = clock

        async def begun():
            await PluginSchedule(
                registry, tasks, environment.storage.cursors, clock
            ).start_due()  # another one each time, as after a restart
            await environment.work.jobs.settled()
            return [(one.kind, one.title, one.state, one.started) for one in await tasks.tasks.all()]

        first = ("mine.sweep", "Sweep", "done", clock())
        assert await begun() == [first]
        clock.now += 3599
        assert await begun() == [first]
        clock.now += 1
        again = [("mine.sweep", "Sweep", "done", clock())]
        assert await begun() == again, "and the one before is forgotten"
        await tasks.tasks.clear()
        clock.now += 60
        assert await begun() == [], "though somebody has cleared the list"
        clock.now -= 365 * 86_400
        assert len(await begun()) == 1, "a clock that was set right puts nothing off"


async def test_a_plugin_that_does_not_run_begins_nothing(environment):  # noqa: F811
    environment.write("mine", SOURCE + "@hookimpl\nasync def lifespan():\n    raise ValueError\n    yield\n")
    async with environment.running() as (registry, _):
        cursors = environment.storage.cursors
        await PluginSchedule(registry, environment.work.tasks, cursors, FakeClock()).start_due()
        assert await environment.work.tasks.tasks.all() == ()


async def test_no_task_runs_every_second(environment):  # noqa: F811
    environment.write("mine", SOURCE.replace("every=3600", "every=1"))
    async with environment.running() as (registry, _):
        assert registry.records()[0].reason == "The task sweep may run once a minute at most."
