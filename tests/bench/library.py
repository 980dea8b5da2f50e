"""The library page of somebody with many films, and with very many."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator

from tests.bench.figures import Figure
from tests.bench.servers import Load, load, static_files, wait_until_quiet, write_settings, wylloh
from tests.bench.stored_films import store_films
from tests.bench.bench_environment import BenchEnvironment, first_visit
from tests.bench.turns import in_turns, seconds
from tests.bench.bench_client import BenchClient
from wylloh_server.domain.film import Description, Film, FilmState, FolderOrigin, film_id_for
from wylloh_server.domain.types import Seconds

_CONNECTIONS = 4
_AT_LEAST = 2
"""Pages that each connection gets in one round, however slow they are."""
_FLOOR = "a file of the same size from aiohttp's static route, same client"


def measure(bench_environment: BenchEnvironment) -> list[Figure]:
    """Measure the first page as a signed-in person gets it, made for every request by one process."""
    return [figure for films in bench_environment.scale.shelves for figure in _page(bench_environment, films)]


def _page(bench_environment: BenchEnvironment, films: int) -> list[Figure]:
    scale, folder = bench_environment.scale, bench_environment.folder / "library" / str(films)
    files = folder / "files"
    files.mkdir(parents=True)
    settings = write_settings(folder, bench_environment.port)
    with first_visit(settings, bench_environment.port, films=0) as (_, bench_client):
        cookies = bench_client.cookies
    asyncio.run(store_films(folder / "data", _films(films)))
    url = f"http://127.0.0.1:{bench_environment.port}"
    with (
        wylloh(settings, bench_environment.port) as running,
        BenchClient(url, cookies) as bench_client,
        static_files(files) as plain,
    ):
        (files / "page.html").write_bytes(bench_client.get("/"))
        wait_until_quiet(running, scale.settle_seconds)
        one = seconds(lambda: bench_client.get("/"))
        patience = max(scale.wrk_seconds, math.ceil(one * _CONNECTIONS * _AT_LEAST))
        header = bench_client.cookie_header
        ours, floors = in_turns(
            scale.wrk_rounds,
            lambda: load(url, ["/"], patience, cookie=header, connections=_CONNECTIONS),
            lambda: load(plain, ["/page.html"], scale.wrk_seconds, connections=_CONNECTIONS),
        )
    return _figures(f"Library page with {films:,} films", ours, floors)


def _figures(name: str, ours: tuple[Load, ...], floors: tuple[Load, ...]) -> list[Figure]:
    rates = (tuple(one.per_second for one in loads) for loads in (ours, floors))
    times = (tuple(one.p95 for one in loads) for loads in (ours, floors))
    return [
        Figure(name, "per s", "more", _FLOOR, *rates),
        Figure(f"{name}, 95 % within", "ms", "less", _FLOOR, *times),
    ]


def _films(count: int) -> Iterator[Film]:
    for number in range(count):
        about = Description(f"Film {number:06}", year=1900 + number % 120, runtime=Seconds(5400), height=1080)
        path = f"/films/{number}.mp4"
        yield Film(film_id_for(f"file:{path}"), about, FolderOrigin(path), FilmState.READY, 1.0)
