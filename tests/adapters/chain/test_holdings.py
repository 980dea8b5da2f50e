"""Holdings: many films in few calls, all at one block, never zero for unknown."""

from __future__ import annotations

import random
from contextlib import asynccontextmanager

import pytest
from eth_abi.abi import encode
from web3 import AsyncHTTPProvider

from tests.components.anvil import anvil
from tests.components.registry import ACCOUNTS, CHAIN_ID, deployed, open_pool
from tests.components.rpc_proxy import rpc_proxy
from wylloh_server.adapters.chain import _wire, holdings, read_holdings, registry_calls
from wylloh_server.adapters.chain.registry_calls import NewFilm
from wylloh_server.domain.errors import NoContract
from wylloh_server.domain.rights import RightsLadder, Tier
from wylloh_server.domain.types import ChainId, Cid, TokenReference, wallet_of

HOLDER = wallet_of(ACCOUNTS[1].address)
OTHER = wallet_of(ACCOUNTS[2].address)


@asynccontextmanager
async def many_films(count):
    """A registry of its own with that many films; the holder has 0 to 4 tokens of each. Gives its URL too."""
    with anvil(gas_limit=10_000_000_000) as chain:
        async with deployed(chain.url) as registry:
            ladder, root = RightsLadder((Tier(1, "personal"),)), Cid("b" + "a" * 58)
            counts = {registry.new_token(): at % 5 for at in range(count)}
            films = [NewFilm(token, root, "cd" * 32, 10, HOLDER, 0, ladder) for token in counts]
            await mine_together(chain.url, [registry_calls.create_film(film) for film in films])
            await mine_together(
                chain.url, [registry_calls.mint(t, HOLDER, n) for t, n in counts.items() if n]
            )
            yield chain.url, registry, counts


async def mine_together(url, transactions):
    """Put many transactions of anvil's unlocked first account into one block."""
    provider, sender = AsyncHTTPProvider(url, exception_retry_configuration=None), ACCOUNTS[0].address

    async def ask(method, *parameters):
        return (await provider.make_request(method, parameters))["result"]

    try:
        first = int(await ask("eth_getTransactionCount", sender, "latest"), 16)
        await ask("evm_setAutomine", False)
        requests = [
            (
                "eth_sendTransaction",
                [{"from": sender, "to": tx.to, "data": tx.data, "gas": "0x7a120", "nonce": hex(n)}],
            )
            for n, tx in enumerate(transactions, first)
        ]
        for at in range(0, len(requests), 100):
            replies = await provider.make_batch_request(requests[at : at + 100])
            assert [reply for reply in replies if "error" in reply] == []
        await ask("evm_mine")
        await ask("evm_setAutomine", True)
        assert int(await ask("eth_getTransactionCount", sender, "latest"), 16) == first + len(transactions)
    finally:
        await provider.disconnect()


async def test_twelve_hundred_films_agree_with_single_calls():
    async with many_films(1_200) as (url, registry, counts):
        async with rpc_proxy(url) as counted, open_pool(counted.url, contract=registry.contract) as pool:
            held = await read_holdings(pool, HOLDER, list(counts))
            assert counted.calls["eth_call"] == 3
            assert counted.calls["eth_blockNumber"] == 1
            assert held.wallet == HOLDER
            assert dict(held.counts) == counts
            for token in random.Random(3).sample(list(counts), 25):
                data = _wire.selector("balanceOf(address,uint256)") + encode(
                    ["address", "uint256"], [HOLDER, token.token_id]
                )
                query = {"to": token.contract, "data": "0x" + data.hex()}
                assert int(await pool.request("eth_call", [query, hex(held.block)]), 16) == held.counts[token]


async def test_all_counts_are_of_the_block_that_is_named(chain, registry, monkeypatch):
    """Tokens move between the first and the second call of one reading; the answer must not see it."""
    monkeypatch.setattr(holdings, "CHUNK", 1)
    tokens = [await registry.film(), await registry.film()]
    await registry.mint(tokens[0], HOLDER, 5)
    await registry.mint(tokens[1], HOLDER, 5)
    async with rpc_proxy(chain.url) as proxy, open_pool(proxy.url) as pool:

        async def move_everything(method):
            if method == "eth_call" and proxy.calls["eth_call"] == 2:
                for token in tokens:
                    await registry.send(registry_calls.transfer(token, HOLDER, OTHER, 5), ACCOUNTS[1])

        proxy.before = move_everything
        held = await read_holdings(pool, HOLDER, tokens)
        assert list(held.counts.values()) == [5, 5]
        assert list((await read_holdings(pool, HOLDER, tokens)).counts.values()) == [0, 0]


async def test_an_unregistered_film_is_held_zero_times(registry):
    token = registry.new_token()
    held = await read_holdings(registry.pool, HOLDER, [token])
    assert dict(held.counts) == {token: 0}


async def test_films_of_two_registries(chain, registry):
    async with deployed(chain.url) as second:
        tokens = [await registry.film(), await second.film()]
        await registry.mint(tokens[0], HOLDER, 3)
        await second.mint(tokens[1], HOLDER, 4)
        held = await read_holdings(registry.pool, HOLDER, tokens)
        assert [held.counts[token] for token in tokens] == [3, 4]


async def test_a_token_of_another_chain_is_left_out(registry):
    here = await registry.film()
    there = TokenReference(ChainId(CHAIN_ID + 1), registry.contract, here.token_id)
    assert set((await read_holdings(registry.pool, HOLDER, [here, there])).counts) == {here}


async def test_no_contract_is_unknown_not_zero(registry):
    nowhere = TokenReference(CHAIN_ID, wallet_of("0x" + "ee" * 20), 1)
    with pytest.raises(NoContract):
        await read_holdings(registry.pool, HOLDER, [nowhere])


async def test_no_films_no_call(registry):
    assert dict((await read_holdings(registry.pool, HOLDER, [])).counts) == {}


async def test_a_transfer_shows_at_once(registry):
    token = await registry.film()
    await registry.mint(token, HOLDER, 5)
    await registry.send(registry_calls.transfer(token, HOLDER, OTHER, 2), ACCOUNTS[1])
    assert (await read_holdings(registry.pool, HOLDER, [token])).counts[token] == 3
    assert (await read_holdings(registry.pool, OTHER, [token])).counts[token] == 2


@pytest.mark.parametrize("count", [0, 1, 2, 500])
def test_the_hand_packed_question_is_what_eth_abi_packs(count):
    dice = random.Random(count)
    ids = [dice.getrandbits(256) for _ in range(count)]
    packed = encode(["address[]", "uint256[]"], [[HOLDER] * count, ids])
    assert _wire.balance_query(HOLDER, ids) == "0x4e1273f4" + packed.hex()
    assert _wire.balances(encode(["uint256[]"], [ids]), count) == ids
