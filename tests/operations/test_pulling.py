"""Pulling a film through gateways that misbehave, through kill -9, and onto a disk that is full."""

from __future__ import annotations

import base64
import re
from contextlib import AsyncExitStack

import pytest

from tests.components.bad_gateway import bad_gateway
from tests.components.player import play
from tests.components.server import (
    eventually,
    guest,
    running_server,
    server_of,
    server_settings,
    wylloh_async,
)
from tests.components.small_disk import enlarge, small_disk
from tests.components.environment import HOLDER
from wylloh_server.adapters.crypto import open_key_store
from wylloh_server.adapters.ipfs.cid import IpfsBlock, parse_cid
from wylloh_server.domain.film import TokenOrigin
from wylloh_server.domain.types import Wallet
from wylloh_server.services.licensing.film_keys import FilmKeys

TITLE = "A Long Evening"


def holder_settings(tmp_path, environment, *gateways, **sections):
    return server_settings(
        tmp_path,
        chain=environment.chain.settings,
        ipfs={"gateways": list(gateways), **sections.pop("ipfs", {})},
        plugins={"disabled": ["tagging"]},
        **sections,
    )


def stored(tmp_path) -> set[str]:
    """The CIDs of the blocks on disk."""
    return {path.name for path in (tmp_path / "data" / "blocks" / "blocks").glob("*/*")}


def asked_for(gateway) -> list[str]:
    """The CIDs that were asked for, in order."""
    return [found[1] for path in gateway.asked if (found := re.match(r"/ipfs/(\w+)", path))]


def all_are_what_they_say(tmp_path) -> bool:
    """Check every block on disk against its name."""
    for path in (tmp_path / "data" / "blocks" / "blocks").glob("*/*"):
        IpfsBlock.checked(parse_cid(path.name), path.read_bytes())
    return True


async def come_in(owner, server) -> None:
    """Sign in as the holder, who claims the server and lets it keep the film's key."""
    assert (await owner.sign_in(HOLDER, server.claim_code, bind=True))[0] == 200


async def test_after_kill_9_nothing_is_fetched_twice(tmp_path, environment):
    async with AsyncExitStack() as stack:
        silent = await stack.enter_async_context(bad_gateway(environment.gateway, "silent", honest_for=14))
        good = await stack.enter_async_context(bad_gateway(environment.gateway, "honest"))
        server = stack.enter_context(server_of(holder_settings(tmp_path, environment, silent.url)))
        await server.start()
        owner = await stack.enter_async_context(guest(server.url))
        await come_in(owner, server)
        await eventually(lambda: len(silent.asked) >= 20 and len(stored(tmp_path)) >= 14)
        server.kill()
        before = stored(tmp_path)
        assert len(before) < 24

        holder_settings(tmp_path, environment, good.url)
        await server.start()
        owner.url = server.url
        await eventually(owner.healthy)
        again = asked_for(good)
        assert again
        assert before.isdisjoint(again)
        assert len(again) == len(set(again))
        assert before < stored(tmp_path)
        assert all_are_what_they_say(tmp_path)
        assert await server.stop() == 0
        keys = FilmKeys(await open_key_store(tmp_path / "data" / "keys"))
        package = environment.published
        (key,) = await keys.candidates(TokenOrigin(package.token, package.root, Wallet("0x"), ""))
        said = (
            server.settings.with_suffix(".err").read_text() + server.settings.with_suffix(".out").read_text()
        )
        assert len(key) == 32
        assert key.hex() not in said
        assert base64.b64encode(key).decode() not in said


async def test_gateways_that_misbehave_are_left_for_one_that_does_not(tmp_path, environment):
    modes = ("corrupt", "truncate", "drop", "stall", "error")
    async with AsyncExitStack() as stack:
        bad = [await stack.enter_async_context(bad_gateway(environment.gateway, mode)) for mode in modes]
        good = await stack.enter_async_context(bad_gateway(environment.gateway, "honest"))
        urls = [gateway.url for gateway in (*bad, good)]
        settings = holder_settings(tmp_path, environment, "http://127.0.0.1:9", *urls)
        server = await stack.enter_async_context(running_server(settings))
        owner = await stack.enter_async_context(guest(server.url))
        await come_in(owner, server)
        await eventually(owner.healthy)
        assert all(asked_for(gateway) for gateway in bad)
        assert set(asked_for(good)) == stored(tmp_path)
        assert all_are_what_they_say(tmp_path)
        (film,) = await owner.films()
        player = await play(owner, film)
        track = await player.track((await player.tracks())[0])
        assert len(await player.picture(track, 1)) > 20


async def test_a_full_disk_stops_a_pull_cleanly_and_room_lets_it_go_on(tmp_path, environment):
    with small_disk(tmp_path / "data", 14_000) as disk:
        async with bad_gateway(environment.gateway, "honest") as gateway:
            settings = holder_settings(tmp_path, environment, gateway.url)
            async with running_server(settings) as server, guest(server.url) as owner:
                await come_in(owner, server)
                page = await eventually(lambda: _says(owner, "The block store has room for"))
                assert "Free some space" in page
                assert (await owner.get("/livez"))[0] == 200
                status, health = await owner.json("/healthz")
                assert status == 503
                assert "Free some room, or move server.data to a larger disk." in str(health)
                assert TITLE in await owner.page("/")
                before = stored(tmp_path)
                assert before, "its words are here; of the film nothing was begun"
                assert all_are_what_they_say(tmp_path)

                gateway.asked.clear()
                enlarge(disk, 64_000)
                await eventually(owner.healthy)
                assert before < stored(tmp_path)
                assert before.isdisjoint(asked_for(gateway))
                assert all_are_what_they_say(tmp_path)
                assert await server.stop() == 0


async def _says(owner, words: str) -> str:
    """Give the film's page once it says this."""
    for page in (await owner.films()).values():
        if words in page:
            return page
    return ""


async def test_a_full_store_stops_a_pull_and_a_larger_bound_lets_it_go_on(tmp_path, environment):
    settings = holder_settings(tmp_path, environment, environment.gateway, ipfs={"store_gb": 0.01})
    with server_of(settings) as server:
        await server.start()
        async with guest(server.url) as owner:
            await come_in(owner, server)
            assert "ipfs.store_gb" in await eventually(lambda: _says(owner, "its bound is 10.0 MB"))
            before = stored(tmp_path)
            assert await server.stop() == 0
            holder_settings(tmp_path, environment, environment.gateway, ipfs={"store_gb": 1})
            await server.start()
            owner.url = server.url
            await eventually(lambda: before < stored(tmp_path))
            await eventually(owner.healthy)


async def test_the_command_line_pulls_lists_and_goes_on(tmp_path, environment):
    token = str(environment.published.token)
    async with bad_gateway(environment.gateway, "error", honest_for=10) as gateway:
        settings = holder_settings(tmp_path, environment, gateway.url)
        assert "No film yet" in (await wylloh_async("film", "list", "--config", settings)).stdout

        first = await wylloh_async("film", "pull", token, "--config", settings)
        assert first.returncode == 1
        assert "is not complete" in first.stderr
        assert "What came is kept" in first.stderr
        assert "Traceback" not in first.stderr
        assert len(first.stderr.splitlines()) <= 2
        before = stored(tmp_path)
        assert before
        listed = (await wylloh_async("film", "list", "--config", settings)).stdout
        assert TITLE in listed
        assert token in listed

        gateway.mode = "honest"
        gateway.asked.clear()
        second = await wylloh_async("film", "pull", token, "--config", settings)
        assert (second.returncode, second.stderr) == (0, "")
        assert second.stdout == f"{TITLE} is here.\n"
        assert before.isdisjoint(asked_for(gateway))
        film = (await wylloh_async("film", "list", "--config", settings)).stdout.split()[0]

        gateway.asked.clear()
        third = await wylloh_async("film", "pull", film, "--config", settings)
        assert third.returncode == 0
        assert asked_for(gateway) == []


@pytest.mark.parametrize(
    ("film", "said"), [("0123", "no film “0123” is known"), ("eip155:1/x", "eip155:1/x")]
)
async def test_a_film_nobody_knows_is_not_pulled(tmp_path, environment, film, said):
    settings = holder_settings(tmp_path, environment, environment.gateway)
    done = await wylloh_async("film", "pull", film, "--config", settings)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
