"""The stream of news over HTTP: format, who gets it, limits, and how it ends."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager

import pytest

from tests.web.conftest import COLLECTOR, OWNER
from tests.services.server_environment import viewer_with
from wylloh_server.domain.access import Role
from wylloh_server.web import app_keys, rate_limits, session
from wylloh_server.web.api import live_api as channel
from wylloh_server.web.error_responses import BadRequest
from wylloh_server.web.rate_limits import SITE_TIMES


@asynccontextmanager
async def stream_of(browser, since="", **headers):
    """Open the stream; gives a function that waits for the next message."""
    async with browser.client.get(f"/api/live?since={since}", headers=headers) as reply:
        assert reply.status == 200
        assert reply.content_type == "text/event-stream"
        assert reply.headers["Cache-Control"] == "no-store"
        yield Stream(reply)


class Stream:
    def __init__(self, reply):
        self.reply = reply

    async def fields(self):
        async with asyncio.timeout(10):
            lines = []
            while (line := (await self.reply.content.readline()).decode()) not in {"\n", ""}:
                name, _, value = line.rstrip("\n").partition(": ")
                lines.append((name, value))
            return dict(lines)

    async def news(self):
        while "data" not in (fields := await self.fields()) and fields:
            pass
        return json.loads(fields["data"]) | {"id": fields["id"]} if fields else None


async def test_a_page_hears_what_changed(server_under_test, owner):
    live = server_under_test.app[app_keys.LIVE]
    async with stream_of(owner) as stream:
        assert "retry" in await stream.fields()
        live.changed("film:x", "wallet", wallet=OWNER)
        live.changed("library", wallet=COLLECTOR)
        live.notify(OWNER, "Yours: “Light”.", "/films/x")
        said = await stream.news()
        assert said["topics"] == ["film:x", "wallet"]
        assert said["notices"] == [{"sentence": "Yours: “Light”.", "link": "/films/x", "task": ""}]
        assert not said["everything"]
        assert said["id"] == live.mark


async def test_a_page_asks_on_from_its_drawing_and_a_browser_from_its_last_news(server_under_test, owner):
    live = server_under_test.app[app_keys.LIVE]
    drawn = live.mark
    live.changed("film:x")
    heard = live.mark
    live.changed("film:y")
    async with stream_of(owner, since=drawn) as stream:
        assert (await stream.news())["topics"] == ["film:x", "film:y"]
    async with stream_of(owner, since=drawn, **{"Last-Event-ID": heard}) as stream:
        assert (await stream.news())["topics"] == ["film:y"]
    async with stream_of(owner, since="00000000-5") as stream:
        assert (await stream.news())["everything"]


async def test_every_page_knows_the_moment_from_which_it_must_ask(server_under_test, owner, browser):
    server_under_test.app[app_keys.LIVE].changed("library")
    mark = server_under_test.app[app_keys.LIVE].mark
    for somebody, path in ((owner, "/"), (owner, "/devices"), (browser, "/"), (owner, "/nowhere")):
        page = await (await somebody.get(path, headers={"Accept": "text/html"})).text()
        assert f'<meta name="wylloh-live" content="{mark}"' in page


async def test_what_changes_while_a_page_is_being_drawn_is_not_lost(server_under_test, owner, monkeypatch):
    library, live = server_under_test.app[app_keys.SERVICES].library, server_under_test.app[app_keys.LIVE]
    overview = library.overview

    async def slow_overview(viewer):
        found = await overview(viewer)
        live.changed("wallet", wallet=OWNER)
        return found

    monkeypatch.setattr(library, "overview", slow_overview)
    page = await (await owner.get("/")).text()
    mark = page.split('name="wylloh-live" content="')[1].split('"')[0]
    async with stream_of(owner, since=mark) as stream:
        assert (await stream.news())["topics"] == ["wallet"]


async def test_who_is_not_signed_in_hears_of_plugins_only(server_under_test, browser):
    async with stream_of(browser) as stream:
        server_under_test.app[app_keys.LIVE].changed("library", "plugin:store")
        assert (await stream.news())["topics"] == ["plugin:store"]


async def test_a_stream_ends_with_its_session(server_under_test, owner, browsers, monkeypatch):
    other = browsers()
    await other.sign_in(OWNER)
    async with stream_of(owner) as stream, stream_of(other) as kept:
        await stream.fields()
        assert (await owner.post("/api/sign-out")).status == 200
        assert await stream.news() is None
        server_under_test.app[app_keys.LIVE].changed("library")
        assert (await kept.news())["topics"] == ["library"]
    device = (await server_under_test.storage.sessions.of_wallet(OWNER))[0].device
    monkeypatch.setattr(channel, "_BEAT_SECONDS", 0.05)
    async with stream_of(other) as stream:
        assert "retry" in await stream.fields()
        assert await stream.fields() == {"event": "beat", "data": "-"}
        await server_under_test.storage.sessions.remove(device)
        while await stream.fields():
            pass


async def test_a_revoked_device_and_a_removed_account_hear_nothing_more(server_under_test, owner, browsers):
    tablet, guest = browsers(), browsers()
    await tablet.sign_in(OWNER)
    await guest.sign_in(COLLECTOR)
    page = await (await tablet.get("/")).text()
    device = page.split('data-who="')[1].split('"')[0]
    async with stream_of(tablet) as one, stream_of(guest) as two:
        await one.fields()
        await two.fields()
        assert (await owner.post(f"/api/devices/{device}/revoke")).status == 200
        assert await one.news() is None
        assert (await owner.post("/api/admin/accounts/remove", {"wallet": COLLECTOR})).status == 200
        assert await two.news() is None


async def test_one_session_has_only_so_many_streams_and_those_that_left_do_not_count(
    server_under_test, owner, collector
):
    opened = [await owner.client.get("/api/live") for _ in range(channel.MOST_EACH)]
    refused = await owner.get("/api/live")
    assert refused.status == 429
    assert "Too many pages" in (await refused.json())["error"]
    async with stream_of(collector):
        pass
    opened.pop().close()
    async with asyncio.timeout(10):
        while (reply := await owner.client.get("/api/live")).status == 429:
            await asyncio.sleep(0.02)
    for one in (*opened, reply):
        one.close()


async def test_12_five_hundred_pages_hear_the_same_and_leave_nothing_behind(server_under_test, browsers):
    live = server_under_test.app[app_keys.LIVE]
    async with AsyncExitStack() as pages:
        streams = []
        for number in range(50):
            wallet = f"0x{number // 5:040x}"
            await server_under_test.storage.accounts.save(wallet, Role.VIEWER)
            browser = browsers()
            server_under_test.app[rate_limits.BUCKETS]._buckets.clear()  # fifty homes sign in, not one
            await browser.sign_in(wallet)
            streams += [await pages.enter_async_context(stream_of(browser)) for _ in range(10)]
        live.changed("library")
        heard = await asyncio.gather(*(stream.news() for stream in streams))
        assert [news["topics"] for news in heard] == [["library"]] * 500
    async with asyncio.timeout(60):
        while server_under_test.app[channel.STREAMS]._open:
            live.changed("library")  # who has left is noticed at the next write
            await asyncio.sleep(0.1)
    assert len(live._listeners) == 0


async def test_the_server_stops_at_once_although_pages_listen(server_under_test, owner):
    async with stream_of(owner) as stream:
        await stream.fields()
        async with asyncio.timeout(1.5):  # far below the time the server gives to requests that do not end
            await server_under_test.server.close()


async def test_a_page_that_reads_nothing_is_cut_off_and_keeps_nobody_waiting(
    open_server_under_test, open_browser
):
    from wylloh_server.web.middleware import RequestDeadlines

    server_under_test = await open_server_under_test(deadlines=RequestDeadlines(write=0.3))
    owner, other = open_browser(server_under_test), open_browser(server_under_test)
    await owner.sign_in(OWNER)
    await other.sign_in(OWNER)
    live = server_under_test.app[app_keys.LIVE]
    reader, writer = await asyncio.open_connection(
        server_under_test.server.host, server_under_test.server.port
    )
    name, value = next(item for item in owner.real_cookies.items() if item[0].startswith("wylloh_session"))
    writer.write(f"GET /api/live HTTP/1.1\r\nHost: x\r\nCookie: {name}={value}\r\n\r\n".encode())
    await writer.drain()
    writer.transport.pause_reading()
    async with stream_of(other) as stream, asyncio.timeout(30):
        await stream.fields()
        gone = False
        while not gone:
            for _ in range(50):
                live.notify(OWNER, "x" * 300)
            assert len((await stream.news())["notices"]) <= 50
            gone = len(live._listeners) == 1
    writer.close()


@pytest.mark.parametrize("method", ["post", "head"])
async def test_it_can_only_be_read(owner, method):
    reply = await (owner.post("/api/live") if method == "post" else owner.client.head("/api/live"))
    assert reply.status == 405


def test_strangers_are_counted_by_home_and_site_and_leave_the_signed_in_a_share():
    """A /64, a /48 or the whole internet opens so many; who is signed in has streams whatever they do."""
    streams, viewer = channel.Streams(), viewer_with(OWNER)
    with ExitStack() as opened:

        def opens(address, viewer=None):
            request = _Request(address, viewer)
            try:
                opened.enter_context(streams.opened(request, viewer))
            except BadRequest:
                return False
            return True

        home = sum(opens(f"2a00:1:2:3::{number:x}") for number in range(50))
        site = sum(opens(f"2a00:1:2:{number:x}::1") for number in range(4, 200))
        everybody = sum(opens(f"2a00:{number:x}::1") for number in range(2, 1_000))
        assert (home, home + site) == (channel.MOST_EACH, channel.MOST_EACH * SITE_TIMES)
        assert home + site + everybody == channel.MOST_OF_STRANGERS
        assert opens("2a00:1:2:3::1", viewer), "also from the very home that used its share up"
        assert opens("192.168.1.4")


class _Request(dict):
    """As much of a request as is counted by: who, from where, over a connection that is open."""

    transport = object()

    def __init__(self, address, viewer):
        super().__init__({session._VIEWER: viewer})
        self.remote = address
