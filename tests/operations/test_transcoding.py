"""Making a film's segments through kill -9, stopping in the middle of everything, and what the log then says."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from tests.components.bad_gateway import bad_gateway
from tests.components.films import make_film
from tests.components.player import play
from tests.components.rpc_proxy import rpc_proxy
from tests.components.server import eventually, guest, server_of, server_settings
from tests.components.stage import HOLDER, Stage

SECONDS = 36
PASSPHRASE = "a phrase nobody reads"


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """A film whose renditions take a while."""
    return make_film(tmp_path_factory.mktemp("film") / "long.mp4", SECONDS, size="960x540", subtitles=False)


def settings_of(folder, film, **sections):
    return server_settings(
        folder, library={"folders": [str(film.parent)]}, plugins={"disabled": ["tagging"]}, **sections
    )


def segments(folder) -> dict[str, int]:
    """When each segment on disk was written, by track and name."""
    found = {}
    for path in (folder / "data" / "segments").glob("*/*/*.m4s"):
        found[f"{path.parent.name}/{path.name}"] = path.stat().st_mtime_ns
    return found


def encoders() -> list[str]:
    """The ffmpegs that run on behalf of this test run."""
    mark = f"WYLLOH_TEST_RUN={os.environ['WYLLOH_TEST_RUN']}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
            if b"ffmpeg" in command.split(b"\0")[0] and mark in (process / "environ").read_bytes().split(
                b"\0"
            ):
                found.append(command.replace(b"\0", b" ").decode(errors="replace")[:120])
        except OSError:
            continue
    return found


async def test_after_kill_9_the_rest_is_made_and_nothing_twice(tmp_path, film):
    with server_of(settings_of(tmp_path, film)) as server:
        await server.start()
        async with guest(server.url) as owner:
            assert (await owner.sign_in(HOLDER, server.claim_code))[0] == 200
            await eventually(owner.healthy)
            (path,) = await owner.films()
            player = await play(owner, path)
            tracks = [await player.track(track) for track in await player.tracks()]
            assert len(tracks) > 1
            wanted = sum(len(track.segments) for track in tracks)
            await player.picture(tracks[0], 0)
            await eventually(lambda: len(segments(tmp_path)) > 8)
            server.kill()
            await eventually(lambda: not encoders())
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


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_it_stops_in_the_middle_of_everything(tmp_path, stage: Stage, film, how):
    async with (
        bad_gateway(stage.gateway, "stall", honest_for=10) as gateway,
        rpc_proxy(stage.chain.rpc) as proxy,
    ):
        chain = {**stage.chain.settings, "rpc": [proxy.url]}
        settings = settings_of(tmp_path, film, chain=chain, ipfs={"gateways": [gateway.url]})
        with server_of(settings, WYLLOH_PASSPHRASE=PASSPHRASE) as server:
            await server.start("--log-level", "DEBUG")
            async with guest(server.url) as owner:
                code = server.claim_code
                assert (await owner.sign_in(HOLDER, code, bind=True))[0] == 200
                await eventually(owner.healthy)
                path = await eventually(lambda: _own(owner))
                player = await play(owner, path)
                track = await player.track((await player.tracks())[0])
                await player.picture(track, 0)
                far = asyncio.ensure_future(player.raw(track.segments[-1][0]))
                await eventually(lambda: len(gateway.asked) > 10 and encoders())
                assert await server.stop(how) == 0
                assert encoders() == []
                await asyncio.gather(far, return_exceptions=True)
                cookies = {cookie.key: cookie.value for cookie in owner.cookies}
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
