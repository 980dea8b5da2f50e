"""From pressing Play to the first segment of the picture, through HTTP, on a server that has just started.

In that time the server decides (asking the chain for a gated film), grants a lease, starts ffmpeg for the picture
and one for the sound, decrypts what they read, and encrypts and stores what they make.
"""

from __future__ import annotations

import subprocess
import time
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
        lambda: _cold(bench_environment, "encrypted"),
        lambda: _cold(bench_environment, "folder"),
        lambda: _plain_ffmpeg(bench_environment),
    )
    return [
        Figure("Play to first segment, cold, encrypted film", "s", "less", _FLOOR, encrypted, floors),
        Figure("Play to first segment, cold, film in a folder", "s", "less", _FLOOR, folder, floors),
        _warm(bench_environment),
    ]


def _cold(bench_environment: BenchEnvironment, kind: str) -> float:
    """On the film's page, as a person does, who reads the title before pressing anything."""
    with (
        bench_environment.cinema.opened() as running,
        bench_environment.cinema.bench_client() as bench_client,
    ):
        bench_client.get(f"/films/{bench_environment.films[kind]}")
        wait_until_quiet(running, bench_environment.scale.settle_seconds)
        return seconds(lambda: press_play(bench_client, bench_environment.films[kind]))


def press_play(bench_client: BenchClient, film: str) -> dict[str, bytes]:
    """Play, and fetch what the first picture needs."""
    return bench_client.first_segment(bench_client.play(film))


def _warm(bench_environment: BenchEnvironment) -> Figure:
    film = bench_environment.films["encrypted"]
    with (
        bench_environment.cinema.opened(),
        bench_environment.cinema.bench_client() as bench_client,
        TemporaryDirectory(dir=bench_environment.folder) as place,
    ):
        master = bench_client.play(film)
        answers = {master: bench_client.get(master), **bench_client.first_segment(master)}
        bench_client.stop(master)
        files = Path(place, "files")
        files.mkdir()
        for number, data in enumerate(answers.values()):
            (files / str(number)).write_bytes(data)
        with nginx(files) as url:
            ours, floors = in_turns(
                _WARM_ROUNDS,
                lambda: _again(bench_client, film),
                lambda: seconds(lambda: [fetch(f"{url}/{number}") for number in range(len(answers))]),
            )
    return Figure("Play to first segment, warm, encrypted film", "s", "less", _WARM_FLOOR, ours, floors)


def _again(bench_client: BenchClient, film: str) -> float:
    begun = time.perf_counter()
    master = bench_client.play(film)
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
