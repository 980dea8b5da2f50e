"""Films are found in events, over many blocks, however narrow the provider's ranges are."""

from __future__ import annotations

import logging

import pytest

from tests.components.anvil import anvil
from tests.components.registry import ACCOUNTS, OTHER_ROOT, ROOT, SHA256, deployed, open_pool
from tests.components.rpc_proxy import rpc_proxy
from wylloh_server.adapters.chain import FilmDiscovery, RequestRefused, registry_calls
from wylloh_server.domain.types import BlockNumber, Cid, wallet_of

START = BlockNumber(0)


def at_most(blocks):
    """Refuse wider ranges, in the words of a provider."""

    def refusal(method, params):
        if method != "eth_getLogs":
            return None
        span = int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) + 1
        return f"query exceeds max block range {blocks}" if span > blocks else None

    return refusal


async def mine(registry, blocks):
    await registry.pool.request("anvil_mine", [hex(blocks)])


async def test_a_new_film_is_found_as_registered(registry):
    token = await registry.film()
    found = await FilmDiscovery(registry.pool, registry.contract).since(START)
    (film,) = found.films
    assert (film.token, film.root, film.manifest_sha256, film.max_supply) == (token, ROOT, SHA256, 10_000)
    assert film.publisher == wallet_of(ACCOUNTS[0].address)
    assert found.next_block == film.block + 1


async def test_nothing_is_found_twice_and_nothing_is_missed(registry):
    discovery = FilmDiscovery(registry.pool, registry.contract)
    first = await registry.film()
    found = await discovery.since(START)
    assert [film.token for film in found.films] == [first]
    again = await discovery.since(found.next_block)
    assert again.films == ()
    second = await registry.film()
    assert [film.token for film in (await discovery.since(again.next_block)).films] == [second]


async def test_a_range_that_is_asked_for_again_is_told_again(registry):
    discovery, token = FilmDiscovery(registry.pool, registry.contract), await registry.film()
    for _ in range(2):
        assert [film.token for film in (await discovery.since(START)).films] == [token]


async def test_a_new_package_is_found_with_what_did_not_change(registry):
    discovery, token = FilmDiscovery(registry.pool, registry.contract), await registry.film()
    found = await discovery.since(START)
    await registry.send(registry_calls.set_package(token, OTHER_ROOT, "cd" * 32))
    (film,) = (await discovery.since(found.next_block)).films
    assert (film.token, film.root, film.manifest_sha256) == (token, OTHER_ROOT, "cd" * 32)
    assert (film.publisher, film.max_supply) == (wallet_of(ACCOUNTS[0].address), 10_000)


async def test_ranges_are_halved_until_the_provider_answers():
    with anvil() as chain:
        async with deployed(chain.url) as registry, rpc_proxy(chain.url) as narrow:
            tokens = []
            for _ in range(4):
                tokens.append(await registry.film())
                await mine(registry, 250)
            narrow.refusal = at_most(100)
            async with open_pool(narrow.url, contract=registry.contract) as pool:
                found = await FilmDiscovery(pool, registry.contract).since(START)
            assert [film.token for film in found.films] == tokens
            assert found.next_block == int(await registry.pool.request("eth_blockNumber", []), 16) + 1


async def test_a_long_scan_goes_on_where_it_was_saved():
    with anvil() as chain:
        async with deployed(chain.url) as registry, rpc_proxy(chain.url) as narrow:
            await mine(registry, 900)
            token = await registry.film()
            narrow.refusal = at_most(10)
            async with open_pool(narrow.url, contract=registry.contract) as pool:
                discovery, block, films, rounds = FilmDiscovery(pool, registry.contract), START, [], 0
                while not films:
                    found = await discovery.since(block)
                    assert found.next_block > block
                    films, block, rounds = [*films, *found.films], found.next_block, rounds + 1
            assert [film.token for film in films] == [token]
            assert rounds > 1


async def test_a_provider_that_refuses_even_one_block_is_an_error(chain, registry):
    async with rpc_proxy(chain.url) as closed, open_pool(closed.url) as pool:
        closed.refusal = at_most(0)
        with pytest.raises(RequestRefused, match="max block range"):
            await FilmDiscovery(pool, registry.contract).since(START)


async def test_an_entry_without_a_cid_is_passed_over(registry, caplog):
    await registry.film(root=Cid("../../etc/passwd"))
    token = await registry.film()
    with caplog.at_level(logging.WARNING):
        found = await FilmDiscovery(registry.pool, registry.contract).since(START)
    assert [film.token for film in found.films] == [token]
    assert "etc/passwd" in caplog.text


async def test_a_film_that_a_reorganisation_put_into_older_blocks_is_found():
    with anvil() as chain:
        async with deployed(chain.url) as registry:
            discovery = FilmDiscovery(registry.pool, registry.contract)
            await mine(registry, 10)
            found = await discovery.since(START)
            await registry.pool.request("anvil_rollback", [8])
            token = await registry.film()
            await mine(registry, 20)
            again = await discovery.since(found.next_block)
            assert [film.token for film in again.films] == [token]
            assert (await discovery.since(again.next_block)).films == ()


async def test_a_chain_that_was_started_anew_is_read_from_its_end(registry):
    with anvil() as fresh:
        async with deployed(fresh.url) as young:
            token = await young.film()
            found = await FilmDiscovery(young.pool, young.contract).since(BlockNumber(5_000))
            assert [film.token for film in found.films] == [token]
            assert found.next_block < 10
