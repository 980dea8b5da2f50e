"""Charts over a very long history: a million transfers, added up beforehand, shown by the plugin's own pages."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

from tests.bench.figures import Figure
from tests.bench.bench_environment import BenchEnvironment
from tests.bench.turns import in_turns_async
from wylloh_analytics.service import CountingService
from wylloh_analytics.tables import MIGRATIONS
from wylloh_analytics.play_counts import FilmId, _count
from wylloh_analytics.chart import Chart
from wylloh_analytics.charts import CHARTS
from wylloh_analytics.number_format import Number
from wylloh_server.storage import open_database
from wylloh_server.domain.access import Role
from wylloh_server.domain.film import Description, Film, FilmState, TokenOrigin, film_id_for
from wylloh_server.domain.chain_events import (
    ZERO_ADDRESS,
    ChainEvent,
    EventChange,
    EventPage,
    FilmCreated,
    IndexState,
    LadderChanged,
    LogPosition,
    TokensTransferred,
    TokensSold,
)
from wylloh_server.domain.rights import RightsLadder, Tier
from wylloh_server.domain.types import BlockNumber, ChainId, Timestamp, TokenReference, Wallet
from wylloh_server.sdk.testing import CONTRACTS, DOLLAR
from wylloh_server.sdk.testing.plugin_harness import running_plugin

_DAYS = 1095
_ROUNDS = 5
_PUBLISHERS = tuple(Wallet(f"0x{number:040x}") for number in range(0xA0, 0xA8))
_LADDER = RightsLadder(
    (Tier(1, "personal"), Tier(10, "small-venue", ("DE", "AT")), Tier(60, "streaming", ("FR",)), Tier(250, "theatrical"))
)  # fmt: skip
_FLOOR = "the same question to SQLite alone, over one row for each transfer and sale"
_YEAR = 364 * 86400
_HELD = """
    SELECT holder, token, sum(amount) AS held FROM (
        SELECT receiver AS holder, token, amount FROM moves UNION ALL SELECT sender, token, -amount FROM moves
    ) WHERE holder <> :store GROUP BY {by} HAVING held > 0
"""
_WEEK = "CAST((at - :begin) / 604800 AS INTEGER)"
_RECENT = f"FROM {{table}} WHERE at >= :begin GROUP BY {_WEEK}"


@dataclass(frozen=True)
class Bare:
    """How SQLite alone answers a chart's question: rows whose last number adds up to `shown` of the chart.

    Questions over time are about the year and the one before it, as on the chart; `begin` is when that began. Those
    rows have the week first, and weeks from the 52nd on are the chart's own.
    """

    sql: str
    shown: Callable[[Chart], Number | None]

    def sum(self, connection: sqlite3.Connection, begin: float) -> int:
        """Ask, and add up."""
        rows = connection.execute(self.sql, {"store": CONTRACTS.store, "begin": begin}).fetchall()
        return sum(row[-1] for row in rows if len(row) == 1 or row[0] >= 52)


def _column(label: str) -> Callable[[Chart], Number]:
    def total(chart: Chart) -> Number:
        (index,) = [place for place, column in enumerate(chart.columns) if column.label == label]
        return sum(row.cells[index] or 0 for row in chart.rows)

    return total


_BARE = {
    "revenue": Bare(f"SELECT {_WEEK}, sum(total) {_RECENT.format(table='sales')}", _column("Revenue")),
    "holders": Bare(
        f"SELECT count(*) FROM ({_HELD.format(by='holder')})", lambda chart: chart.rows[-1].cells[0]
    ),
    "concentration": Bare(f"SELECT held FROM ({_HELD.format(by='holder')}) ORDER BY held", lambda _: None),
    "holding-periods": Bare(f"SELECT sum(held) FROM ({_HELD.format(by='holder')})", _column("Tokens held")),
    "velocity": Bare(
        f"SELECT {_WEEK}, sum(CASE WHEN sender = :store OR sender = receiver THEN 0 ELSE amount END) "
        f"{_RECENT.format(table='moves')}",
        _column("Tokens that changed hands"),
    ),
    "newcomers": Bare(
        f"SELECT {_WEEK}, count(*) FROM (SELECT min(at) AS at FROM moves GROUP BY receiver) "
        f"WHERE at >= :begin GROUP BY {_WEEK}",
        _column("New"),
    ),
    "exhibitors": Bare(f"SELECT count(*) FROM ({_HELD.format(by='holder, token')})", _column("Holders")),
    "presale": Bare(
        f"SELECT {_WEEK}, sum(CASE WHEN presale THEN total ELSE 0 END) {_RECENT.format(table='sales')}",
        _column("Presale"),
    ),
    "plays": Bare(f"SELECT {_WEEK}, sum(begun) {_RECENT.format(table='plays')}", _column("Begun")),
    "geography": Bare(
        f"SELECT 2 * sum(held >= 10) + sum(held >= 60) FROM ({_HELD.format(by='holder, token')})",
        _column("Holders"),
    ),
}
"""In geography, ten tokens are enough for a right in two territories, and sixty for one in a third."""


def measure(bench_environment: BenchEnvironment) -> list[Figure]:
    """How long counting takes, and then each chart of a portfolio, over a year and compared with the one before."""
    folder = bench_environment.folder / "analytics"
    folder.mkdir()
    return asyncio.run(_measured(folder, bench_environment.scale.transfers))


async def _measured(folder: Path, transfers: int) -> list[Figure]:
    story = Story(transfers)
    facts, counting, storing = await _counted(folder, story)
    floor = "inserting the same transfers and sales, one row each, with SQLite alone"
    name = f"{transfers:,} transfers"
    figures = [
        Figure(f"Count {name} anew", "s", "less", floor, (counting,), (storing,)),
        Figure(f"Facts counted, {name}", "1/s", "more", floor, (facts / counting,), (facts / storing,)),
    ]
    async with running_plugin("wylloh_analytics", data=folder, films=story.films) as app:
        for name in CHARTS:
            figures.append(await _chart(app, folder, name, transfers))
    return figures


async def _counted(folder: Path, story: Story) -> tuple[int, float, float]:
    """Count as `wylloh plugin run analytics rebuild` does; how many facts, and the seconds of it and of the floor.

    Seconds of the processor: other programs on the machine change those of the clock several times over.
    """
    begun = time.process_time()
    _store_bare(folder / "bare.sqlite3", story)
    storing = time.process_time() - begun
    async with open_database(folder / "wylloh.sqlite3") as database:
        await database.storage.coins.keep(DOLLAR)
        await database.plugins.migrate("analytics", MIGRATIONS)
        tables = database.plugins.tables("analytics")
        begun = time.process_time()
        context = SimpleNamespace(chain=story, tables=tables, log=None, live=None)
        facts = await CountingService(context).rebuild()
        counting = time.process_time() - begun
        for day, times in _plays():
            counts = {"begun": times, "told": 1, "permille": 700}
            await _count(tables, FilmId(story.films[0].id), day, counts)
    return facts, counting, storing


def _store_bare(file: Path, story: Story) -> None:
    with contextlib.closing(sqlite3.connect(file)) as bare, bare:
        bare.executescript(
            """
            CREATE TABLE moves (token INTEGER, sender TEXT, receiver TEXT, amount INTEGER, at REAL);
            CREATE TABLE sales (token INTEGER, total INTEGER, presale INTEGER, at REAL);
            CREATE TABLE plays (begun INTEGER, at REAL);
            """
        )
        bare.executemany("INSERT INTO moves VALUES (?, ?, ?, ?, ?)", story.moves())
        bare.executemany("INSERT INTO sales VALUES (?, ?, ?, ?)", story.sales())
        bare.executemany("INSERT INTO plays VALUES (?, ?)", ((times, day * 86400) for day, times in _plays()))


def _plays():
    today = int(time.time() // 86400)
    return [(day, day % 9) for day in range(today - 800, today + 1)]


async def _chart(app, folder: Path, name: str, transfers: int) -> Figure:
    """Take the time of a chart's page, and of the bare question; what they say must be the same."""
    begin = (time.time() // 86400 + 1) * 86400 - 2 * _YEAR
    said, summed = [], []

    async def ours() -> float:
        begun = time.perf_counter()
        page = await app.get(f"chart/{name}", query={"period": "year"}, by=Role.OWNER)
        await app.render(page, by=Role.OWNER)
        said.append(_BARE[name].shown(page.values["charts"][0]["chart"]))
        return (time.perf_counter() - begun) * 1000

    async def bare() -> float:
        begun = time.perf_counter()
        with contextlib.closing(sqlite3.connect(folder / "bare.sqlite3")) as connection:
            summed.append(_BARE[name].sum(connection, begin))
        return (time.perf_counter() - begun) * 1000

    await ours()
    values, floors = await in_turns_async(_ROUNDS, ours, bare)
    assert said[-1] in {None, summed[-1]}, f"{name}: the chart says {said[-1]}, the transfers {summed[-1]}"
    return Figure(f"Chart {name}, {transfers:,} transfers", "ms", "less", _FLOOR, values, floors)


@dataclass(frozen=True)
class Story:
    """A feed of facts, made up: first sales, some before release, and tokens that are passed on."""

    transfers: int

    contracts = CONTRACTS

    @property
    def films(self) -> list[Film]:
        """Two hundred films at most, of some publishers."""
        return [
            Film(
                film_id_for(str(token)),
                Description(f"Film {number:03}"),
                TokenOrigin(token, "bafy", _PUBLISHERS[number % len(_PUBLISHERS)], "5a" * 32),
                FilmState.READY,
            )
            for number, token in enumerate(self._tokens)
        ]

    @property
    def _tokens(self) -> list[TokenReference]:
        count = min(200, self.transfers // 20)
        publishers = [_PUBLISHERS[number % len(_PUBLISHERS)] for number in range(count)]
        return [
            TokenReference(ChainId(1), CONTRACTS.registry, (int(publisher, 16) << 96) + number)
            for number, publisher in enumerate(publishers)
        ]

    def moves(self):
        """The transfers as plain rows."""
        for fact in self._facts():
            if isinstance(fact, TokensTransferred):
                yield fact.token.token_id & 0xFFFF, fact.sender, fact.receiver, fact.amount, fact.mark.at

    def sales(self):
        """The sales as plain rows."""
        for fact in self._facts():
            if isinstance(fact, TokensSold):
                yield fact.token.token_id & 0xFFFF, fact.total, fact.presale, fact.mark.at

    async def state(self) -> IndexState:
        """Everything is final."""
        return IndexState(*[BlockNumber(self.transfers + 2)] * 4)

    async def changes(self, after: int, *, kinds=(), limit: int = 1000) -> EventPage:
        """The feed, read from its beginning to its end again and again, as counting does."""
        feed = self._feed(after)
        feed.ahead += [
            EventChange(fact, added=True) for fact in islice(feed.facts, max(0, limit - len(feed.ahead)))
        ]
        steps = tuple(feed.ahead[:limit])
        return EventPage(steps, after + len(steps))

    def _feed(self, after: int) -> Feed:
        feed = _FEEDS.get(self)
        if feed is None or after < feed.place:
            feed = _FEEDS[self] = Feed(self._facts())
        while feed.place < after:
            if not feed.ahead:
                feed.ahead = [
                    EventChange(fact, added=True) for fact in islice(feed.facts, after - feed.place)
                ]
            passed = min(after - feed.place, len(feed.ahead))
            del feed.ahead[:passed]
            feed.place += passed
        return feed

    def _facts(self):
        dice = random.Random(1)
        people = [Wallet(f"0x{number + (1 << 64):040x}") for number in range(max(10, self.transfers // 40))]
        tokens = self._tokens
        begin = time.time() // 86400 * 86400 - _DAYS * 86400
        yield from self._created(begin)
        lots = [[] for _ in tokens]
        for number in range(self.transfers):
            at = begin + (number + 1) * _DAYS * 86400 / self.transfers
            film = dice.randrange(len(tokens))
            yield from self._step(dice, people, tokens[film], lots[film], number, at)

    def _created(self, begin):
        for number, token in enumerate(self._tokens):
            publisher = _PUBLISHERS[number % len(_PUBLISHERS)]
            yield FilmCreated(_mark(1, 2 * number, begin), token, publisher, 10**9, publisher, 500)
            yield LadderChanged(_mark(1, 2 * number + 1, begin), token, _LADDER)

    def _step(self, dice, people, token, lots, number, at):
        if dice.random() < 0.6 or not lots:
            buyer, quantity = dice.choice(people), dice.choice((1, 1, 1, 1, 1, 2, 2, 5, 10, 80))
            total = quantity * 4_990_000
            yield TokensTransferred(_mark(number + 2, 0, at), token, CONTRACTS.store, buyer, quantity)
            yield TokensSold(
                _mark(number + 2, 1, at), token, buyer, _PUBLISHERS[0], 0, quantity, DOLLAR.address, total,
                total // 20, ZERO_ADDRESS, 0, presale=number % 10 == 0,
            )  # fmt: skip
            lots.append([buyer, quantity])
        else:
            lot = dice.choice(lots)
            giver, lot[0] = lot[0], dice.choice(people)
            yield TokensTransferred(_mark(number + 2, 0, at), token, giver, lot[0], lot[1])


@dataclass
class Feed:
    """Where a story is being read: the facts not read yet, and steps that were read ahead from `place` on."""

    facts: Iterator[ChainEvent]
    ahead: list[EventChange] = field(default_factory=list)
    place: int = 0


_FEEDS: dict[Story, Feed] = {}
"""Going on is quick, beginning anew is not."""


def _mark(block, index, at):
    name = f"0x{block:064x}"
    return LogPosition(BlockNumber(block), name, name, index, Timestamp(at))
