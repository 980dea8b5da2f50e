"""The library page of somebody with very many films."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.servers import static_files, wait_until_quiet, write_settings, wrk, wylloh
from tests.bench.theatre import Theatre, first_visit
from tests.bench.turns import in_turns
from tests.bench.visitor import Visitor
from wylloh_server.adapters.database import open_database
from wylloh_server.domain.film import Description, Film, FilmState, FolderOrigin, film_id_of
from wylloh_server.domain.types import Seconds

_CONNECTIONS = 4
_FLOOR = "a file of the same size from aiohttp's static route, same client"


def measure(theatre: Theatre) -> list[Figure]:
    """The page as a signed-in person gets it, made anew for every request."""
    scale, folder = theatre.scale, theatre.folder / "library"
    files = folder / "files"
    files.mkdir(parents=True)
    settings = write_settings(folder, theatre.port)
    with first_visit(settings, theatre.port, films=0) as (_, visitor):
        cookies = visitor.cookies
    asyncio.run(_stock(folder / "data", scale.shelf))
    url = f"http://127.0.0.1:{theatre.port}"
    with (
        wylloh(settings, theatre.port) as running,
        Visitor(url, cookies) as visitor,
        static_files(files) as plain,
    ):
        (files / "page.html").write_bytes(visitor.get("/"))
        wait_until_quiet(running, scale.settle_seconds)
        ours, floors = in_turns(
            scale.wrk_rounds,
            lambda: wrk(
                url, ["/"], scale.wrk_seconds, cookie=visitor.cookie_header, connections=_CONNECTIONS
            ),
            lambda: wrk(plain, ["/page.html"], scale.wrk_seconds, connections=_CONNECTIONS),
        )
    return [Figure(f"Library page with {scale.shelf:,} films", "per s", "more", _FLOOR, ours, floors)]


async def _stock(data: Path, count: int) -> None:
    async with open_database(data / "wylloh.sqlite3") as database:
        for number in range(count):
            about = Description(
                f"Film {number:04}", year=1900 + number % 120, runtime=Seconds(5400), height=1080
            )
            path = f"/films/{number}.mp4"
            await database.storage.films.save(
                Film(film_id_of(f"file:{path}"), about, FolderOrigin(path), FilmState.READY, 1.0)
            )
