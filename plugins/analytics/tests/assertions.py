"""Lets stories happen on a test's chain, reads the plugin's sums, and says what they must be."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import asynccontextmanager

from plugins.analytics.tests.reference_model import DAY, ReferenceModel
from plugins.analytics.tests.scenarios import STORE, Teller
from sqlalchemy import select

from wylloh_analytics import tables
from wylloh_analytics.projection import AnalyticsProjection
from wylloh_analytics.service import service_of
from wylloh_analytics.queries import TotalsQueries
from wylloh_analytics.time_buckets import Grain, day_of
from wylloh_analytics.totals import EVERYTHING, FLOW, STILL_HELD
from wylloh_server.sdk import EventQuery
from wylloh_server.sdk.testing.plugin_harness import running_plugin

GAPS = (0, 1, 1800, 5400, 40_000, DAY, 9 * DAY, 40 * DAY)
BEGIN = 1_760_000_000


@asynccontextmanager
async def analytics(folder, **options):
    """The plugin, with nobody else counting: what is counted when is the test's to say."""
    async with running_plugin("wylloh_analytics", data=folder, **options) as app:
        assert (app.record.status, app.record.reason) == ("running", "")
        while not service_of(app.context).loop.idle:
            await asyncio.sleep(0.01)  # the plugin's own first look at the chain
        yield Told(app)


class Told:
    """A chain that a story is told on. `facts` are those that hold, as the chain has placed them."""

    def __init__(self, app):
        self.app = app
        self.at = BEGIN
        self._tellers = [Teller()]

    async def block(self, acts, gap=60):
        """Let a block happen with the facts of some acts."""
        teller = self._tellers[-1].fork()
        facts = [fact for act in acts for fact in teller.play(act)]
        self.at += gap
        await self.app.chain.happen(facts, self.at)
        self._tellers.append(teller)

    async def reorg(self, depth):
        """Take back the newest blocks."""
        depth = min(depth, len(self._tellers) - 1)
        if depth:
            del self._tellers[-depth:]
            await self.app.chain.take_back(depth)

    async def count(self, stretch=1000):
        await AnalyticsProjection(self.app.context, stretch).catch_up()

    async def facts(self):
        found = []
        while True:
            more = await self.app.context.chain.history(
                EventQuery(newest_first=False, limit=1000, offset=len(found))
            )
            if not more:
                return found
            found += more

    async def reference(self):
        return ReferenceModel(await self.facts(), STORE)

    async def rows(self, table):
        return (await self.app.context.tables.fetch(select(table))).rows

    async def scopes(self):
        """What the reference model calls a scope → its number in the plugin's tables."""
        from wylloh_server.domain.types import TokenReference

        numbers = {None: EVERYTHING}
        for token, scope, publisher, theirs in await self.rows(tables.films):
            numbers |= {TokenReference.parse(token): scope, publisher: theirs}
        return numbers


async def assert_sums_are_true(told):
    """Compare every sum there is with what the reference model says."""
    truth, numbers = await told.reference(), await told.scopes()
    flow, sizes = await told.rows(tables.flow), await told.rows(tables.sizes)
    spans, money = await told.rows(tables.spans), await told.rows(tables.money)
    assert {token for token in truth.publisher} <= set(numbers)
    days = sorted({day_of(fact.mark.at) for fact in truth.facts})
    for scope, number in numbers.items():
        for grain, seconds in ((Grain.HOUR, 3600), (Grain.DAY, DAY)):
            assert flow_of(flow, number, grain) == truth.flow(scope, seconds), (scope, grain)
            assert money_of(money, number, grain) == truth.money(scope, seconds), (scope, grain)
        for day in days:
            assert sizes_of(sizes, number, day) == truth.sizes(day, scope), (scope, day)
        assert spans_of(spans, number) == truth.spans(scope), scope
    for day in days:
        known = await TotalsQueries(told.app.context.tables).ladders(day)
        expected = {numbers[token]: truth.ladder(token, day) for token in truth.publisher}
        assert known == {scope: ladder for scope, ladder in expected.items() if ladder}, day


def flow_of(rows, scope, grain):
    found = {
        row[2]: Counter(dict(zip(FLOW, row[3:], strict=True))) for row in rows if row[:2] == (scope, grain)
    }
    return {start: +row for start, row in found.items() if any(row.values())}


def money_of(rows, scope, grain):
    return {tuple(row[2:5]): int(row[5]) for row in rows if row[:2] == (scope, grain) and row[5] != "0"}


def sizes_of(rows, scope, day):
    found = Counter()
    for row in rows:
        if row[:2] == (scope, Grain.DAY) and row[2] <= day:
            found[row[3]] += row[4]
    return {tokens: wallets for tokens, wallets in found.items() if wallets}


def spans_of(rows, scope):
    return {
        (came, None if left == STILL_HELD else left): tokens
        for found, left, came, tokens in rows
        if found == scope and tokens
    }


def long_story(seed, blocks):
    """Blocks of acts with gaps, `(acts, gap)`, and now and then "count" and the depth of a reorg."""
    dice = random.Random(seed)

    def act():
        return tuple(dice.randrange(1 << 16) for _ in range(4))

    yield [(0, 0, 1, 0), (0, 0, 0, 0), (1, 0, 49, 0)], 60
    for _ in range(blocks):
        if dice.random() < 0.06:
            yield "count"
            yield dice.randrange(1, 6)
        else:
            yield [act() for _ in range(dice.randrange(1, 6))], dice.choice(GAPS)
