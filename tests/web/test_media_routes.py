"""The routes below /play/, over real playback, as a browser and as a player without cookies see them."""

from __future__ import annotations

import asyncio
import re
from types import SimpleNamespace

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.components.films import BUNDLED, make_film
from tests.fakes import FakeFiles
from tests.components.transcoding_workspace import ALICE, folder_film, transcoding_workspace
from wylloh_server.config import Settings
from wylloh_server.domain.errors import AccessRefused, NotFound
from wylloh_server.domain.types import FilmId
from wylloh_server.web import media_routes
from wylloh_server.web.application import new_application, make_runner
from wylloh_server.web.app_keys import SERVICES
from wylloh_server.services.accounts.session_service import session_id
from wylloh_server.web.session import SESSION_COOKIE, VISIT_COOKIE

TRAILER = bytes(range(256)) * 5_000
JPEG = b"\xff\xd8 a poster"
SECRET = "alices-secret"
VIEWER = type(ALICE)(session_id(SECRET), ALICE.device, ALICE.wallet, ALICE.role)


class FakePosters:
    """Posters for one session; the film `bare` has none."""

    async def film_of(self, token, session):
        if session != VIEWER.session:
            raise AccessRefused("This picture was meant for another screen.")
        return FilmId(token)

    async def jpeg(self, film, role):
        return None if film == "bare" else JPEG


class FakeTrailers:
    """A trailer of one film, in memory."""

    async def open(self, film):
        if film != "film":
            raise NotFound("This film has no trailer here.")
        return await FakeFiles({"trailer.mp4": TRAILER}).open_file("", "trailer.mp4")


class FakeLibrary:
    async def film(self, film_id):
        return film_id


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    path = tmp_path_factory.mktemp("films") / "film.mp4"
    return folder_film(make_film(path, 5, size="160x90", languages=("eng",)))


@pytest.fixture
async def server_under_test(tmp_path, film):
    """The room, and a server over it."""
    async with transcoding_workspace(tmp_path, film) as room:
        app = new_application(Settings())
        app[SERVICES] = SimpleNamespace(
            playback=room.playback, posters=FakePosters(), library=FakeLibrary(), trailers=FakeTrailers()
        )
        app.router.add_routes(media_routes.routes)
        async with TestServer(app, access_log=None) as server:
            yield room, server


@pytest.fixture
async def fetch(server_under_test):
    """Fetches a path with the cookies given."""
    _, server = server_under_test
    async with aiohttp.ClientSession() as client:

        async def get(path, *, cookies=None, method="GET", headers=None):
            header = "; ".join(f"{name}={value}" for name, value in (cookies or {}).items())
            async with client.request(
                method,
                server.make_url(path),
                headers=({"Cookie": header} if header else {}) | (headers or {}),
            ) as reply:
                return reply, await reply.read()

        yield get


SIGNED_IN = {SESSION_COOKIE: SECRET}
PATHS = {
    "master.m3u8": "application/vnd.apple.mpegurl",
    "v-90p-60k/playlist.m3u8": "application/vnd.apple.mpegurl",
    "a0/playlist.m3u8": "application/vnd.apple.mpegurl",
    "s0/playlist.m3u8": "application/vnd.apple.mpegurl",
    "v-90p-60k/init.mp4": "video/mp4",
    "v-90p-60k/1.m4s": "video/mp4",
    "a0/0.m4s": "audio/mp4",
    "a0/0.key": "application/octet-stream",
    "s0/subtitles.vtt": "text/vtt",
}


async def test_everything_a_player_fetches_is_served_to_whom_it_belongs(server_under_test, film, fetch):
    room, _ = server_under_test
    lease = await room.playback.start(VIEWER, film.id, "127.0.0.1")
    for path, kind in PATHS.items():
        reply, body = await fetch(f"/play/{lease.token}/{path}", cookies=SIGNED_IN)
        assert (reply.status, reply.content_type) == (200, kind), path
        assert body
        assert reply.headers["Cache-Control"] == "no-store"
        assert reply.headers["Referrer-Policy"] == "no-referrer"
        assert SECRET not in str(reply.headers)


async def test_nothing_is_served_to_anybody_else(server_under_test, film, fetch):
    room, _ = server_under_test
    lease = await room.playback.start(VIEWER, film.id, "127.0.0.1")
    elsewhere = await room.playback.start(VIEWER, film.id, "10.0.0.9")
    for token, cookies in (
        (lease.token, {SESSION_COOKIE: "somebody-else"}),
        (lease.token, {VISIT_COOKIE: "a" * 32}),
        (elsewhere.token, None),
        ("guessed", SIGNED_IN),
    ):
        for path in PATHS:
            reply, body = await fetch(f"/play/{token}/{path}", cookies=cookies)
            assert reply.status == 403, path
            assert b"error" in body


async def test_a_player_without_cookies_is_served_where_playback_was_started(server_under_test, film, fetch):
    room, _ = server_under_test
    lease = await room.playback.start(VIEWER, film.id, "127.0.0.1")
    reply, _ = await fetch(f"/play/{lease.token}/master.m3u8")
    assert reply.status == 200


async def test_when_the_lease_is_over_so_is_everything(server_under_test, film, fetch):
    room, _ = server_under_test
    lease = await room.playback.start(VIEWER, film.id, "127.0.0.1")
    await room.playback.stop(lease)
    for path in PATHS:
        reply, _ = await fetch(f"/play/{lease.token}/{path}", cookies=SIGNED_IN)
        assert reply.status == 403


async def test_what_is_not_there_is_not_found(server_under_test, film, fetch):
    room, _ = server_under_test
    lease = await room.playback.start(VIEWER, film.id, "127.0.0.1")
    for path in (
        "v-9p/0.m4s",
        "v-90p-60k/99.m4s",
        "v-90p-60k/list.m3u8",
        "v-90p-60k/9.key",
        "s7/subtitles.vtt",
        "a0/..%2f..%2fsecret",
        "v-90p-60k/init.mp4.partial",
    ):
        reply, _ = await fetch(f"/play/{lease.token}/{path}", cookies=SIGNED_IN)
        assert reply.status == 404, path


async def test_a_segment_of_many_pieces_arrives_whole_and_a_head_brings_its_length_only(
    server_under_test, film, fetch, tmp_path
):
    room, _ = server_under_test
    lease = await room.playback.start(VIEWER, film.id, "127.0.0.1")
    path = f"/play/{lease.token}/v-90p-60k/1.m4s"
    await fetch(path, cookies=SIGNED_IN)
    large = bytes(range(256)) * 5_000
    (stored,) = {folder.parent.name for folder in (tmp_path / "segments").glob("*/v-90p-60k")}
    await room.store.put(stored, "v-90p-60k", "1.m4s", large)

    _, body = await fetch(path, cookies=SIGNED_IN)
    head, nothing = await fetch(path, cookies=SIGNED_IN, method="HEAD")
    again, _ = await fetch(path, cookies=SIGNED_IN)

    assert body == large
    assert (head.status, head.content_length, nothing) == (200, len(large), b"")
    assert again.status == 200


async def test_47_a_trailer_is_served_in_parts_and_to_whom_its_token_is_for(fetch):
    path = "/play/film/trailer.mp4"
    whole, body = await fetch(path, cookies=SIGNED_IN)
    assert (whole.status, whole.content_type, body) == (200, "video/mp4", TRAILER)
    assert whole.headers["Accept-Ranges"] == "bytes"
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    for asked, start, stop in (
        ("bytes=0-", 0, len(TRAILER)),
        ("bytes=700000-700009", 700_000, 700_010),
        ("bytes=-5", len(TRAILER) - 5, len(TRAILER)),
        (f"bytes=9-{10**12}", 9, len(TRAILER)),
    ):
        part, body = await fetch(path, cookies=SIGNED_IN, headers={"Range": asked})
        assert (part.status, body) == (206, TRAILER[start:stop]), asked
        assert part.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{len(TRAILER)}"
    beyond, _ = await fetch(path, cookies=SIGNED_IN, headers={"Range": f"bytes={len(TRAILER)}-"})
    assert (beyond.status, beyond.headers["Content-Range"]) == (416, f"bytes */{len(TRAILER)}")
    head, nothing = await fetch(path, cookies=SIGNED_IN, method="HEAD")
    assert (head.status, head.content_length, nothing) == (200, len(TRAILER), b"")
    for token, cookies, status in (("film", None, 403), ("bare", SIGNED_IN, 404)):
        refused, _ = await fetch(f"/play/{token}/trailer.mp4", cookies=cookies)
        assert refused.status == status


async def test_posters_have_tokens_of_their_own(fetch):
    reply, body = await fetch("/play/film/poster.jpg", cookies=SIGNED_IN)
    assert (reply.status, reply.content_type, body) == (200, "image/jpeg", JPEG)
    for picture in ("poster.jpg", "backdrop.jpg"):
        assert (await fetch(f"/play/film/{picture}", cookies=SIGNED_IN))[0].status == 200
        assert (await fetch(f"/play/bare/{picture}", cookies=SIGNED_IN))[0].status == 404
        assert (await fetch(f"/play/film/{picture}"))[0].status == 403
    assert (await fetch("/play/film/feature.jpg", cookies=SIGNED_IN))[0].status == 404


async def test_a_player_nobody_here_wrote_plays_it(server_under_test, film):
    room, server = server_under_test
    lease = await room.playback.start(VIEWER, film.id, "127.0.0.1")
    url = str(server.make_url(f"/play/{lease.token}/master.m3u8"))
    player = await asyncio.create_subprocess_exec(
        BUNDLED, "-nostdin", "-v", "error", "-stats", "-i", url, "-map", "0:v:0", "-map", "0:a:0", "-f", "null", "-",
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, said = await player.communicate()
    assert player.returncode == 0
    assert re.findall(r"frame=\s*(\d+)", said.decode())[-1] == str(5 * 24)


class BusyPlayback:
    """Never done with a segment; notes who waits for one."""

    def __init__(self):
        self.waited_for, self.given_up = asyncio.Event(), asyncio.Event()

    def lease(self, token, session, address):
        return None

    async def segment(self, lease, track, name):
        self.waited_for.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.given_up.set()


async def test_what_a_player_no_longer_waits_for_is_given_up():
    app = new_application(Settings())
    playback = BusyPlayback()
    app[SERVICES] = SimpleNamespace(playback=playback)
    app.router.add_routes(media_routes.routes)
    runner = make_runner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        _, writer = await asyncio.open_connection(*runner.addresses[0])
        writer.write(b"GET /play/token/v-90p-60k/1.m4s HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await playback.waited_for.wait()
        assert not playback.given_up.is_set()
        writer.close()
        async with asyncio.timeout(20):
            await playback.given_up.wait()
    finally:
        await runner.cleanup()
