"""The sums and charts on PostgreSQL: the same numbers as on SQLite."""

from __future__ import annotations

import uuid
from types import SimpleNamespace

import asyncpg
from plugins.analytics.tests.scenarios import DOLLAR, EURO
from plugins.analytics.tests.assertions import Told, long_story

from tests.components.postgres import postgres
from wylloh_analytics.queries import TotalsQueries
from wylloh_analytics.tables import MIGRATIONS, SUMS
from wylloh_analytics.play_counts import WatchHistory, _count
from wylloh_analytics.charts import CHARTS
from wylloh_analytics.time_buckets import ChartPeriod
from wylloh_analytics.totals import EVERYTHING
from wylloh_analytics.view import View
from wylloh_server.storage import open_database
from wylloh_server.domain.chain_events import Coin
from wylloh_server.sdk.testing import CONTRACTS, SampleChain

COINS = (DOLLAR, Coin(EURO, "dEUR", 18, permits=False))


async def everything_after_reorgs(place):
    """Let a long history happen, with reorgs, and give all sums, and all charts of two years and of a day."""
    async with open_database(place) as database:
        chain = SampleChain(database.storage, CONTRACTS)
        await database.plugins.migrate("analytics", MIGRATIONS)
        tables = database.plugins.tables("analytics")
        app = SimpleNamespace(chain=chain, context=SimpleNamespace(chain=chain.view, tables=tables))
        told = Told(app)
        for step in long_story(5, 60):
            if step == "count":
                await told.count(20)
            elif isinstance(step, int):
                await told.reorg(step)
            else:
                await told.block(*step)
        await told.count(20)
        last = int(told.at // 86400)
        for day in (last - 400, last, last):
            await _count(tables, "film", day, {"begun": 3, "told": 2, "finished": 1, "permille": 1300})
        sums = {table.name: sorted(map(repr, await told.rows(table))) for table in SUMS}
        return sums, await charts(tables, last), await history(tables)


async def charts(tables, last):
    found = []
    for period in (ChartPeriod("custom", last - 363, last), ChartPeriod("day", last, last)):
        view = View(
            TotalsQueries(tables), period, last, last * 24 + 23, EVERYTHING, False, None, DOLLAR, COINS
        )
        for name in CHARTS:
            chart = await CHARTS[name](view)
            found.append((name, chart.empty, chart.sentence, [(row.key, row.cells) for row in chart.rows]))
        found.append(
            (
                await TotalsQueries(tables).coins(EVERYTHING),
                await TotalsQueries(tables).of_films([2, 3], period.span),
            )
        )
    return found


async def history(tables):
    diary = WatchHistory(tables)
    for share in (0.5, None):
        await diary.add(DOLLAR.address, "film", share)
    await diary.forget(DOLLAR.address, (await diary.of(DOLLAR.address, 9, 0))[0].id)
    return await diary.count(DOLLAR.address), [one.share for one in await diary.of(DOLLAR.address, 9, 0)]


async def test_both_databases_say_the_same(tmp_path):
    with postgres() as cluster:
        name = f"test_{uuid.uuid4().hex}"
        connection = await asyncpg.connect(cluster)
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()
        there = await everything_after_reorgs(cluster.rpartition("/")[0] + f"/{name}")
    here = await everything_after_reorgs(tmp_path / "wylloh.sqlite3")
    assert there == here
    sums, drawn, (lines, _) = here
    assert all(sums.values())
    assert {name for name, empty, *_ in (one for one in drawn if len(one) > 2) if not empty} == set(CHARTS)
    assert lines == 1
