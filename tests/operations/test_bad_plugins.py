"""While a film plays, plugins raise, hang, flood, leak and break their vote. The film plays on."""

from __future__ import annotations

import asyncio
import textwrap
from contextlib import asynccontextmanager

import pytest
from eth_account import Account

from tests.components.films import make_film
from tests.components.player import play
from tests.components.server import eventually, guest, running_server, server_settings

OWNER = Account.create()

HEAD = """
import asyncio, sqlite3, threading, time
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
            return [Route("GET", "go", sleep)]

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
            return [Route("GET", "go", count)]
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
            return [Route("GET", "go", flood)]
    """,
    "leaker": """
        async def leak(context, request):
            with sqlite3.connect(DATABASE) as database:
                database.execute("CREATE TABLE plugin_leaker_more (id INTEGER)")
            database.close()
            return Json("done")

        @hookimpl
        def routes():
            return [Route("GET", "go", leak)]
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
            return [Route("GET", "go", break_it)]
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
REASONS = {
    "raiser": "It failed again and again.",
    "sleeper": "It hangs: GET /plugins/sleeper/go took too long",
    "counter": "It hangs: GET /plugins/counter/go took too long",
    "flooder": "It emitted more than 50,000 events within a minute.",
    "leaker": "There are tables under its name that its migrations did not make: plugin_leaker_more.",
    "lock": "It hangs: access_vote took too long",
}


@pytest.fixture
def settings(tmp_path):
    for name, code in PLUGINS.items():
        package = tmp_path / "plugins" / f"wylloh_{name}"
        package.mkdir(parents=True)
        head = HEAD + f"DATABASE = {str(tmp_path / 'data/wylloh.sqlite3')!r}\n"
        (package / "__init__.py").write_text(head + textwrap.dedent(code))
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


async def test_the_film_plays_on(settings):
    async with running_server(settings) as server, guest(server.url) as owner:
        assert (await owner.sign_in(OWNER, server.claim_code))[0] == 200
        await eventually(owner.healthy)
        (film,) = await owner.films()
        audience = Audience(owner, film)
        async with audience.watching():
            await audience.some_more()
            for name in ("sleeper", "counter", "flooder", "leaker", "lock"):
                await owner.get(f"/plugins/{name}/go")
                await audience.some_more()
            for _ in range(12):
                assert "Evening" in await owner.page(film)
            for name, reason in REASONS.items():
                assert (await stopped(owner, name)).startswith(reason)
                await audience.some_more()
            assert (await records(owner))["listener"]["status"] == "running"

            assert (await owner.json("/plugins/sleeper/go"))[0] == 503
            told = " ".join((await owner.page("/admin")).split())
            for name, reason in REASONS.items():
                assert f"It was stopped. {reason}" in told
                assert f'data-start="{name}"' in told
            assert "Listening" in told

            # The lock is broken: what plays goes on, and nobody else gets in until the owner says so.
            status, answer = await owner.post(f"/api{film}/play")
            assert status == 403
            assert "The plugin lock has a say in who may watch, and it is not running" in answer["error"]
            assert (await owner.post("/api/admin/plugins/start", plugin="lock"))[1]["status"] == "running"
            assert (await owner.post(f"/api{film}/play"))[0] == 200
            assert (await owner.post("/api/admin/plugins/off", plugin="raiser"))[1]["status"] == "disabled"
            await audience.some_more()
        assert await server.stop() == 0
    assert all(entry["event"] for entry in server.log())
