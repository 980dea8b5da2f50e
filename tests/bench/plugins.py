"""What it costs that a plugin's code runs in a thread of its own: a hook through the proxy, and a plain await."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.bench_environment import BenchEnvironment
from tests.bench.turns import in_turns_async
from tests.plugins.conftest import PluginEnvironment
from wylloh_server.plugins import Limits

_ROUNDS = 15
_CALLS = 100
_CODE = """
from sqlalchemy import Column, Integer, MetaData, Table, insert, select
from sqlalchemy.schema import CreateTable

cups = Table("plugin_benchtea_cups", MetaData(), Column("size", Integer))

@hookimpl
def migrations():
    return [Migration("0001", (CreateTable(cups), insert(cups).values(size=1)))]

@hookimpl
async def nav_items(context):
    return [NavItem("Tea")]

@hookimpl
async def page_fragments(context):
    found = await context.tables.fetch(select(cups))
    return [Fragment("cups.html", {"cups": found.rows})]
"""


def measure(_: BenchEnvironment) -> list[Figure]:
    """What a page pays for each plugin that adds to it."""
    with tempfile.TemporaryDirectory(prefix="wylloh-bench-plugin-") as folder:
        environment = PluginEnvironment(Path(folder))
        try:
            return asyncio.run(_measured(environment))
        finally:
            environment.forget()


async def _measured(environment: PluginEnvironment) -> list[Figure]:
    environment.write("benchtea", _CODE)
    async with environment.running(limits=Limits(answer=30)) as (registry, dispatch):
        plugin = registry.plugin("benchtea")
        context, code = plugin.context, plugin.code

        async def hook():
            return await dispatch.nav_items(None)

        async def plain():
            return await code.nav_items(context)

        async def hook_with_table():
            return await dispatch.fragments("film.tags", None, None)

        async def plain_with_table():
            return await code.page_fragments(context)

        bare = await in_turns_async(_ROUNDS, _timed(hook), _timed(plain))
        asking = await in_turns_async(_ROUNDS, _timed(hook_with_table), _timed(plain_with_table))
    floor = "the same coroutine awaited on the server's own loop"
    return [
        Figure("A plugin's hook that answers at once", "µs", "less", floor, *bare),
        Figure("A plugin's hook that reads a row", "µs", "less", floor, *asking),
    ]


def _timed(work):
    """Give microseconds for one call, the mean of many."""

    async def timed() -> float:
        begun = time.perf_counter()
        for _ in range(_CALLS):
            await work()
        return (time.perf_counter() - begun) / _CALLS * 1_000_000

    return timed
