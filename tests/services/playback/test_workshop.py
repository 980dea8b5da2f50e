"""Who gets which ffmpeg: players that seek on, leave, or ask for too much."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from tests.components.films import make_film
from tests.components.workroom import ALICE, HOME, folder_film, workroom
from wylloh_server.domain.errors import AccessRefused

PICTURE = "v-720p-2800k"


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """100 s at 720p: a segment takes long enough to be overtaken."""
    path = tmp_path_factory.mktemp("films") / "large.mp4"
    return folder_film(make_film(path, 100, size="1280x720", languages=(), subtitles=False))


@pytest.fixture
async def cinema(tmp_path, large):
    async with workroom(tmp_path, large) as room:
        yield room


async def test_a_player_that_seeks_on_leaves_its_older_wishes_behind(cinema, large):
    lease = await cinema.playback.start(ALICE, large.id, HOME)
    await cinema.playback.segment(lease, PICTURE, "0.m4s")
    before = len(cinema.encoder.orders)
    wishes = []
    for number in (10, 20, 30, 40):
        wishes.append(asyncio.ensure_future(cinema.playback.segment(lease, PICTURE, f"{number}.m4s")))
        await asyncio.sleep(0.1)
    outcomes = await asyncio.gather(*wishes, return_exceptions=True)
    assert isinstance(outcomes[-1], bytes), "what was asked for last is made"
    assert all(isinstance(one, bytes | AccessRefused) for one in outcomes)
    firsts = [order.first for order in cinema.encoder.orders[before:]]
    assert len(set(firsts)) == len(firsts), "no wish is begun twice"


async def test_a_run_that_its_player_left_while_waiting_ends_after_the_last_answer(cinema, large):
    lease = await cinema.playback.start(ALICE, large.id, HOME)
    waiting = asyncio.ensure_future(cinema.playback.segment(lease, PICTURE, "20.m4s"))
    while not any(order.first == 20 for order in cinema.encoder.running.values()):
        await asyncio.sleep(0.01)
    await cinema.playback.stop(lease)
    with suppress(AccessRefused):
        await waiting
    await cinema.quiet()
    numbers = await cinema.store.names(next(cinema.store._root.iterdir()).name, PICTURE)
    assert "40.m4s" not in numbers, "nobody watches: nothing more is made"
