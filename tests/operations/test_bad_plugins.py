"""While a film plays, plugins raise, hang, flood and break their vote. The film plays on."""

from __future__ import annotations

import asyncio
import json
import textwrap
from contextlib import asynccontextmanager

import pytest
from eth_account import Account

from tests.components.films import make_film
from tests.components.player import play
from tests.components.server import eventually, guest, running_server, server_settings

OWNER = Account.create()

HEAD = """
import asyncio, threading, time
from dataclasses import dataclass
from wylloh_server.sdk import *

WYLLOH_SDK = "1.0"
"""
PLUGINS = {
    "raiser": """
        @hookimpl
        async def nav_items():
            raise RuntimeError("boom")

        @hookimpl
        async def page_fragments():
            raise RuntimeError("boom")
    """,
    "sleeper": """
        async def sleep(context, request):
            asyncio.get_running_loop().run_in_executor(None, time.sleep, 3600)
            time.sleep(3600)

        @hookimpl
        def routes():
            return [PluginRoute("GET", "go", sleep)]

        @hookimpl
        async def lifespan():
            threading.Thread(target=time.sleep, args=(3600,)).start()  # keeps Python from ending
            yield
    """,
    "counter": """
        async def count(context, request):
            while True:
                pass

        @hookimpl
        def routes():
            return [PluginRoute("GET", "go", count)]
    """,
    "flooder": """
        @dataclass(frozen=True)
        class Drop(Event):
            '''One drop.'''

        @hookimpl
        def event_types():
            return [Drop]

        async def flood(context, request):
            for _ in range(1_000_000):
                context.emit(Drop())
            return Json("done")

        @hookimpl
        def routes():
            return [PluginRoute("GET", "go", flood)]
    """,
    "lock": """
        BROKEN = False

        @hookimpl
        async def access_vote():
            if BROKEN:
                time.sleep(3600)

        async def break_it(context, request):
            global BROKEN
            BROKEN = True
            return Json("done")

        @hookimpl
        def routes():
            return [PluginRoute("GET", "go", break_it)]
    """,
    "listener": """
        @hookimpl
        async def on_event(context, event):
            pass

        @hookimpl
        async def nav_items():
            return [NavItem("Listening")]
    """,
}
HANGING = {"sleeper": "GET /plugins/sleeper/go", "counter": "GET /plugins/counter/go", "lock": "access_vote"}
FLOODED = "It emitted more than 50,000 events within a minute."


@pytest.fixture
def settings(tmp_path):
    for name, code in PLUGINS.items():
        package = tmp_path / "plugins" / f"wylloh_{name}"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(HEAD + textwrap.dedent(code))
    (tmp_path / "films").mkdir()
    make_film(tmp_path / "films" / "Evening.mp4", 24)
    return server_settings(
        tmp_path,
        library={"folders": [str(tmp_path / "films")]},
        playback={"lease_seconds": 1},
        plugins={"path": [str(tmp_path / "plugins")]},
    )


class Audience:
    """Somebody who watches one film over and over. `seen` counts the segments that came and could be decoded."""

    def __init__(self, guest, film):
        self.guest, self.film = guest, film
        self.seen = 0

    @asynccontextmanager
    async def watching(self):
        player = await play(self.guest, self.film)
        track = await player.track((await player.tracks())[0])

        async def watch():
            while True:
                for number in range(len(track.segments)):
                    assert await player.picture(track, number)
                    self.seen += 1
                    await asyncio.sleep(0.1)

        task = asyncio.create_task(watch())
        try:
            yield
        finally:
            task.cancel()
            (ended,) = await asyncio.gather(task, return_exceptions=True)
            assert isinstance(ended, asyncio.CancelledError), ended

    async def some_more(self):
        """Wait until more of the film has come."""
        wanted = self.seen + 3
        await eventually(lambda: self.seen >= wanted)


async def records(person):
    return {one["name"]: one for one in (await person.json("/api/admin/plugins"))[1]["plugins"]}


async def stopped(person, name):
    async def reason():
        found = (await records(person))[name]
        return found["status"] == "stopped" and found["reason"]

    return await eventually(reason)


async def closed(person, name, place):
    """Wait until something that hung is closed, and its plugin runs again."""

    async def is_so():
        found = (await records(person))[name]
        return found["status"] == "running" and place in found["closed"]

    await eventually(is_so)


async def test_the_film_plays_on(settings):
    # In the server's own process, where they can do it more harm than in processes of theirs.
    threads = json.dumps(dict.fromkeys(PLUGINS, "thread"))
    async with (
        running_server(settings, WYLLOH_PLUGINS__ISOLATION=threads) as server,
        guest(server.url) as owner,
    ):
        assert (await owner.sign_in(OWNER, server.claim_code))[0] == 200
        await eventually(owner.healthy)
        (film,) = await owner.films()
        audience = Audience(owner, film)
        async with audience.watching():
            await audience.some_more()
            for name in ("sleeper", "counter", "flooder", "lock"):
                await owner.get(f"/plugins/{name}/go")
                await audience.some_more()
            for _ in range(24):
                assert "Evening" in await owner.page(film)
            assert await stopped(owner, "flooder") == FLOODED
            for name, place in HANGING.items():
                await closed(owner, name, place)
                await audience.some_more()
            found = await records(owner)
            assert found["listener"]["status"] == found["raiser"]["status"] == "running"
            assert set(found["raiser"]["closed"]) <= {"nav_items", "page_fragments"}
            assert "nav_items" in found["raiser"]["closed"], "what fails is not called, the rest is"

            assert (await owner.json("/plugins/sleeper/go"))[0] == 503
            told = " ".join((await owner.page("/admin")).split())
            assert f"It was stopped. {FLOODED}" in told
            for name, place in HANGING.items():
                assert f"Not called for a while, after failing again and again: {place}." in told
            for name in (*HANGING, "flooder"):
                assert f'data-start="{name}"' in told
            assert "Listening" in told

            # The lock is broken: what plays goes on, and nobody else gets in until the owner says so.
            status, answer = await owner.post(f"/api{film}/play")
            assert status == 403
            assert "The plugin lock could not say whether you may watch this" in answer["error"]
            assert (await owner.post("/api/admin/plugins/start", plugin="lock"))[1]["status"] == "running"
            assert (await owner.post(f"/api{film}/play"))[0] == 200
            assert (await owner.post("/api/admin/plugins/off", plugin="flooder"))[1]["status"] == "disabled"
            await audience.some_more()
        assert await server.stop() == 0
    assert all(entry["event"] for entry in server.log())
