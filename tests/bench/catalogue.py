"""The store over very many titles: one search with all its facets, and the whole page of it."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import cycle
from pathlib import Path
from urllib.parse import urlencode

from sqlalchemy import insert

from tests.bench.figures import Figure
from tests.bench.servers import static_files, wait_until_quiet, write_settings, wrk, wylloh
from tests.bench.stored_films import store_films
from tests.bench.bench_environment import BenchEnvironment, first_visit
from tests.bench.turns import in_turns
from tests.bench.bench_client import BenchClient
from wylloh_server.storage import open_database
from wylloh_server.domain.film import Credit, Description, Film, FilmState, TokenOrigin, film_id_for
from wylloh_server.domain.types import ChainId, Cid, Seconds, TokenReference, Wallet
from wylloh_server.sdk import (
    Coin,
    FilmCreated,
    LadderChanged,
    OfferChanged,
    PriceStep,
    RightsLadder,
    Tier,
    Timestamp,
)
from wylloh_store.offer import FilmMarket, Offer
from wylloh_store.projection import STORED_FIELDS
from wylloh_store.index import StoreIndex
from wylloh_store.tables import facts, sums
from wylloh_store.search_query import parse_search_query

_REGISTRY, _STORE, _COIN, _MAKER = (Wallet("0x" + digits * 20) for digits in ("c0", "c1", "d0", "ab"))
_DOLLAR = Coin(_COIN, "dUSD", 6, permits=True)
_ROOT = Cid("bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354")
_GENRES = (
    "Drama",
    "Comedy",
    "Documentary",
    "Film noir",
    "Western",
    "Animation",
    "Horror",
    "Romance",
    "Musical",
)
_LADDER = RightsLadder((Tier(1, "personal"), Tier(100, "small-venue", seats=50), Tier(5000, "theatrical")))
_ROUNDS, _SEARCHES = 7, 40
_CONNECTIONS = 4


def measure(bench_environment: BenchEnvironment) -> list[Figure]:
    """A search in the process, then the page of it as a signed-in person gets it."""
    stock = list(_stock(bench_environment.scale.titles))
    return [_search(stock), _page(bench_environment, stock)]


def _search(stock: list[tuple[Film, FilmMarket]]) -> Figure:
    """Search with two facets chosen and all facets counted, beside looking for the same words in SQLite."""
    index = asyncio.run(_shop(stock))
    words = [film.title.split()[1] for film, _ in stock]
    wishes = cycle(
        [parse_search_query({"q": word, "genre": "drama,comedy", "runtime": "60-90"}) for word in words[:199]]
    )
    texts = cycle(words[:199])
    with closing(_plain_table(stock)) as database:

        def ours() -> float:
            begun = time.perf_counter()
            for _ in range(_SEARCHES):
                index.find(next(wishes))
            return (time.perf_counter() - begun) * 1000 / _SEARCHES

        def floor() -> float:
            begun = time.perf_counter()
            for _ in range(_SEARCHES):
                database.execute(
                    "SELECT number FROM films WHERE words LIKE ?", (f"%{next(texts)}%",)
                ).fetchall()
            return (time.perf_counter() - begun) * 1000 / _SEARCHES

        measured = in_turns(_ROUNDS, ours, floor)
    floor_is = "SQLite finds the word by LIKE in the same texts in memory, and counts no facet"
    return Figure(f"Search of {len(stock):,} titles with facets", "ms", "less", floor_is, *measured)


def _page(bench_environment: BenchEnvironment, stock: list[tuple[Film, FilmMarket]]) -> Figure:
    """The page of such a search, from a server whose chain cannot be asked just now."""
    folder, scale = bench_environment.folder / "catalogue", bench_environment.scale
    files = folder / "files"
    files.mkdir(parents=True)
    chain = {
        "rpc": ["http://127.0.0.1:9"],
        "id": 1,
        "contract": _REGISTRY,
        "store": _STORE,
        "poll_seconds": 600,
    }
    settings = write_settings(folder, bench_environment.port, chain=chain)
    with first_visit(settings, bench_environment.port, films=0) as (_, bench_client):
        cookies = bench_client.cookies
    asyncio.run(_fill(folder / "data", stock))
    path = "/plugins/store/?" + urlencode({"genre": "drama", "sort": "title"})
    url = f"http://127.0.0.1:{bench_environment.port}"
    with (
        wylloh(settings, bench_environment.port) as running,
        BenchClient(url, cookies) as bench_client,
        static_files(files) as plain,
    ):
        (files / "page.html").write_bytes(bench_client.get(path))
        wait_until_quiet(running, scale.settle_seconds)
        header = bench_client.cookie_header
        measured = in_turns(
            scale.wrk_rounds,
            lambda: wrk(url, [path], scale.wrk_seconds, cookie=header, connections=_CONNECTIONS),
            lambda: wrk(plain, ["/page.html"], scale.wrk_seconds, connections=_CONNECTIONS),
        )
    floor_is = "a file of the same size from aiohttp's static route, same client"
    return Figure(f"Store page over {len(stock):,} titles", "per s", "more", floor_is, *measured)


def _stock(count: int) -> Iterator[tuple[Film, FilmMarket]]:
    """Make titles of made-up words, each on sale; the same ones every time."""
    chance = random.Random(7)
    words = ["".join(chance.choices("abcdefghijklmnoprstuvw", k=chance.randint(3, 9))) for _ in range(4000)]
    for number in range(count):
        token = TokenReference(ChainId(1), _REGISTRY, number)
        about = Description(
            " ".join(chance.choices(words, k=3)).title(),
            " ".join(chance.choices(words, k=60)),
            chance.randint(1920, 2026),
            Seconds(chance.randint(600, 9000)),
            credits=tuple(Credit("Cast", " ".join(chance.choices(words, k=2)).title()) for _ in range(5)),
            languages=tuple(chance.sample(["en", "de", "fr", "ja", "pt"], 2)),
            genres=tuple(chance.sample(_GENRES, 2)),
        )
        origin = TokenOrigin(token, _ROOT, _MAKER, "5a" * 32)
        film = Film(film_id_for(str(token)), about, origin, FilmState.READY, 1.0)
        steps = (PriceStep(1, chance.randint(1, 3000) * 10_000),)
        offer = Offer(_MAKER, _MAKER, _COIN, Timestamp(0), Timestamp(0), 0, steps)
        left = chance.choice([0, 50, 6000])
        yield (
            film,
            FilmMarket(
                token, Timestamp(number), _MAKER, 9000, _MAKER, 500, 6000, left, ladder=_LADDER, offer=offer
            ),
        )


async def _shop(stock: list[tuple[Film, FilmMarket]]) -> StoreIndex:
    index = StoreIndex()
    await index.add_coin(_DOLLAR)
    await index.set_markets(
        {str(film.token): market for film, market in stock}, [str(film.token) for film, _ in stock]
    )
    await index.put_films([film for film, _ in stock])
    return index


def _plain_table(stock: list[tuple[Film, FilmMarket]]) -> sqlite3.Connection:
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE films (number INTEGER PRIMARY KEY, words TEXT)")
    rows = [(number, _words(film.description)) for number, (film, _) in enumerate(stock)]
    database.executemany("INSERT INTO films VALUES (?, ?)", rows)
    return database


def _words(about: Description) -> str:
    people = " ".join(f"{credit.role} {credit.name}" for credit in about.credits)
    return " ".join((about.title, about.synopsis, people, *about.genres))


async def _fill(data: Path, stock: list[tuple[Film, FilmMarket]]) -> None:
    """Write films, and what the plugin would have read from the chain."""
    await store_films(data, [film for film, _ in stock])
    async with open_database(data / "wylloh.sqlite3") as database:
        tables = database.plugins.tables("store")
        await database.storage.coins.keep(_DOLLAR)
        for film, market in stock:
            await tables.change(list(_rows(str(film.token), market)))


def _rows(token: str, market: FilmMarket) -> Iterator[object]:
    totals = {name: str(getattr(market, name)) for name in ("minted", "in_store", "sold")}
    yield insert(sums).values(token=token, **totals)
    said = {
        FilmCreated: market,
        LadderChanged: market,
        OfferChanged: market.offer,
    }
    for position, (kind, values) in enumerate(said.items()):
        number = market.token.token_id
        row = {"kind": kind.__name__, "token": token, "block": number, "at": float(number)}
        row["said"] = STORED_FIELDS[kind](values)
        yield insert(facts).values(block_hash=f"0x{number:064x}", position=position, **row)
