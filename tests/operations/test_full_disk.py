"""No room for the database, or for segments: said plainly, nothing lost, and on it goes when there is room."""

from __future__ import annotations

import sqlite3

import pytest
from eth_account import Account

from tests.components.films import make_film
from tests.components.player import play
from tests.components.server import eventually, guest, running_server, server_of, server_settings
from tests.components.small_disk import enlarge, fill, small_disk

OWNER = Account.create()


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return make_film(tmp_path_factory.mktemp("films") / "evening.mp4", 16, subtitles=False)


def settings_of(folder, film, **sections):
    return server_settings(
        folder, library={"folders": [str(film.parent)]}, plugins={"disabled": ["tagging"]}, **sections
    )


async def test_no_room_for_the_database(tmp_path, film):
    with small_disk(tmp_path / "data", 6_000) as disk, server_of(settings_of(tmp_path, film)) as server:
        await server.start()
        async with guest(server.url) as owner:
            assert (await owner.sign_in(OWNER, server.claim_code))[0] == 200
            await eventually(owner.healthy)
            (path,) = await owner.films()
            status, _ = await owner.post(f"/api{path}/position", at=5, of=16)
            assert status == 200

            filler = fill(disk)
            status, answer = await owner.post(f"/api{path}/position", at=7, of=16)
            assert status == 507
            assert "no room left on the database's disk" in answer["error"]
            assert "Free some room" in answer["fix"]
            assert (await owner.get("/livez"))[0] == 200
            assert await owner.healthy()
            assert "Evening" in await owner.page("/")
            assert "Evening" in await owner.page(path)
            assert "Needs you" in await owner.page("/admin")

            filler.unlink()
            status, _ = await owner.post(f"/api{path}/position", at=9, of=16)
            assert status == 200
            assert await server.stop() == 0
            with sqlite3.connect(disk / "wylloh.sqlite3") as database:
                assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            await server.start()
            owner.url = server.url
            assert await owner.healthy()
            _, answer = await owner.post(f"/api{path}/play")
            assert answer["position"] == 9
        assert "Traceback" not in server.err()


async def test_12_3_segments_make_way_for_who_signs_in_and_plays(tmp_path, film):
    with small_disk(tmp_path / "data", 6_000) as disk:
        async with running_server(settings_of(tmp_path, film)) as server, guest(server.url) as owner:
            assert (await owner.sign_in(OWNER, server.claim_code))[0] == 200
            await eventually(owner.healthy)
            (path,) = await owner.films()
            player = await play(owner, path)
            track = await player.track((await player.tracks())[0])
            for address, _ in track.segments:
                assert (await player.raw(address))[0] == 200
            assert list(disk.rglob("*.m4s"))
            fill(disk)

            async def signs_in():
                async with guest(server.url) as another:
                    return (await another.sign_in(OWNER))[0] == 200

            await eventually(lambda: not list(disk.rglob("*.m4s")))
            assert await signs_in()
            assert (await owner.post(f"/api{path}/play"))[0] == 200
        assert "Traceback" not in server.err()


async def test_a_start_without_room(tmp_path, film):
    with small_disk(tmp_path / "data", 400) as disk, server_of(settings_of(tmp_path, film)) as server:
        filler = fill(disk)
        server.launch()
        assert await server.ended() == 1
        assert "Traceback" not in server.err()
        assert "wylloh: " in server.err()
        assert "room" in server.err() or "space" in server.err()
        filler.unlink()
        enlarge(disk, 8_000)
        await server.start()


async def test_12_3_a_film_plays_to_its_end_without_room_for_segments(tmp_path, film):
    with small_disk(tmp_path / "data" / "segments", 300) as disk:
        async with running_server(settings_of(tmp_path, film)) as server, guest(server.url) as owner:
            assert (await owner.sign_in(OWNER, server.claim_code))[0] == 200
            await eventually(owner.healthy)
            (path,) = await owner.films()
            player = await play(owner, path)
            track = await player.track((await player.tracks())[0])
            assert [(await player.raw(address))[0] for address, _ in track.segments] == [200] * len(
                track.segments
            )
            for number in (0, len(track.segments) - 1):
                assert await player.picture(track, number)
            assert sum(file.stat().st_size for file in disk.rglob("*.m4s")) < 300_000
            assert not list(disk.rglob("*.partial"))
            assert "Evening" in await owner.page("/")

            enlarge(disk, 32_000)
            player = await play(owner, path)
            track = await player.track((await player.tracks())[0])
            for number in (0, len(track.segments) - 1):
                assert await player.picture(track, number)
        assert "Traceback" not in server.err()
        assert server.err().count("It is played from memory") <= 2


async def test_12_3_a_film_larger_than_the_cache_plays_to_its_end(tmp_path, film):
    settings = settings_of(tmp_path, film, playback={"cache_gb": 0.0003})
    async with running_server(settings) as server, guest(server.url) as owner:
        assert (await owner.sign_in(OWNER, server.claim_code))[0] == 200
        await eventually(owner.healthy)
        (path,) = await owner.films()
        player = await play(owner, path)
        track = await player.track((await player.tracks())[0])
        statuses = [(await player.raw(address))[0] for address, _ in track.segments]
        assert statuses == [200] * len(track.segments)
        assert await owner.healthy()
        stored = (tmp_path / "data" / "segments").rglob("*.m4s")
        assert sum(file.stat().st_size for file in stored) <= 300_000
        assert "Traceback" not in server.err()
