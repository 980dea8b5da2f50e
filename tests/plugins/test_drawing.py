"""A plugin's templates are drawn in the plugin's thread: one that hangs costs only itself."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from wylloh_server.domain.errors import PluginError
from wylloh_server.plugins import Limits
from wylloh_server.plugins.dispatch import PluginCallFailed


@pytest.fixture
async def running(environment):
    environment.write("mine", "")
    async with environment.running(limits=Limits(draw=0.3, hang=0.2, stop=0.2)) as (registry, dispatch):
        yield registry, dispatch


async def test_a_template_is_drawn_there_and_asks_the_server_here(running):
    _, dispatch = running
    home = threading.get_ident()

    async def fragments(slot):
        return f"{slot} {threading.get_ident() == home}"

    carried = dispatch.on_server_loop("mine", fragments)

    async def draw():
        return f"{threading.get_ident() != home} {await carried('film.tags')}"

    assert await dispatch.render("mine", "page.html", draw()) == "True film.tags True"


async def test_a_template_that_hangs_is_counted_and_closed(running):
    registry, dispatch = running

    async def draw():
        time.sleep(1.5)

    with pytest.raises(PluginCallFailed):
        await dispatch.render("mine", "page.html", draw())
    (record,) = registry.records()
    assert record.last_error == "the template page.html: TimeoutError: took longer than 0.3 s"
    async with asyncio.timeout(10):
        while not registry.records()[0].closed or registry.records()[0].status != "running":
            await asyncio.sleep(0.02)
    assert registry.records()[0].closed == ("the template page.html",)
    assert registry.records()[0].last_error.startswith("It hangs: the template page.html took too long")


async def test_a_template_that_fails_is_counted_once(running):
    registry, dispatch = running

    async def draw():
        raise ValueError("no value")

    with pytest.raises(PluginCallFailed):
        await dispatch.render("mine", "page.html", draw())
    (record,) = registry.records()
    assert (record.errors, record.last_error) == (1, "the template page.html: ValueError: no value")


async def test_a_template_that_fails_again_and_again_is_not_drawn_for_a_while(environment):
    environment.write("mine", "")
    drawn = []

    async def draw(name):
        drawn.append(name)
        raise ValueError("no value")

    async with environment.running(limits=Limits(failures=3)) as (registry, dispatch):
        for name in ("a.html", "a.html", "a.html", "a.html", "b.html"):
            with pytest.raises(PluginError):
                await dispatch.render("mine", name, draw(name))
        assert drawn == ["a.html"] * 3 + ["b.html"]
        assert registry.records()[0].closed == ("the template a.html",)
