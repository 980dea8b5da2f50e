"""Rights read live: balance and ladder in one batch, at one block, never zero for unknown."""

from __future__ import annotations

import pytest

from tests.components.anvil import anvil
from tests.components.registry import (
    ACCOUNTS,
    CHAIN_ID,
    EARLIER_REGISTRY,
    LADDER,
    deployed,
    open_pool,
    set_ladder,
    transfer,
)
from tests.components.rpc_proxy import rpc_proxy
from wylloh_server.adapters.chain import RegistryChain, registry_calls
from wylloh_server.domain.errors import NoContract, NotFound, WrongChain
from wylloh_server.domain.rights import RightsLadder, Stack, Tier
from wylloh_server.domain.types import ChainId, TokenReference, parse_wallet

HOLDER = parse_wallet(ACCOUNTS[1].address)
OTHER = parse_wallet(ACCOUNTS[2].address)
NEW = RightsLadder(
    (
        Tier(1, "personal"),
        Tier(9, "a right of our own"),
        Tier(90, "small-venue", ("AT", "CH", "DE"), 50),
        Tier(5_000, "theatrical"),
    )
)
"""Gives all that `LADDER` gives, and more: registries take no other."""


async def test_balance_and_ladder_read_as_they_were_written(registry):
    token = await registry.film()
    await registry.mint(token, HOLDER, 5)
    status = await RegistryChain(registry.pool).rights(HOLDER, token)
    assert status.stack == Stack(5, LADDER)
    assert status.stack.ladder.tiers[1].seats == 50
    assert status.stack.ladder.tiers[0].seats is None
    assert status.block == int(await registry.pool.request("eth_blockNumber", []), 16)


async def test_both_are_asked_in_one_request(chain, registry):
    token = await registry.film()
    async with rpc_proxy(chain.url) as proxy, open_pool(proxy.url, contract=registry.contract) as pool:
        await RegistryChain(pool).rights(HOLDER, token)
        checked = proxy.requests
        await RegistryChain(pool).rights(HOLDER, token)
        assert proxy.requests - checked == 2, "the block's number, then the batch"
        assert proxy.calls["eth_call"] == 4


async def test_a_transfer_and_a_new_ladder_show_at_once(registry):
    token = await registry.film()
    await registry.mint(token, HOLDER, 5)
    await registry.send(transfer(token, HOLDER, OTHER, 2), ACCOUNTS[1])
    await registry.send(set_ladder(token, NEW))
    assert (await RegistryChain(registry.pool).rights(HOLDER, token)).stack == Stack(3, NEW)
    assert (await RegistryChain(registry.pool).rights(OTHER, token)).stack == Stack(2, NEW)


async def test_where_a_registry_lets_rights_be_taken_holders_keep_them(chain):
    """It is of an earlier release; what its ladders gave before is known from the chain's history."""
    worse = RightsLadder((Tier(1_000, "personal"), Tier(6_000, "theatrical", ("AT",))))

    async def earlier(token):
        return {kept: LADDER}.get(token)

    async with deployed(chain.url, EARLIER_REGISTRY) as registry:
        kept, other = await registry.film(), await registry.film()
        await registry.mint(kept, HOLDER, 5_000)
        for token in (kept, other):
            await registry.send(set_ladder(token, worse))
        source = RegistryChain(registry.pool, earlier_ladder=earlier)
        stack = (await source.rights(HOLDER, kept)).stack
        assert stack.grants("theatrical", "DE") == Tier(5_000, "theatrical")
        assert stack.grants("small-venue").seats == 50
        assert (await source.rights(HOLDER, other)).stack.ladder == worse
        assert (await RegistryChain(registry.pool).rights(HOLDER, kept)).stack.reached == worse.tiers[:1]


async def test_everything_is_of_the_block_that_is_named(chain, registry):
    """Tokens move after the block's number was read; the answer must not see it."""
    token = await registry.film()
    await registry.mint(token, HOLDER, 5)
    async with rpc_proxy(chain.url) as proxy, open_pool(proxy.url) as pool:

        async def move_everything(method):
            if method == "eth_call" and proxy.calls["eth_call"] == 1:
                await registry.send(transfer(token, HOLDER, OTHER, 5), ACCOUNTS[1])
                await registry.send(set_ladder(token, NEW))

        proxy.before = move_everything
        assert (await RegistryChain(pool).rights(HOLDER, token)).stack == Stack(5, LADDER)
        assert (await RegistryChain(pool).rights(HOLDER, token)).stack == Stack(0, NEW)


async def test_a_reorganisation_undoes_a_change():
    with anvil() as chain:
        async with deployed(chain.url) as registry:
            token = await registry.film()
            await registry.send(set_ladder(token, NEW))
            assert (await RegistryChain(registry.pool).rights(HOLDER, token)).stack.ladder == NEW
            await registry.pool.request("anvil_rollback", [1])
            await registry.pool.request("anvil_mine", ["0x5"])
            assert (await RegistryChain(registry.pool).rights(HOLDER, token)).stack.ladder == LADDER


async def test_a_film_of_another_registry(chain, registry):
    async with deployed(chain.url) as second:
        token = await second.film()
        await second.mint(token, HOLDER, 4)
        assert (await RegistryChain(registry.pool).rights(HOLDER, token)).stack.holding == 4


async def test_an_unknown_film_and_another_chain(registry):
    unknown = registry.new_token()
    with pytest.raises(NotFound):
        await RegistryChain(registry.pool).rights(HOLDER, unknown)
    with pytest.raises(WrongChain):
        await RegistryChain(registry.pool).rights(
            HOLDER, TokenReference(ChainId(1), unknown.contract, unknown.token_id)
        )


async def test_no_contract_is_unknown_not_zero(registry):
    nowhere = TokenReference(CHAIN_ID, parse_wallet("0x" + "ee" * 20), 1)
    with pytest.raises(NoContract):
        await RegistryChain(registry.pool).rights(HOLDER, nowhere)


async def test_a_right_that_is_no_text_does_not_make_the_node_look_broken(registry):
    token = await registry.film()
    change = set_ladder(token, RightsLadder((*LADDER.tiers, Tier(9_000, "nonsense"))))
    broken = change.data.replace(b"nonsense".hex(), "ff" * 8)
    await registry.send(registry_calls.UnsignedTransaction(change.to, broken))
    *_, tier = (await RegistryChain(registry.pool).rights(HOLDER, token)).stack.ladder.tiers
    assert tier.right == "\ufffd" * 8
    assert (await RegistryChain(registry.pool).status()).usable
