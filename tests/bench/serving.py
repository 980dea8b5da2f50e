"""Stored segments and playlists handed out to many players at once, under a play token."""

from __future__ import annotations

import os
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.servers import CONNECTIONS, nginx, wait_until_quiet, write_settings, wrk
from tests.bench.bench_environment import BenchEnvironment, HolderServer, first_visit, folder_film
from tests.bench.turns import in_turns
from tests.bench.bench_client import first_uri
from tests.components.films import make_film


_PER_SEGMENT = 2


def measure(bench_environment: BenchEnvironment) -> list[Figure]:
    """One process of ours against one nginx worker with the same bytes; wrk has a single thread."""
    scale, holder_server, film = bench_environment.scale, *_house(bench_environment)
    files = bench_environment.folder / "nginx" / "files"
    files.mkdir(parents=True)
    with holder_server.opened(), holder_server.bench_client() as bench_client, nginx(files) as plain:
        playlist = first_uri(master := bench_client.play(film, encoded=True), bench_client.get(master))
        track, ours = playlist.rpartition("/")[0], f"http://127.0.0.1:{holder_server.port}"
        segments = [f"{number}.m4s" for number in range(scale.hot_segments)]
        for name in ("playlist.m3u8", *segments):
            (files / name).write_bytes(bench_client.get(f"{track}/{name}"))
        sizes = {name: (files / name).stat().st_size for name in ("playlist.m3u8", segments[0])}
        cookie = bench_client.cookie_header

        def rates(names: list[str]) -> tuple[tuple[float, ...], ...]:
            paths, seconds = [f"{track}/{name}" for name in names], scale.wrk_seconds
            return in_turns(
                scale.wrk_rounds,
                lambda: wrk(ours, paths, seconds, cookie=cookie),
                lambda: wrk(plain, [f"/{name}" for name in names], seconds),
            )

        return [
            _figure("Encrypted segments", sizes[segments[0]], rates(segments)),
            _figure("Playlists", sizes["playlist.m3u8"], rates(["playlist.m3u8"])),
        ]


def _figure(what: str, size: int, rates: tuple[tuple[float, ...], ...]) -> Figure:
    spoken = f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"
    floor = f"nginx, 1 worker with sendfile, same files; both asked by wrk over {CONNECTIONS} connections"
    return Figure(f"{what} of {spoken} served", "per s", "more", floor, *rates)


def _house(bench_environment: BenchEnvironment) -> tuple[HolderServer, str]:
    """A server whose film has every segment made, the first ones replaced by larger ones."""
    scale, folder = bench_environment.scale, bench_environment.folder / "serving"
    film = folder / "films" / "Long.mp4"
    film.parent.mkdir(parents=True)
    # Small and slow pictures: what counts is how many segments the playlist lists.
    length = scale.playlist_segments * _PER_SEGMENT
    make_film(film, length, size="192x108", rate="5", languages=("eng",), subtitles=False)
    sections = {"library": {"folders": [str(film.parent)]}}
    settings = write_settings(folder, bench_environment.port, **sections)
    with first_visit(settings, bench_environment.port, films=1) as (running, bench_client):
        film_id = folder_film(folder / "data")
        master = bench_client.play(film_id, encoded=True)
        track = first_uri(master, bench_client.get(master)).split("/")[-2]
        last = f"{scale.playlist_segments - 1}.m4s"
        running.wait_for(lambda: list(folder.glob(f"data/segments/*/{track}/{last}")), seconds=60)
        wait_until_quiet(running, scale.settle_seconds)
    _enlarge(next(folder.glob(f"data/segments/*/{track}")), bench_environment)
    return HolderServer(
        folder, bench_environment.port, bench_client.cookies, sections, scale.settle_seconds
    ), film_id


def _enlarge(track: Path, bench_environment: BenchEnvironment) -> None:
    for number in range(bench_environment.scale.hot_segments):
        (track / f"{number}.m4s").write_bytes(os.urandom(bench_environment.scale.segment_bytes))
