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
from tests.bench.theatre import Theatre
from tests.bench.turns import in_turns, seconds
from tests.bench.visitor import Visitor
from wylloh_server.adapters.ffmpeg import find_ffmpeg
from wylloh_server.adapters.ffmpeg._guard import PROTOCOLS
from wylloh_server.adapters.ffmpeg.command import Route, picture_command
from wylloh_server.adapters.ffmpeg.encoder import FfmpegEncoder
from wylloh_server.domain.playback import video_timeline
from wylloh_server.domain.ports.media import PictureOrder
from wylloh_server.domain.rendition import Probe, VideoTrack, bitrate_ladder, starting_rendition
from wylloh_server.domain.types import Seconds

_FLOOR = "plain ffmpeg on the plain file, same rendition and settings, from its start to its first finished segment"
_WARM_FLOOR = "nginx handing out the same four answers to the same client"
_WARM_ROUNDS = 5


def measure(theatre: Theatre) -> list[Figure]:
    """Cold: the server has just started, and no segment was ever made. Warm: the segments are stored."""
    theatre.cinema  # noqa: B018 - made before anything is measured
    encrypted, folder, floors = in_turns(
        theatre.scale.rounds,
        lambda: _cold(theatre, "encrypted"),
        lambda: _cold(theatre, "folder"),
        lambda: _plain_ffmpeg(theatre),
    )
    return [
        Figure("Play to first segment, cold, encrypted film", "s", "less", _FLOOR, encrypted, floors),
        Figure("Play to first segment, cold, film in a folder", "s", "less", _FLOOR, folder, floors),
        _warm(theatre),
    ]


def _cold(theatre: Theatre, kind: str) -> float:
    """On the film's page, as a person does, who reads the title before pressing anything."""
    with theatre.cinema.opened() as running, theatre.cinema.visitor() as visitor:
        visitor.get(f"/films/{theatre.films[kind]}")
        wait_until_quiet(running, theatre.scale.settle_seconds)
        return seconds(lambda: press_play(visitor, theatre.films[kind]))


def press_play(visitor: Visitor, film: str) -> dict[str, bytes]:
    """Play, and fetch what the first picture needs."""
    return visitor.first_segment(visitor.play(film))


def _warm(theatre: Theatre) -> Figure:
    film = theatre.films["encrypted"]
    with (
        theatre.cinema.opened(),
        theatre.cinema.visitor() as visitor,
        TemporaryDirectory(dir=theatre.folder) as place,
    ):
        master = visitor.play(film)
        answers = {master: visitor.get(master), **visitor.first_segment(master)}
        visitor.stop(master)
        files = Path(place, "files")
        files.mkdir()
        for number, data in enumerate(answers.values()):
            (files / str(number)).write_bytes(data)
        with nginx(files) as url:
            ours, floors = in_turns(
                _WARM_ROUNDS,
                lambda: _again(visitor, film),
                lambda: seconds(lambda: [fetch(f"{url}/{number}") for number in range(len(answers))]),
            )
    return Figure("Play to first segment, warm, encrypted film", "s", "less", _WARM_FLOOR, ours, floors)


def _again(visitor: Visitor, film: str) -> float:
    begun = time.perf_counter()
    master = visitor.play(film)
    visitor.first_segment(master)
    taken = time.perf_counter() - begun
    visitor.stop(master)
    return taken


def _plain_ffmpeg(theatre: Theatre) -> float:
    """Run the very command the server runs, from file to files, until the first segment is closed."""
    with TemporaryDirectory(dir=theatre.folder) as target:
        command = _command(theatre, Path(target))
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


def _command(theatre: Theatre, target: Path) -> list[str]:
    tool = find_ffmpeg()
    width, height = map(int, theatre.scale.film_size.split("x"))
    probe = Probe("mp4", Seconds(theatre.scale.film_seconds), VideoTrack("h264", width, height, Fraction(24)))
    order = PictureOrder(
        starting_rendition(bitrate_ladder(probe.video)), video_timeline(probe.duration, Fraction(24)), 0
    )
    route = Route(f"file:{theatre.film}", f"{target}/", FfmpegEncoder(tool)._threads)
    return ["file" if word == PROTOCOLS else word for word in picture_command(tool, route, probe, order)]
