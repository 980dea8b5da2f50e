"""An encoder that stands still is noticed; one that works, or whose film is slow to come, is left alone."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import asynccontextmanager
from fractions import Fraction

import pytest

from tests.components.simulated_time import run_simulated
from wylloh_server.adapters.ffmpeg import prober, progress_watch
from wylloh_server.adapters.ffmpeg.progress_watch import WatchedEncoding, processor_seconds
from wylloh_server.domain.errors import ProbeInterrupted, TranscodeFailed
from wylloh_server.domain.playback import video_timeline
from wylloh_server.domain.ports.media import VideoEncodeJob
from wylloh_server.domain.rendition import Rendition
from wylloh_server.domain.types import Seconds


async def test_an_ffmpeg_that_was_stopped_is_given_up(media, film, opened, monkeypatch):
    monkeypatch.setattr(progress_watch, "SILENT_SECONDS", 1.0)
    order = VideoEncodeJob(
        Rendition("360p-700k", 640, 360, 700_000, 360), video_timeline(Seconds(12), Fraction(24)), 0
    )

    async def sink(name, data):
        pass

    async with opened(film) as source:
        probe = await media.probe(source)
        async with media.encode(source, sink, probe, order) as wait:
            os.kill(wait.__self__.pid, signal.SIGSTOP)
            with pytest.raises(TranscodeFailed, match="not gone on"):
                await wait()


@pytest.mark.parametrize("what", ["subtitles", "a picture", "a trailer"])
async def test_one_that_makes_something_else_is_given_up_too(media, film, opened, monkeypatch, what):
    """Who waits for subtitles would have waited for a quarter of an hour."""
    monkeypatch.setattr(progress_watch, "SILENT_SECONDS", 1.0)
    running = media._running

    @asynccontextmanager
    async def stopped(*command, **how):
        async with running(*command, **how) as process:
            os.kill(process.pid, signal.SIGSTOP)
            yield process

    async def write(piece):
        pass

    async with opened(film) as source:
        probe = await media.probe(source)
        monkeypatch.setattr(media, "_running", stopped)
        makes = {
            "subtitles": lambda: media.subtitles(source, probe.subtitles[0]),
            "a picture": lambda: media.jpeg(source, 100),
            "a trailer": lambda: media.trailer(source, probe, write),
        }
        with pytest.raises(TranscodeFailed, match="not gone on"):
            await makes[what]()


async def test_a_look_into_a_film_that_stands_still_is_given_up_too(media, film, opened, monkeypatch):
    monkeypatch.setattr(progress_watch, "SILENT_SECONDS", 1.0)
    running = prober.running

    @asynccontextmanager
    async def stopped(*command, **how):
        async with running(*command, **how) as process:
            os.kill(process.pid, signal.SIGSTOP)
            yield process

    monkeypatch.setattr(prober, "running", stopped)
    async with opened(film) as source:
        with pytest.raises(ProbeInterrupted, match="not gone on"):
            await media.probe(source)


class Source:
    """One whose every read takes so long."""

    size = 1000

    async def close(self):
        pass

    def __init__(self, seconds=0.0) -> None:
        self.seconds = seconds

    async def read(self, offset, length):
        await asyncio.sleep(self.seconds)
        return b""


class Process:
    """An encoder that does what it is told, for so long."""

    pid = 0

    def __init__(self, work) -> None:
        self.wait = work


async def _nowhere(name, data):
    pass


def outcome(monkeypatch, work, *, busy=False, source=None, sink=_nowhere):
    """How an encoder ends that does `work`, and after how many seconds."""
    used = iter(range(100_000))
    monkeypatch.setattr(progress_watch, "processor_seconds", lambda _: next(used) if busy else 0.0)

    async def run():
        encoding = WatchedEncoding(source or Source(), sink)
        encoding.begin(Process(lambda: work(encoding)))
        try:
            await encoding.wait()
        except TranscodeFailed:
            return "given up", round(asyncio.get_running_loop().time())
        return "done", round(asyncio.get_running_loop().time())

    return run_simulated(run())


def test_one_that_does_nothing_is_given_up_after_ten_seconds(monkeypatch):
    assert outcome(monkeypatch, lambda _: asyncio.sleep(600)) == ("given up", 10)


def test_one_that_turns_in_circles_is_given_up_after_a_minute(monkeypatch):
    assert outcome(monkeypatch, lambda _: asyncio.sleep(600), busy=True) == ("given up", 60)


def test_one_that_makes_something_now_and_then_is_left_alone(monkeypatch):
    async def work(encoding):
        for number in range(10):
            await asyncio.sleep(9)
            await encoding.take(f"{number}.m4s", b"")

    assert outcome(monkeypatch, work) == ("done", 90)


def test_a_slow_film_is_not_its_fault(monkeypatch):
    async def work(encoding):
        await encoding.read(0, 1000)

    assert outcome(monkeypatch, work, source=Source(300)) == ("done", 300)


def test_a_slow_disk_of_the_server_is_not_its_fault(monkeypatch):
    async def stored(name, data):
        await asyncio.sleep(300)

    async def work(encoding):
        await encoding.take("0.m4s", b"")

    assert outcome(monkeypatch, work, sink=stored) == ("done", 300)


def test_the_processor_a_process_has_used():
    assert processor_seconds(os.getpid()) > 0
    assert processor_seconds(2**22 + 1) is None
