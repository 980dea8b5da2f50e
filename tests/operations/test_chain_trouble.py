"""A chain that is down, another one, or without the contract: the server starts, says so, and recovers alone."""

from __future__ import annotations

import pytest

from tests.components.player import play
from tests.components.rpc_proxy import rpc_proxy
from tests.components.server import eventually, guest, running_server, server_settings, wylloh_async
from tests.components.environment import HOLDER


def settings_of(tmp_path, environment, **chain):
    chain = {**environment.chain.settings, **chain}
    return server_settings(
        tmp_path,
        chain=chain,
        library={"pull": "all"},
        ipfs={"gateways": [environment.gateway]},
        plugins={"disabled": ["tagging"]},
    )


async def doctor_says(settings) -> str:
    done = await wylloh_async("doctor", "--config", settings)
    assert done.returncode == 1
    return next(line for line in done.stdout.splitlines() if line.startswith("FIX Chain"))


@pytest.mark.parametrize("trouble", ["down", "wrong chain", "no contract"])
async def test_it_says_so_and_recovers_by_itself(tmp_path, environment, trouble):
    answers = {"eth_chainId": "0x5"} if trouble == "wrong chain" else {"eth_getCode": "0x"}
    words = {"down": "HTTP status 503", "wrong chain": "serves chain 5", "no contract": "no contract at"}[
        trouble
    ]
    async with rpc_proxy(environment.chain.rpc) as proxy:
        if trouble == "down":
            proxy.http_status = 503
        else:
            proxy.instead = answers
        settings = settings_of(tmp_path, environment, rpc=[proxy.url])
        async with running_server(settings) as server, guest(server.url) as owner:
            assert (await owner.sign_in(HOLDER, server.claim_code, bind=True))[0] == 200
            assert words in await owner.page("/")
            assert words in await owner.page("/admin")
            assert words in await doctor_says(settings)
            assert "secret-api-key" not in await owner.page("/admin")
            status, health = await owner.json("/healthz")
            assert status == 503
            assert words in str(health)
            assert "secret-api-key" not in str(health)

            proxy.http_status, proxy.instead = 200, {}
            await eventually(owner.healthy)
            assert "A Long Evening" in await owner.page("/")
            assert words not in await owner.page("/")
            (film,) = await owner.films()
            player = await play(owner, film)
            assert await player.tracks()
        assert "secret-api-key" not in server.err()


async def test_a_film_that_is_here_plays_on_without_the_chain(tmp_path, environment):
    async with rpc_proxy(environment.chain.rpc) as proxy:
        settings = settings_of(tmp_path, environment, rpc=[proxy.url])
        async with running_server(settings) as server, guest(server.url) as owner:
            assert (await owner.sign_in(HOLDER, server.claim_code, bind=True))[0] == 200
            await eventually(owner.healthy)
            (film,) = await owner.films()
            await play(owner, film)
            assert await server.stop() == 0
            proxy.http_status = 503
            await server.start()
            owner.url = server.url
            assert await owner.healthy()
            player = await play(owner, film)
            track = await player.track((await player.tracks())[0])
            assert len(await player.picture(track, 0)) > 20
