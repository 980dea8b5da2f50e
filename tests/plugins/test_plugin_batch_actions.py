"""What is asked of plugins before one action happens to many films."""

from __future__ import annotations

import pytest

from wylloh_server.domain.access import Role
from wylloh_server.domain.errors import AccessRefused, InvalidValue, NotFound, PluginError
from wylloh_server.domain.plugin_batch import BatchRequest
from wylloh_server.plugins import Limits
from wylloh_server.services.library.plugin_batch_actions import PluginBatchActions
from wylloh_server.sdk.testing.samples import sample_films, sample_viewer

VIEWER, OWNER = sample_viewer(Role.VIEWER), sample_viewer(Role.OWNER)
REQUEST = BatchRequest(VIEWER, sample_films())


def plugin(plan="return BatchPlan('Fine.')", fields="return []", role="VIEWER"):
    return f"""
async def work(context, progress):
    return TaskResult("Done.")

async def plan(context, request):
    {plan}

async def fields(context, viewer):
    {fields}

@hookimpl
def background_tasks():
    return [BackgroundTask("work", work)]

@hookimpl
def batch_actions():
    return [BatchAction("act", "Act", plan, "work", fields, Role.{role})]
"""


async def test_each_role_is_offered_its_own(environment):
    environment.write("everybody", plugin())
    environment.write("mighty", plugin(role="OWNER"))
    async with environment.running() as (registry, _):
        asker = PluginBatchActions(registry)
        assert [name for name, _ in asker.offered(VIEWER)] == ["everybody"]
        assert {name for name, _ in asker.offered(OWNER)} == {"everybody", "mighty"}
        with pytest.raises(AccessRefused, match="owner"):
            await asker.plan("mighty", "act", REQUEST)
        with pytest.raises(AccessRefused, match="owner"):
            await asker.fields("mighty", "act", VIEWER)


@pytest.mark.parametrize(("name", "action"), [("gone", "act"), ("mine", "gone")])
async def test_what_is_not_there_is_not_found(environment, name, action):
    environment.write("mine", plugin())
    async with environment.running() as (registry, _):
        with pytest.raises(NotFound):
            await PluginBatchActions(registry).plan(name, action, REQUEST)


@pytest.mark.parametrize(
    ("body", "sentence", "blamed"),
    [
        ("raise RuntimeError('boom')", "made a mistake", "RuntimeError: boom"),
        ("await asyncio.Event().wait()", "took too long", "TimeoutError: took longer than 0.05 s"),
        ("return 'Fine.'", "made a mistake", "PluginError: "),
        ("raise SystemExit", "made a mistake", "PluginError: tried to end the server"),
    ],
)
@pytest.mark.parametrize("where", ["plan", "fields"])
async def test_a_mistake_is_told_and_counted(environment, where, body, sentence, blamed):
    environment.write("mine", plugin(**{where: body}))
    deadline = 0.05 if "took too long" in sentence else 30
    async with environment.running(limits=Limits(answer=deadline)) as (registry, _):
        asker = PluginBatchActions(registry)
        with pytest.raises(PluginError, match=sentence):
            await (
                asker.plan("mine", "act", REQUEST) if where == "plan" else asker.fields("mine", "act", VIEWER)
            )
        (record,) = registry.records()
        assert record.errors == 1
        assert blamed in record.last_error


async def test_a_plan_may_refuse_with_a_sentence(environment):
    environment.write("mine", plugin("raise InvalidValue('Not these.', fix='Select others.')"))
    async with environment.running() as (registry, _):
        with pytest.raises(InvalidValue, match="Not these"):
            await PluginBatchActions(registry).plan("mine", "act", REQUEST)
        assert registry.records()[0].errors == 0


async def test_a_plugin_that_was_stopped_offers_nothing(environment):
    environment.write("mine", plugin())
    async with environment.running() as (registry, _):
        registry.plugin("mine").fail("stopped")
        asker = PluginBatchActions(registry)
        assert asker.offered(OWNER) == ()
        with pytest.raises(PluginError, match="not running"):
            await asker.plan("mine", "act", REQUEST)
