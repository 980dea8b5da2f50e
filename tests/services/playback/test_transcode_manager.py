"""Who gets which ffmpeg: players that seek on, leave, or ask for too much."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from dataclasses import replace

import pytest

from tests.components.films import make_film
from tests.components.transcoding_workspace import ALICE, BOB, HOME, folder_film, transcoding_workspace
from wylloh_server.domain.errors import AccessRefused, RetryLater
from wylloh_server.domain.playback import LeaseEnd
from wylloh_server.domain.types import DeviceId

PICTURE = "v-720p-2800k"


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """100 s at 720p: a segment takes long enough to be overtaken."""
    path = tmp_path_factory.mktemp("films") / "large.mp4"
    return folder_film(make_film(path, 100, size="1280x720", languages=(), subtitles=False))


@pytest.fixture
async def cinema(tmp_path, large):
    async with transcoding_workspace(tmp_path, large) as room:
        yield room


async def test_a_player_that_seeks_on_leaves_its_older_wishes_behind(cinema, large):
    lease = await cinema.playback.start(ALICE, large.id, HOME)
    await cinema.playback.segment(lease, PICTURE, "0.m4s")
    before = len(cinema.media.orders)
    wishes = []
    for number in (10, 20, 30, 40):
        wishes.append(asyncio.ensure_future(cinema.playback.segment(lease, PICTURE, f"{number}.m4s")))
        await asyncio.sleep(0.1)
    outcomes = await asyncio.gather(*wishes, return_exceptions=True)
    assert isinstance(outcomes[-1], bytes), "what was asked for last is made"
    assert all(isinstance(one, bytes | RetryLater) for one in outcomes)
    firsts = [order.first for order in cinema.media.orders[before:]]
    assert len(set(firsts)) == len(firsts), "no wish is begun twice"


async def test_a_track_taken_up_in_the_middle_gives_its_init_segment_too(cinema, large):
    """As players do: the init segment and the first one of a new rendition, side by side."""
    lease = await cinema.playback.start(ALICE, large.id, HOME)
    for number in (15, 35):
        for track in (PICTURE, "v-480p-1200k"):
            names = ("init.mp4", f"{number}.m4s")
            both = await asyncio.gather(*(cinema.playback.segment(lease, track, name) for name in names))
            assert all(both)


async def test_a_run_that_its_player_left_while_waiting_ends_after_the_last_answer(cinema, large):
    lease = await cinema.playback.start(ALICE, large.id, HOME)
    waiting = asyncio.ensure_future(cinema.playback.segment(lease, PICTURE, "20.m4s"))
    while not any(run.first == 20 and run.waiting for run in cinema.transcodes._sessions):
        await asyncio.sleep(0.01)
    await cinema.playback.stop(lease)
    with suppress(AccessRefused):
        await waiting
    await cinema.quiet()
    assert not [*cinema.store._root.rglob("40.m4s")], "nobody watches: nothing more is made"


async def test_a_segment_that_is_made_after_the_lease_has_ended_is_not_given_out(cinema, large):
    lease = await cinema.playback.start(ALICE, large.id, HOME)
    waiting = asyncio.ensure_future(cinema.playback.segment(lease, PICTURE, "20.m4s"))
    while not any(run.first == 20 and run.waiting for run in cinema.transcodes._sessions):
        await asyncio.sleep(0.01)
    await cinema.playback.end_device(ALICE.device)
    with pytest.raises(AccessRefused):
        await waiting


async def test_a_killed_ffmpeg_is_started_again_once_for_all_who_wait(cinema, large):
    viewers = [replace(ALICE, device=DeviceId(f"tv-{number}")) for number in range(12)]
    leases = [await cinema.playback.start(viewer, large.id, HOME) for viewer in viewers]
    wishes = [asyncio.ensure_future(cinema.playback.segment(lease, PICTURE, "20.m4s")) for lease in leases]
    while not (
        any(run.first == 20 and run.waiting == 12 for run in cinema.transcodes._sessions)
        and any(order.first == 20 for order in cinema.media.running.values())
    ):
        await asyncio.sleep(0.001)
    (pid,) = [pid for pid, order in cinema.media.running.items() if order.first == 20]
    os.kill(pid, signal.SIGKILL)
    assert len(set(await asyncio.gather(*wishes))) == 1
    begun = [order for order in cinema.media.orders if order.first == 20]
    assert len(begun) == 2, "the one that was killed, and one more for everybody"


async def test_playback_that_is_stopped_at_once_leaves_nobody_at_work(cinema, large):
    await cinema.playback.stop(await cinema.playback.start(ALICE, large.id, HOME))
    while cinema.playback._tasks:
        await asyncio.sleep(0.01)
    await cinema.quiet()
    assert not [*cinema.store._root.rglob("40.m4s")]


async def test_one_device_has_a_few_leases_and_a_new_one_ends_its_oldest(cinema, large):
    first, *others = [await cinema.playback.start(ALICE, large.id, HOME) for _ in range(5)]
    assert cinema.playback.leases.why_ended(first.token) is LeaseEnd.STOPPED
    assert not any(cinema.playback.leases.why_ended(lease.token) for lease in others)
    await cinema.playback.start(BOB, large.id, HOME)
    assert not any(cinema.playback.leases.why_ended(lease.token) for lease in others), (
        "another device's are its own"
    )


async def test_films_are_looked_into_two_at_a_time(tmp_path, large):
    films = []
    for number in range(6):
        path = tmp_path / f"copy {number}.mp4"
        path.hardlink_to(large.origin.path)
        films.append(folder_film(path))
    async with transcoding_workspace(tmp_path, *films) as room:
        media = room.playback.planner._indexes.media = CountingProber(room.media)
        await asyncio.gather(*(room.playback.start(ALICE, film.id, HOME) for film in films))
    assert media.most == 2


class CountingProber:
    """Real media tools; `most` is how many films they looked into at once."""

    def __init__(self, media) -> None:
        self._media = media
        self.identity = media.identity
        self._running = self.most = 0

    async def probe(self, source):
        self._running += 1
        self.most = max(self.most, self._running)
        try:
            return await self._media.probe(source)
        finally:
            self._running -= 1
