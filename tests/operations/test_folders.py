"""Films of one's own in a folder, good ones and hostile ones: one pipeline, and nothing read outside its loopback."""

from __future__ import annotations

import html
import os
import re
import shutil
import socket
import time

import pytest
from eth_account import Account

from tests.components.films import hostile_files, make_film
from tests.components.player import play
from tests.components.server import Server, eventually, guest, server_settings

OWNER = Account.create()
GOOD, LATER = "A.Long.Evening.(1999).1080p.mp4", "dropped_in.mkv"
REASONS = ("is not a film this server opens", "This file ends before the film does")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder with a good film and hostile ones, canaries beside it, and a server over the folder."""
    folder = tmp_path_factory.mktemp("films")
    films, outside = folder / "films", folder / "outside"
    for path in (films, outside):
        path.mkdir()
    good = make_film(outside / "good.mp4", 8)
    hostile_files(outside, good)
    shutil.copy(good, films / GOOD)
    bait = outside / "bait.ts"
    shutil.copy(outside / "secret.ts", bait)
    with socket.create_server(("127.0.0.1", 0)) as canary:
        address = f"http://127.0.0.1:{canary.getsockname()[1]}/canary.ts"
        for name in ("empty", "text", "without-index", "cut-short", "noise"):
            shutil.copy(outside / f"{name}.mp4", films / f"{name}.mp4")
        for suffix in ("mp4", "mkv", "avi"):
            for name, target in (("file", f"file://{bait}"), ("net", address), ("plain", str(bait))):
                playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{target}\n#EXT-X-ENDLIST\n"
                (films / f"playlist-{name}.{suffix}").write_text(playlist)
        (films / "concat.mp4").write_text(f"ffconcat version 1.0\nfile '{bait}'\n")
        os.utime(bait, (0, time.time()))
        library = {"folders": [str(films)], "scan_seconds": 0.5}
        server = Server(server_settings(folder, library=library, plugins={"disabled": ["tagging"]}))
        server.films, server.bait, server.canary = films, bait, canary
        yield server
        server.kill()


@pytest.fixture
async def owner(world):
    async with guest(world.url) as somebody:
        await somebody.sign_in(OWNER, world.claim_code)
        yield somebody


async def shelf(owner) -> list[tuple[str, str, str]]:
    """Title, path and page of every film."""
    pages = await owner.films()
    return [(_title(page), path, page) for path, page in pages.items()]


def _title(page: str) -> str:
    return html.unescape(re.search(r"<h1[^>]*>(.*?)</h1>", page)[1])


async def test_all_of_them_appear(world):
    await world.start()
    async with guest(world.url) as owner:
        assert (await owner.sign_in(OWNER, world.claim_code))[0] == 200
        await eventually(owner.healthy)
        films = len(list(world.films.iterdir()))
        await eventually(lambda: _count(owner, films))
        # Dropped in now; the last test of this file looks whether the server has found it by itself.
        make_film(world.bait.parent / LATER, 3).rename(world.films / LATER)


async def _count(owner, wanted) -> bool:
    return len(await owner.films()) == wanted


async def test_the_good_one_has_its_title_from_the_file_a_poster_and_plays(owner):
    path, page = next((path, page) for title, path, page in await shelf(owner) if title == "A Long Evening")
    assert "1999" in page
    poster = re.search(r'src="(/play/[^"]+/backdrop\.jpg)"', page)[1]
    status, picture = await owner.get(poster)
    assert status == 200
    assert picture.startswith(b"\xff\xd8\xff")
    player = await play(owner, path)
    track = await player.track((await player.tracks())[0])
    frames = await player.picture(track, 2)
    assert len(frames) > 20
    assert len({bytes(frame.planes[0]) for frame in frames[:5]}) == 5  # it moves


async def test_the_hostile_ones_are_refused_with_a_reason(world, owner):
    refused = [one for one in await shelf(owner) if one[0] not in {"A Long Evening", "Dropped in"}]
    assert len(refused) == len({path.name for path in world.films.iterdir()} - {GOOD, LATER})
    for title, path, page in refused:
        status, answer = await owner.post(f"/api{path}/play")
        assert status == 403, (title, answer)
        reason = answer["error"]
        assert reason in html.unescape(page), (title, reason)
        assert any(words in reason for words in REASONS), (title, reason)
        assert "/bait" not in page
        assert "Server returned" not in page
        assert "Traceback" not in page


def test_nothing_was_read_outside_the_door(world):
    world.canary.settimeout(0)
    with pytest.raises(BlockingIOError):
        world.canary.accept()
    assert world.bait.stat().st_atime == 0
    control = world.bait.with_name("control")
    shutil.copy(world.bait, control)
    os.utime(control, (0, time.time()))
    control.read_bytes()
    if control.stat().st_atime == 0:
        pytest.skip("cannot be installed: a file system that notes when a file is read")


async def test_one_dropped_in_later_appears_and_one_taken_away_goes(world, owner):
    await eventually(lambda: _titled(owner, "Dropped in"))
    assert "Traceback" not in world.err()


async def _titled(owner, title) -> bool:
    return title in {one for one, _, _ in await shelf(owner)}
