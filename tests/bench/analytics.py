"""Charts over a very long history: a million transfers, added up beforehand, shown by the plugin's own pages."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from tests.bench.figures import Figure
from tests.bench.theatre import Theatre
from tests.bench.turns import in_turns_async
from wylloh_analytics._counting import LONG_STRETCH, Counting
from wylloh_analytics._tables import MIGRATIONS
from wylloh_analytics._viewing import FilmId, _count
from wylloh_analytics.charts import CHARTS
from wylloh_server.adapters.database import open_database
from wylloh_server.domain.access import Role
from wylloh_server.domain.film import Description, Film, FilmState, TokenOrigin, film_id_of
from wylloh_server.domain.onchain import (
    NOBODY,
    Change,
    Changes,
    FilmCreated,
    IndexState,
    LadderChanged,
    Mark,
    TokensMoved,
    TokensSold,
)
from wylloh_server.domain.rights import RightsLadder, Tier
from wylloh_server.domain.types import BlockNumber, ChainId, Timestamp, TokenReference, Wallet
from wylloh_server.testing import CONTRACTS, DOLLAR
from wylloh_server.testing._app import running_plugin

_DAYS = 1095
_ROUNDS = 5
_PUBLISHERS = tuple(Wallet(f"0x{number:040x}") for number in range(0xA0, 0xA8))
_LADDER = RightsLadder(
    (Tier(1, "personal"), Tier(10, "small-venue", ("DE", "AT")), Tier(60, "streaming", ("FR",)), Tier(250, "theatrical"))
)  # fmt: skip
_FLOOR = "counting the same transfers, one row each, with SQLite alone"


def measure(theatre: Theatre) -> list[Figure]:
    """How long counting takes, and then each chart of a portfolio, over a year and compared with the one before."""
    folder = theatre.folder / "analytics"
    folder.mkdir()
    return asyncio.run(_measured(folder, theatre.scale.transfers))


async def _measured(folder: Path, transfers: int) -> list[Figure]:
    story = Story(transfers)
    counting, storing = await _counted(folder, story)
    floor = "inserting the same transfers, one row each, with SQLite alone"
    name = f"Count {transfers:,} transfers anew"
    figures = [Figure(name, "s", "less", floor, (counting,), (storing,))]
    async with running_plugin("wylloh_analytics", data=folder, films=story.films) as app:
        for name in CHARTS:
            figures.append(await _chart(app, folder, name, transfers))
    return figures


async def _counted(folder: Path, story: Story) -> tuple[float, float]:
    begun = time.perf_counter()
    with sqlite3.connect(folder / "bare.sqlite3") as bare:
        bare.execute(
            "CREATE TABLE moves (token INTEGER, sender TEXT, receiver TEXT, amount INTEGER, at REAL)"
        )
        bare.executemany("INSERT INTO moves VALUES (?, ?, ?, ?, ?)", story.moves())
    bare.close()
    storing = time.perf_counter() - begun
    async with open_database(folder / "wylloh.sqlite3") as database:
        await database.storage.coins.keep(DOLLAR)
        await database.plugins.migrate("analytics", MIGRATIONS)
        tables = database.plugins.tables("analytics")
        begun = time.perf_counter()
        await Counting(SimpleNamespace(chain=story, tables=tables), LONG_STRETCH).catch_up()
        counting = time.perf_counter() - begun
        today = int(time.time() // 86400)
        for day in range(today - 400, today + 1):
            await _count(
                tables, FilmId(story.films[0].id), day, {"begun": day % 9, "told": 1, "permille": 700}
            )
    return counting, storing


async def _chart(app, folder: Path, name: str, transfers: int) -> Figure:
    async def ours() -> float:
        begun = time.perf_counter()
        page = await app.get(f"chart/{name}", query={"period": "year"}, by=Role.OWNER)
        assert page.values["charts"][0]["chart"].written, "every chart has something to show"
        return (time.perf_counter() - begun) * 1000

    async def bare() -> float:
        begun = time.perf_counter()
        connection = sqlite3.connect(folder / "bare.sqlite3")
        connection.execute("SELECT count(*) FROM moves").fetchone()
        connection.close()
        return (time.perf_counter() - begun) * 1000

    await ours()
    values, floors = await in_turns_async(_ROUNDS, ours, bare)
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
                film_id_of(str(token)),
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
            if isinstance(fact, TokensMoved):
                yield fact.token.token_id & 0xFFFF, fact.sender, fact.receiver, fact.amount, fact.mark.at

    async def state(self) -> IndexState:
        """Everything is final."""
        return IndexState(*[BlockNumber(self.transfers + 2)] * 4)

    async def changes(self, after: int, *, kinds=(), limit: int = 1000) -> Changes:
        """The feed, read from its beginning to its end again and again, as counting does."""
        feed = self._feed(after)
        steps = tuple(Change(fact, added=True) for _, fact in zip(range(limit), feed, strict=False))
        _FEEDS[self] = (after + len(steps), feed)
        return Changes(steps, after + len(steps))

    def _feed(self, after: int):
        place, feed = _FEEDS.get(self, (None, None))
        if place == after:
            return feed
        feed = self._facts()
        for _ in zip(range(after), feed, strict=False):
            pass
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
            yield TokensMoved(_mark(number + 2, 0, at), token, CONTRACTS.store, buyer, quantity)
            yield TokensSold(
                _mark(number + 2, 1, at), token, buyer, _PUBLISHERS[0], 0, quantity, DOLLAR.address, total,
                total // 20, NOBODY, 0, presale=number % 10 == 0,
            )  # fmt: skip
            lots.append([buyer, quantity])
        else:
            lot = dice.choice(lots)
            giver, lot[0] = lot[0], dice.choice(people)
            yield TokensMoved(_mark(number + 2, 0, at), token, giver, lot[0], lot[1])


_FEEDS: dict = {}
"""Where a story is being read: going on is quick, beginning anew is not."""


def _mark(block, index, at):
    name = f"0x{block:064x}"
    return Mark(BlockNumber(block), name, name, index, Timestamp(at))
