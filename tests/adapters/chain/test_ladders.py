"""Ladders are read once, and again only when a newer block changed them."""

from __future__ import annotations

import asyncio

import pytest

from tests.components.anvil import anvil
from tests.components.registry import LADDER, deployed, open_pool
from tests.components.rpc_proxy import rpc_proxy
from wylloh_server.adapters.chain import Ladders, registry_calls
from wylloh_server.domain.errors import NotFound, WrongChain
from wylloh_server.domain.rights import RightsLadder, Tier
from wylloh_server.domain.types import ChainId, Seconds, TokenReference

NEW = RightsLadder((Tier(2, "personal", ("CH",), 7), Tier(9, "a right of our own")))
ALWAYS = Seconds(0)


@pytest.fixture
async def counted(chain, registry):
    """A proxy that counts, and ladders read through it."""
    async with rpc_proxy(chain.url) as proxy, open_pool(proxy.url, contract=registry.contract) as pool:
        yield proxy, pool


async def test_a_ladder_reads_as_it_was_written(counted, registry):
    _, pool = counted
    token = await registry.film()
    ladder = await Ladders(pool).of(token)
    assert ladder == LADDER
    assert ladder.tiers[1].seats == 50
    assert ladder.tiers[0].seats is None


async def test_it_is_read_once_while_nothing_changes(counted, registry):
    proxy, pool = counted
    ladders, token = Ladders(pool, freshness=ALWAYS), await registry.film()
    for _ in range(5):
        assert await ladders.of(token) == LADDER
    assert proxy.calls["eth_call"] == 1


async def test_only_the_ladder_that_changed_is_read_again(counted, registry):
    proxy, pool = counted
    ladders, changed, same = Ladders(pool, freshness=ALWAYS), await registry.film(), await registry.film()
    await ladders.of(changed)
    await ladders.of(same)
    await registry.send(registry_calls.set_ladder(changed, NEW))
    await registry.film()
    assert await ladders.of(changed) == NEW
    assert await ladders.of(same) == LADDER
    assert proxy.calls["eth_call"] == 3


async def test_a_library_page_asks_for_the_head_once(counted, registry):
    proxy, pool = counted
    ladders = Ladders(pool, freshness=Seconds(3600))
    tokens = [await registry.film() for _ in range(5)]
    await asyncio.gather(*map(ladders.of, tokens))
    await asyncio.gather(*map(ladders.of, tokens))
    assert proxy.calls["eth_getBlockByNumber"] == 1
    assert proxy.calls["eth_call"] == 5


async def test_a_provider_that_refuses_events_costs_a_new_reading_only(counted, registry):
    proxy, pool = counted
    proxy.refusal = lambda method, params: "no logs today" if method == "eth_getLogs" else None
    ladders, token = Ladders(pool, freshness=ALWAYS), await registry.film()
    await ladders.of(token)
    await registry.send(registry_calls.set_ladder(token, NEW))
    assert await ladders.of(token) == NEW


async def test_a_reorganisation_undoes_a_change():
    with anvil() as chain:
        async with deployed(chain.url) as registry:
            ladders, token = Ladders(registry.pool, freshness=ALWAYS), await registry.film()
            await registry.send(registry_calls.set_ladder(token, NEW))
            assert await ladders.of(token) == NEW
            await registry.pool.request("anvil_rollback", [1])
            await registry.pool.request("anvil_mine", ["0x5"])
            assert await ladders.of(token) == LADDER


async def test_an_unknown_film_and_another_chain(counted, registry):
    _, pool = counted
    unknown = registry.new_token()
    with pytest.raises(NotFound):
        await Ladders(pool).of(unknown)
    with pytest.raises(WrongChain):
        await Ladders(pool).of(TokenReference(ChainId(1), unknown.contract, unknown.token_id))


async def test_a_right_that_is_no_text_does_not_make_the_node_look_broken(counted, registry):
    _, pool = counted
    token = await registry.film()
    change = registry_calls.set_ladder(token, RightsLadder((Tier(1, "personal"),)))
    broken = change.data.replace(b"personal".hex(), "ff" * 8)
    await registry.send(registry_calls.Transaction(change.to, broken))
    (tier,) = (await Ladders(pool).of(token)).tiers
    assert tier.right == "\ufffd" * 8
    assert (await pool.status()).usable
