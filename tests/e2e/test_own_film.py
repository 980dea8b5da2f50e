"""The demo with a film of one's own: what it leaves on disk and on the LAN, and that it goes on where it was.

One demo for the whole file, in the order in which the tests stand: a copy of the other files' demo, which is stopped
meanwhile, so that its films need not be made and published once more.
"""

from __future__ import annotations

import base64
import contextlib
import json
import uuid
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.components.demo import healthy, running
from tests.components.films import make_film
from tests.components.lan import lan_browser
from wylloh_server import __version__
from wylloh_server.adapters.crypto import open_key_store
from wylloh_server.adapters.lan.zeroconf_announcer import SERVICE_TYPES

MARKER = "wylloh-marker-7d1f0c"
TITLE = "My Own Film"
ENCODER = b"x264 - core"
"""libx264 writes it into every picture track it makes, hence into every segment."""


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Half a minute of 480p with 5.1 sound and a marker in its metadata, as people have it."""
    path = tmp_path_factory.mktemp("own") / "my-own-film-480p.mp4"
    surround = ("-ac", "6", "-movflags", "+faststart")
    return make_film(
        path, 30, size="854x480", languages=("eng",), subtitles=False, title=MARKER, extra=surround
    )


@pytest.fixture(scope="module")
def paused(demo):
    with demo.paused():
        yield demo


@pytest.fixture(scope="module")
def lan(paused):
    """A browser of the LAN that never saw the paused demo, which has the same port."""
    with lan_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def own(paused, lan, film, tmp_path_factory):
    name = f"Demo {uuid.uuid4().hex[:6]}"  # no other server's on this LAN
    with running(paused.copied(tmp_path_factory.mktemp("own-demo"), film, name)) as started:
        yield started


def test_it_is_announced_on_the_lan(own, lan):
    came = lan.came(own.port)
    assert {name.partition(".")[2] for name in came} == set(SERVICE_TYPES)
    for line in came.values():
        assert line["name"].startswith(own.name)
        assert line["properties"] == {"name": own.name, "version": __version__, "path": "/"}


async def test_a_film_with_surround_sound_plays(own, new_user):
    holder = await new_user(own)
    await holder.sign_in("demo")
    await holder.play(TITLE)
    await holder.plays_beyond(5)
    assert list(await holder.menu("quality"))[1:] == ["Original · 480p", "480p", "360p", "240p", "144p"]
    await holder.page.keyboard.press("Escape")
    decoded = "() => document.getElementById('film').webkitAudioDecodedByteCount > 0"
    await holder.page.wait_for_function(decoded)
    assert 29 < await holder.film("duration") < 31


async def test_after_playing_nothing_of_the_film_lies_in_the_clear(own, film):
    plain = film.read_bytes()
    spread = range(len(plain) // 50, len(plain) - 64, len(plain) // 40)
    needles = {MARKER.encode(), ENCODER, *(plain[at : at + 48] for at in spread)}
    assert found_in([film], needles) == needles, "what is searched for is in the film"
    publisher, holder = own.data_folders
    assert len(list((holder / "segments").rglob("*.m4s"))) > 5
    assert len(files_of(publisher)) > 5
    assert found_in(files_of(own.home), needles) == set()


async def test_the_films_key_is_nowhere_but_in_the_key_stores(own, new_user):
    publisher, holder = own.data_folders
    kept = await (await open_key_store(publisher / "keys")).get(f"custody:{own.tokens[0]}")
    store = await open_key_store(holder / "keys")
    (name,) = [name for name in await store.names() if name.startswith(f"film:{own.tokens[0]}@")]
    assert kept == await store.get(name)
    assert len(kept) == 32
    spellings = {kept, kept[::-1], kept.hex().encode(), kept.hex().upper().encode()}
    spellings |= {base64.b64encode(kept).rstrip(b"="), base64.urlsafe_b64encode(kept).rstrip(b"=")}
    assert found_in([*files_of(own.home), own.log], spellings) == set()

    browser_user = await new_user(own)
    await browser_user.sign_in("demo")
    await browser_user.play(TITLE)
    answers = [json.dumps((await browser_user.ask_to_play())[1]).encode()]
    for url in {url for url in browser_user.received if url.startswith(own.url)}:
        answers.append(await (await browser_user.context.request.get(url)).body())
    assert len(answers) > 20
    assert not any(spelling in answer for answer in answers for spelling in spellings)


async def test_ctrl_c_ends_everything_and_a_second_start_goes_on(own, lan, new_user):
    names = set(lan.came(own.port))
    before = (own.home / "demo.json").read_text()
    made = {path.name for path in (own.data_folders[1] / "segments").rglob("*.m4s")}
    assert own.interrupt() == 0
    assert own.left_behind() == []
    assert not healthy(own.url)
    assert set(lan.went(names)) == names
    assert "Everything has stopped." in own.said()

    own.start()
    assert (own.home / "demo.json").read_text() == before
    assert made <= {path.name for path in (own.data_folders[1] / "segments").rglob("*.m4s")}
    assert "claim=" not in (own.home / "holder.log").read_text()
    owner = await new_user(own)
    await owner.sign_in("demo")
    await owner.page.goto("/admin")
    await expect(owner.page.locator("#accounts-list small", has_text="Owner")).to_contain_text("you")
    await owner.play(TITLE)


def files_of(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def found_in(files: list[Path], needles: set[bytes]) -> set[bytes]:
    """Which of the needles are in at least one of the files."""
    found = set()
    for file in files:
        with contextlib.suppress(FileNotFoundError):  # a database's journal comes and goes
            content = file.read_bytes()
            found |= {needle for needle in needles if needle in content}
    return found
