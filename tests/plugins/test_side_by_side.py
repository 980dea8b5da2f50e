"""Plugins are loaded side by side: one that hangs while it is imported delays nobody."""

from __future__ import annotations

import asyncio
import sys
import threading

from wylloh_server.domain.access import AccessRequest, Role, Verdict
from wylloh_server.plugins import Limits
from wylloh_server.plugins.loading import unload
from wylloh_server.sdk.testing.samples import sample_films, sample_viewer

GOOD = "@hookimpl\nasync def nav_items():\n    return [NavItem('Good')]\n"
WAITS = """
import time
gate = Path(__file__).parent / "gate"
while not gate.exists():
    time.sleep(0.02)

@hookimpl
async def nav_items():
    return [NavItem("Late")]

@hookimpl
async def access_vote():
    return Vote(Verdict.ALLOW, "come in")
"""
MEETS = """
import time
(Path(__file__).parents[2] / "{own}.here").touch()
other = Path(__file__).parents[2] / "{other}.here"
while not other.exists():
    time.sleep(0.02)
"""


def test_a_plugin_is_unloaded_while_others_are_imported():
    ended, switches = threading.Event(), sys.getswitchinterval()

    def import_others():
        while not ended.is_set():
            for number in range(50):
                sys.modules[f"another_{number}"] = sys
            for number in range(50):
                del sys.modules[f"another_{number}"]

    sys.setswitchinterval(1e-6)
    thread = threading.Thread(target=import_others)
    thread.start()
    try:
        for _ in range(3000):
            assert unload("no_such_plugin") == {}
    finally:
        ended.set()
        thread.join()
        sys.setswitchinterval(switches)


async def test_each_is_imported_while_the_others_are(environment):
    environment.write("one", MEETS.format(own="one", other="two"))
    environment.write("two", MEETS.format(own="two", other="one"))
    async with environment.running(limits=Limits(load=10)) as (registry, _):
        assert [record.status for record in registry.records()] == ["running", "running"]


async def test_one_that_hangs_delays_nobody_denies_and_starts_when_it_can(environment):
    package = environment.write("slow", WAITS)
    environment.write("good", GOOD)
    request = AccessRequest(sample_viewer(Role.VIEWER), sample_films()[0], "personal")
    told = []
    async with environment.running(patience=0.2) as (registry, dispatch):
        registry.listeners.append(lambda: told.append(registry.plugin("slow").status))
        assert {record.name: record.status for record in registry.records()} == {
            "good": "running",
            "slow": "loading",
        }
        assert [item.label for item in await dispatch.nav_items(None)] == ["Good"]
        result = await dispatch.count_votes(request)
        assert (result.vote.verdict, result.plugins) == (Verdict.DENY, ("slow",))
        (package / "gate").touch()
        async with asyncio.timeout(10):
            while not told:
                await asyncio.sleep(0.02)
        assert told == ["running"]
        assert (await dispatch.count_votes(request)).vote.sentence == "come in"


async def test_a_server_stops_while_one_is_still_loading(environment):
    package = environment.write("slow", WAITS)
    async with environment.running(patience=0.1) as (registry, _):
        assert registry.plugin("slow").status == "loading"
    (package / "gate").touch()
    assert registry.plugin("slow").loading.exception(10) is None


async def test_one_that_is_loaded_again_and_hangs_delays_no_page_of_another(environment):
    environment.write("good", GOOD)
    package = environment.write("slow", "")
    async with environment.running() as (registry, _):
        with (package / "__init__.py").open("a") as file:
            file.write("(Path(__file__).parent / 'here').touch()\n" + WAITS)
        restart = asyncio.create_task(registry.restart("slow"))
        async with asyncio.timeout(10):
            while not (package / "here").exists():
                await asyncio.sleep(0.01)
            assert await registry.is_down("good") is False
            assert await registry.is_down("nobody") is False
        own = asyncio.create_task(registry.is_down("slow"))
        await asyncio.sleep(0.05)
        assert not own.done(), "its own pages wait for it"
        (package / "gate").touch()
        assert await own is False
        assert (await restart).status == "running"
