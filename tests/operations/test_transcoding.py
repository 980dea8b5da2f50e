"""Making a film's segments through kill -9, stopping in the middle of everything, and what the log then says."""

from __future__ import annotations

import asyncio
import signal
import textwrap
from base64 import b64encode
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.components.bad_gateway import bad_gateway
from tests.components.films import make_film
from tests.components.player import play
from tests.components.rpc_proxy import rpc_proxy
from tests.components.server import eventually, guest, server_of, server_settings
from tests.components.environment import HOLDER, Environment

SECONDS = 20
PASSPHRASE = "a phrase nobody reads"


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """A film whose renditions take a while."""
    return make_film(tmp_path_factory.mktemp("film") / "long.mp4", SECONDS, size="960x540", subtitles=False)


def settings_of(folder, film, **sections):
    sections = {"plugins": {"disabled": ["tagging"]}, **sections}
    return server_settings(folder, library={"folders": [str(film.parent)]}, **sections)


def segments(folder) -> dict[str, int]:
    """When each segment on disk was written, by track and name."""
    found = {}
    for path in (folder / "data" / "segments").glob("*/*/*.m4s"):
        found[f"{path.parent.name}/{path.name}"] = path.stat().st_mtime_ns
    return found


class Encoders:
    """The ffmpegs of a server, known by their ids, since they share no variable with it."""

    def __init__(self, server) -> None:
        self._server = server
        self._seen = set()

    def running(self) -> list[int]:
        """Those that run now."""
        now = self._server.children()
        found = [pid for pid, command in now.items() if "ffmpeg" in command.partition(" ")[0]]
        self._seen |= set(found)
        return found

    def left(self) -> list[int]:
        """Those seen before that still run, also after the server's end."""
        return [pid for pid in self._seen if b"ffmpeg" in _command(pid)]


def _command(pid) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


async def test_after_kill_9_the_rest_is_made_and_nothing_twice(tmp_path, film):
    with server_of(settings_of(tmp_path, film, playback={"make_ahead": True})) as server:
        await server.start()
        encoders = Encoders(server)
        async with guest(server.url) as owner:
            assert (await owner.sign_in(HOLDER, server.claim_code))[0] == 200
            await eventually(owner.healthy)
            (path,) = await owner.films()
            player = await play(owner, path)
            tracks = [await player.track(track) for track in await player.tracks()]
            assert len(tracks) > 1
            wanted = sum(len(track.segments) for track in tracks)
            await player.picture(tracks[0], 0)
            await eventually(lambda: len(segments(tmp_path)) > 8 and encoders.running())
            server.kill()
            await eventually(lambda: not encoders.left())
            before = segments(tmp_path)
            made = sum(name.startswith("v") for name in before)
            assert 0 < made < wanted

            await server.start()  # and nobody presses Play
            await eventually(lambda: sum(name.startswith("v") for name in segments(tmp_path)) == wanted)
            after = segments(tmp_path)
            assert {name: after[name] for name in before} == before
            owner.url = server.url
            player = await play(owner, path)
            for number in (0, made // 2, len(tracks[0].segments) - 1):
                track = await player.track((await player.tracks())[0])
                assert await player.picture(track, number)
        assert await server.stop() == 0
    assert "Traceback" not in server.err()


HUNG_PLUGIN = """
from wylloh_server.sdk import *
import time

WYLLOH_SDK = "1.0"

async def sleep(context, request):
    time.sleep(3600)

@hookimpl
def routes():
    return [PluginRoute("GET", "go", sleep)]
"""


async def _half_an_upload(owner):
    """Send the beginning of a file, and then nothing for ever."""
    _, title = await owner.post("/api/titles", title="Half of it")
    pairs = {"title": title["id"], "kind": "feature", "filename": "half.mp4"}
    about = ",".join(f"{name} {b64encode(value.encode()).decode()}" for name, value in pairs.items())
    base = {"Origin": owner.url, "Tus-Resumable": "1.0.0"}
    headers = {**base, "Upload-Length": "1000000", "Upload-Metadata": about}
    async with owner._session.post(owner.url + "/api/uploads", headers=headers) as reply:
        assert reply.status == 201, await reply.text()
        where = reply.headers["Location"]

    async def piece():
        yield bytes(100_000)
        await asyncio.Event().wait()

    headers = {**base, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    async with owner._session.patch(owner.url + where, data=piece(), headers=headers) as reply:
        await reply.read()


async def _live(owner):
    """Keep a stream of news open."""
    async with owner._session.get(owner.url + "/api/live?topics=films") as reply:
        assert reply.status == 200
        await reply.content.read()


async def _everything_at_once(owner):
    """Play a film, and begin an upload, streams of news, a far segment and a call of a plugin that hangs."""
    player = await play(owner, await eventually(lambda: _own(owner)))
    track = await player.track((await player.tracks())[0])
    await player.picture(track, 0)
    flying = [_half_an_upload(owner), *(_live(owner) for _ in range(3))]
    flying += [player.raw(track.segments[-1][0]), owner.get("/plugins/sleeper/go")]
    return player, [asyncio.ensure_future(one) for one in flying]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_it_stops_in_the_middle_of_everything(tmp_path, environment: Environment, film, how):
    """A fetch, an upload, an encoding, open streams, a plugin that hangs, and a node that is silent."""
    package = tmp_path / "plugins" / "wylloh_sleeper"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(textwrap.dedent(HUNG_PLUGIN))
    async with (
        bad_gateway(environment.gateway, "stall", honest_for=10) as gateway,
        rpc_proxy(environment.chain.rpc) as proxy,
        AsyncExitStack() as requests,
    ):
        chain = {**environment.chain.settings, "rpc": [proxy.url]}
        plugins = {"path": [str(tmp_path / "plugins")], "disabled": ["tagging"], "timeout_seconds": 30}
        settings = settings_of(tmp_path, film, chain=chain, ipfs={"gateways": [gateway.url]}, plugins=plugins)
        with server_of(settings, WYLLOH_PASSPHRASE=PASSPHRASE) as server:
            await server.start("--log-level", "DEBUG")
            encoders = Encoders(server)
            async with guest(server.url) as owner:
                code = server.claim_code
                assert (await owner.sign_in(HOLDER, code, bind=True))[0] == 200
                await eventually(owner.healthy)
                player, tasks = await _everything_at_once(owner)
                requests.push_async_callback(asyncio.gather, *tasks, return_exceptions=True)
                await eventually(lambda: (tmp_path / "data" / "uploads").exists())
                proxy.stalled = True
                await eventually(lambda: len(gateway.asked) > 10)
                encoders.running()
                assert not [task for task in tasks if task.done()], "everything is under way"
                assert await server.stop(how) == 0
                assert "Stopping took longer" not in server.err(), "it ended by itself, not by its watchdog"
                assert encoders.left() == []
                cookies = {cookie.key: cookie.value for cookie in owner.cookies}
                for task in tasks:
                    task.cancel()
            proxy.stalled = False
            first = server.out() + server.err()
            assert [entry for entry in server.log() if entry["level"] in {"error", "critical"}] == []

            await server.start()
            async with guest(server.url) as owner:
                await eventually(owner.healthy)
                assert await server.stop() == 0
            said = server.err()
            assert "Traceback" not in first + said
        log = first.partition("Stopping.")[2] + said
        secrets = {player.token, code, PASSPHRASE, "secret-api-key", *_session_of(cookies)}
        assert [secret for secret in secrets if secret in log] == []
        assert r"/play/\u2026/" in log


def _session_of(cookies) -> list[str]:
    return [secret for name, secret in cookies.items() if name.startswith("wylloh_session")]


async def _own(owner) -> str:
    """The path of the film from the folder."""
    return next((path for path, page in (await owner.films()).items() if ">Long<" in page), "")
