"""What is asked of plugins before one action happens to many films."""

from __future__ import annotations

import pytest

from wylloh_server.domain.access import Role
from wylloh_server.domain.errors import AccessRefused, InvalidValue, NotFound, PluginError
from wylloh_server.hooks import BatchRequest, Limits
from wylloh_server.hooks.batch import BatchAsker
from wylloh_server.testing._samples import sample_films, sample_viewer

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


async def test_each_role_is_offered_its_own(house):
    house.write("everybody", plugin())
    house.write("mighty", plugin(role="OWNER"))
    async with house.running() as (registry, _):
        asker = BatchAsker(registry)
        assert [name for name, _ in asker.actions(VIEWER)] == ["everybody"]
        assert {name for name, _ in asker.actions(OWNER)} == {"everybody", "mighty"}
        with pytest.raises(AccessRefused, match="owner"):
            await asker.plan("mighty", "act", REQUEST)
        with pytest.raises(AccessRefused, match="owner"):
            await asker.fields("mighty", "act", VIEWER)


@pytest.mark.parametrize(("name", "action"), [("gone", "act"), ("mine", "gone")])
async def test_what_is_not_there_is_not_found(house, name, action):
    house.write("mine", plugin())
    async with house.running() as (registry, _):
        with pytest.raises(NotFound):
            await BatchAsker(registry).plan(name, action, REQUEST)


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
async def test_a_mistake_is_told_and_counted(house, where, body, sentence, blamed):
    house.write("mine", plugin(**{where: body}))
    async with house.running(limits=Limits(answer=0.05)) as (registry, _):
        asker = BatchAsker(registry)
        with pytest.raises(PluginError, match=sentence):
            await (
                asker.plan("mine", "act", REQUEST) if where == "plan" else asker.fields("mine", "act", VIEWER)
            )
        (record,) = registry.records()
        assert record.errors == 1
        assert blamed in record.last_error


async def test_a_plan_may_refuse_with_a_sentence(house):
    house.write("mine", plugin("raise InvalidValue('Not these.', fix='Select others.')"))
    async with house.running() as (registry, _):
        with pytest.raises(InvalidValue, match="Not these"):
            await BatchAsker(registry).plan("mine", "act", REQUEST)
        assert registry.records()[0].errors == 0


async def test_a_plugin_that_was_stopped_offers_nothing(house):
    house.write("mine", plugin())
    async with house.running() as (registry, _):
        registry.plugin("mine").fail("stopped")
        asker = BatchAsker(registry)
        assert asker.actions(OWNER) == ()
        with pytest.raises(PluginError, match="not running"):
            await asker.plan("mine", "act", REQUEST)
