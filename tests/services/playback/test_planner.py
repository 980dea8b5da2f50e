from __future__ import annotations

import asyncio

import pytest

from tests.components.films import make_film
from tests.components.transcoding_workspace import ALICE, HOME, folder_film, transcoding_workspace
from wylloh_server.adapters.ffmpeg import FfmpegMediaTools
from wylloh_server.domain.errors import MediaRefused


@pytest.fixture
def looks(monkeypatch):
    """Counts how often a film is looked into."""
    seen, real = [], FfmpegMediaTools.probe

    async def probe(self, source):
        seen.append(source)
        return await real(self, source)

    monkeypatch.setattr(FfmpegMediaTools, "probe", probe)
    return seen


async def test_a_film_is_looked_into_once_until_its_file_changes(tmp_path, looks):
    path = tmp_path / "film.mp4"
    film = folder_film(make_film(path, 3, size="160x90", languages=(), subtitles=False))
    async with transcoding_workspace(tmp_path / "data", film) as room:
        stores = []
        for _ in range(2):
            lease = await room.playback.start(ALICE, film.id, HOME)
            await room.playback.segment(lease, "v-90p-60k", "0.m4s")
            stores.append({folder.name for folder in (tmp_path / "data" / "segments").iterdir()})
        assert len(looks) == 1
        make_film(path, 5, size="160x90", languages=(), subtitles=False)
        lease = await room.playback.start(ALICE, film.id, HOME)
        await room.playback.segment(lease, "v-90p-60k", "2.m4s")
        stores.append({folder.name for folder in (tmp_path / "data" / "segments").iterdir()})
    assert len(looks) == 2
    assert stores[0] == stores[1] < stores[2], "the old file's segments are not mixed with the new one's"


async def test_subtitles_put_beside_a_film_are_in_the_menu_and_are_shown(tmp_path, looks):
    """At the next start, in an old character set, as WebVTT; the film is looked into once."""
    path = tmp_path / "film.mp4"
    film = folder_film(make_film(path, 3, size="160x90", languages=("ger",), subtitles=False))
    async with transcoding_workspace(tmp_path / "data", film) as room:
        lease = await room.playback.start(ALICE, film.id, HOME)
        assert "SUBTITLES" not in await room.playback.master(lease)
        words = "1\n00:00:01,000 --> 00:00:02,000\nGrüße < Küsse\n"
        (tmp_path / "film.de.srt").write_bytes(words.encode("cp1252"))
        (tmp_path / "film.fr.srt").write_text("a diary")
        lease = await room.playback.start(ALICE, film.id, HOME)
        assert 'NAME="Deutsch",LANGUAGE="de"' in await room.playback.master(lease)
        assert "Grüße &lt; Küsse" in await room.playback.subtitles(lease, "x0")
        with pytest.raises(MediaRefused, match="Français are neither WebVTT, SubRip nor"):
            await room.playback.subtitles(lease, "x1")
    assert len(looks) == 1


async def test_who_opens_the_page_and_presses_play_has_the_film_looked_into_once(tmp_path, short, looks):
    async with transcoding_workspace(tmp_path, short) as room:
        room.playback.prefetch(short)
        room.playback.prefetch(short)
        lease = await room.playback.start(ALICE, short.id, HOME)
        assert "#EXTM3U" in await room.playback.master(lease)
    assert len(looks) == 1


async def test_what_is_wrong_with_a_film_shows_only_when_it_is_played(tmp_path, looks):
    path = tmp_path / "diary.mp4"
    path.write_text("no film")
    film = folder_film(path)
    async with transcoding_workspace(tmp_path, film) as room:
        room.playback.prefetch(film)
        while not looks:
            await asyncio.sleep(0.02)
        with pytest.raises(MediaRefused):
            await room.playback.start(ALICE, film.id, HOME)
