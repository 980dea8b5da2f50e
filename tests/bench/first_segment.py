"""From pressing Play to the first segment of the picture, through HTTP, on a server that has just started.

In that time the server decides (asking the chain for a gated film), grants a lease, and copies the segment out of the
film; or, for a player that does not decode it, starts ffmpeg for the picture and one for the sound, decrypts what they
read, and encrypts and stores what they make.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.figures import Figure
from tests.bench.servers import fetch, nginx, wait_until_quiet
from tests.bench.bench_environment import BenchEnvironment
from tests.bench.turns import in_turns, seconds
from tests.bench.bench_client import BenchClient
from wylloh_server.adapters.ffmpeg import find_ffmpeg
from wylloh_server.adapters.ffmpeg.input_options import PROTOCOLS
from wylloh_server.adapters.ffmpeg.command import MediaRoute, picture_command
from wylloh_server.adapters.ffmpeg.media_tools import FfmpegMediaTools
from wylloh_server.domain.playback import video_timeline
from wylloh_server.domain.ports.media import VideoEncodeJob
from wylloh_server.domain.rendition import Probe, VideoTrack, bitrate_ladder, starting_rendition
from wylloh_server.domain.types import Seconds

_FLOOR = "plain ffmpeg on the plain file, same rendition and settings, from its start to its first finished segment"
_WARM_FLOOR = "nginx handing out the same four answers to the same client"
_WARM_ROUNDS = 5


def measure(bench_environment: BenchEnvironment) -> list[Figure]:
    """Cold: the server has just started, and no segment was ever made. Warm: the segments are stored."""
    bench_environment.cinema  # noqa: B018 - made before anything is measured
    encrypted, folder, floors = in_turns(
        bench_environment.scale.rounds,
        lambda: _cold(bench_environment, "encrypted", encoded=True),
        lambda: _cold(bench_environment, "folder", encoded=True),
        lambda: _plain_ffmpeg(bench_environment),
    )
    return [
        *(_direct(bench_environment, kind) for kind in ("encrypted", "folder")),
        _seek(bench_environment),
        Figure("Play to first segment, encoded, encrypted film", "s", "less", _FLOOR, encrypted, floors),
        Figure("Play to first segment, encoded, film in a folder", "s", "less", _FLOOR, folder, floors),
        _warm(bench_environment),
    ]


def _direct(bench_environment: BenchEnvironment, kind: str) -> Figure:
    """Handed through, on a server that has just started; nginx gives the same bytes."""
    film = bench_environment.films[kind]
    with bench_environment.cinema.opened(), bench_environment.cinema.bench_client() as bench_client:
        master = bench_client.play(film)
        answers = [bench_client.get(master), *bench_client.first_segment(master).values()]
    with _served(bench_environment, answers) as fetch_all:
        ours, floors = in_turns(
            bench_environment.scale.rounds, lambda: _cold(bench_environment, kind), lambda: seconds(fetch_all)
        )
    name = "encrypted film" if kind == "encrypted" else "film in a folder"
    return Figure(f"Play to first segment, handed through, {name}", "s", "less", _WARM_FLOOR, ours, floors)


def _seek(bench_environment: BenchEnvironment) -> Figure:
    """Any segment of a film that plays, one after another in an order that is no film's."""
    film = bench_environment.films["encrypted"]
    with bench_environment.cinema.opened(), bench_environment.cinema.bench_client() as bench_client:
        segments = bench_client.segments(bench_client.play(film))
        order = segments[1::2] + segments[::2]
        ours = [seconds(lambda path=path: bench_client.get(path)) for path in order]
        answers = [bench_client.get(path) for path in order]
    floors = []
    with _served(bench_environment, answers, each=floors) as fetch_all:
        fetch_all()
    floor = "nginx handing out the same segments to the same client"
    return Figure(
        "a segment anywhere, handed through, encrypted film", "s", "less", floor, tuple(ours), tuple(floors)
    )


@contextmanager
def _served(
    bench_environment: BenchEnvironment, answers: list[bytes], each: list[float] | None = None
) -> Iterator[Callable[[], None]]:
    """Have nginx hand out answers; gives what fetches all of them, and notes in `each` how long one took."""
    with TemporaryDirectory(dir=bench_environment.folder) as place:
        files = Path(place, "files")
        files.mkdir()
        for number, data in enumerate(answers):
            (files / str(number)).write_bytes(data)
        with nginx(files) as url:

            def fetch_all() -> None:
                for number in range(len(answers)):
                    taken = seconds(lambda number=number: fetch(f"{url}/{number}"))
                    if each is not None:
                        each.append(taken)

            yield fetch_all


def _cold(bench_environment: BenchEnvironment, kind: str, *, encoded: bool = False) -> float:
    """On the film's page, as a person does, who reads the title before pressing anything."""
    with (
        bench_environment.cinema.opened() as running,
        bench_environment.cinema.bench_client() as bench_client,
    ):
        bench_client.get(f"/films/{bench_environment.films[kind]}")
        wait_until_quiet(running, bench_environment.scale.settle_seconds)
        return seconds(lambda: press_play(bench_client, bench_environment.films[kind], encoded=encoded))


def press_play(bench_client: BenchClient, film: str, *, encoded: bool = False) -> dict[str, bytes]:
    """Play, and fetch what the first picture needs."""
    return bench_client.first_segment(bench_client.play(film, encoded=encoded))


def _warm(bench_environment: BenchEnvironment) -> Figure:
    film = bench_environment.films["encrypted"]
    with bench_environment.cinema.opened(), bench_environment.cinema.bench_client() as bench_client:
        master = bench_client.play(film, encoded=True)
        answers = [bench_client.get(master), *bench_client.first_segment(master).values()]
        bench_client.stop(master)
        with _served(bench_environment, answers) as fetch_all:
            ours, floors = in_turns(
                _WARM_ROUNDS, lambda: _again(bench_client, film), lambda: seconds(fetch_all)
            )
    return Figure(
        "Play to first segment, encoded earlier, encrypted film", "s", "less", _WARM_FLOOR, ours, floors
    )


def _again(bench_client: BenchClient, film: str) -> float:
    begun = time.perf_counter()
    master = bench_client.play(film, encoded=True)
    bench_client.first_segment(master)
    taken = time.perf_counter() - begun
    bench_client.stop(master)
    return taken


def _plain_ffmpeg(bench_environment: BenchEnvironment) -> float:
    """Run the very command the server runs, from file to files, until the first segment is closed."""
    with TemporaryDirectory(dir=bench_environment.folder) as target:
        command = _command(bench_environment, Path(target))
        begun = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, cwd=target)
        try:
            # The muxer writes its list once a segment is closed.
            while not Path(target, "list.m3u8").exists():
                if process.poll() not in {None, 0}:
                    raise RuntimeError("ffmpeg failed")
                time.sleep(0.002)
            return time.perf_counter() - begun
        finally:
            process.kill()
            process.wait()


def _command(bench_environment: BenchEnvironment, target: Path) -> list[str]:
    tool = find_ffmpeg()
    width, height = map(int, bench_environment.scale.film_size.split("x"))
    probe = Probe(
        "mp4", Seconds(bench_environment.scale.film_seconds), VideoTrack("h264", width, height, Fraction(24))
    )
    order = VideoEncodeJob(
        starting_rendition(bitrate_ladder(probe.video)), video_timeline(probe.duration, Fraction(24)), 0
    )
    route = MediaRoute(f"file:{bench_environment.film}", f"{target}/", FfmpegMediaTools(None, tool)._threads)
    return ["file" if word == PROTOCOLS else word for word in picture_command(tool, route, probe, order)]
