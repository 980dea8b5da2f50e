"""Looking into films ahead of time, and once."""

from __future__ import annotations

import asyncio

import pytest

from tests.components.workroom import ALICE, HOME, folder_film, workroom
from wylloh_server.adapters.ffmpeg import AvProber


@pytest.fixture
def looks(monkeypatch):
    """The addresses that were looked into."""
    real, seen = AvProber.probe, []

    async def probe(self, url):
        seen.append(url)
        return await real(self, url)

    monkeypatch.setattr(AvProber, "probe", probe)
    return seen


async def test_who_opens_the_page_and_presses_play_has_the_film_looked_into_once(tmp_path, short, looks):
    async with workroom(tmp_path, short) as room:
        room.playback.expect(short)
        room.playback.expect(short)
        lease = await room.playback.start(ALICE, short.id, HOME)

        assert len(looks) == 1
        assert "#EXTM3U" in await room.playback.master(lease)


async def test_a_file_that_is_no_film_shows_only_when_it_is_played(tmp_path, looks):
    path = tmp_path / "diary.mp4"
    path.write_text("no film")
    async with workroom(tmp_path, folder_film(path)) as room:
        room.playback.expect(folder_film(path))
        async with asyncio.timeout(30):
            while room.playback._tasks:
                await asyncio.sleep(0.02)

    assert len(looks) == 1
