"""The pool: who is asked, who is believed, and what happens when they fail."""

from __future__ import annotations

import asyncio
import socket

import pytest

from tests.components.anvil import anvil
from tests.components.registry import ACCOUNTS, LADDER, deployed, open_pool
from tests.components.rpc_proxy import rpc_proxy
from wylloh_server.adapters.chain import CallReverted, RegistryChain, RequestRefused, RpcPool
from wylloh_server.domain.errors import ChainUnavailable, NoContract, WrongChain
from wylloh_server.domain.rights import Stack
from wylloh_server.domain.types import ChainId, parse_wallet

ZERO_ADDRESS = parse_wallet("0x" + "ee" * 20)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def test_without_a_url_there_is_no_chain():
    async with RpcPool([], ChainId(1)) as pool:
        with pytest.raises(ChainUnavailable) as refused:
            await pool.request("eth_blockNumber", [])
    assert "chain.rpc" in refused.value.fix


async def test_the_next_node_answers_when_the_first_dies(chain, registry):
    token = await registry.film()
    nodes = f"http://127.0.0.1:{free_port()}", chain.url
    async with open_pool(*nodes, contract=registry.contract, quorum=1) as pool:
        asked = RegistryChain(pool)
        status = await asked.rights(parse_wallet(ACCOUNTS[1].address), token)
        assert status.stack == Stack(0, LADDER)
        status = await asked.status()
        assert status.usable
        assert [node.usable for node in status.nodes] == [False, True]
        assert status.nodes[0].reason == "it cannot be reached"


async def test_a_resting_node_is_not_asked(chain):
    async with rpc_proxy(chain.url) as ill, open_pool(ill.url, chain.url, cool_down=3600) as pool:
        ill.http_status = 503
        await pool.request("eth_blockNumber", [])
        asked = ill.calls.total()
        assert asked == 1
        for _ in range(3):
            await pool.request("eth_blockNumber", [])
        status = await RegistryChain(pool).status()
        assert ill.calls.total() == asked
        assert status.nodes[0].reason == "it answered with HTTP status 503"


@pytest.mark.parametrize("body", [b"<html>", b"", b"[]", b'{"jsonrpc": "2.0"}', b'{"result": 5}', b"\xff"])
async def test_nonsense_is_left_for_the_next_node(chain, body):
    async with rpc_proxy(chain.url) as ill, open_pool(ill.url, chain.url) as pool:
        ill.body = body
        assert int(await pool.request("eth_chainId", []), 16) == 31337
        assert ill.calls.total() == 1


async def test_a_stalling_node_is_left_at_the_deadline(chain):
    async with rpc_proxy(chain.url) as ill, open_pool(ill.url, chain.url, deadline=0.5) as pool:
        ill.stalled = True
        await pool.request("eth_blockNumber", [])
        assert (await RegistryChain(pool).status()).nodes[0].reason == "it did not answer within 0.5 seconds"


async def test_no_key_of_a_url_is_ever_told(chain):
    async with rpc_proxy(chain.url) as ill:
        async with open_pool(ill.url.replace("http://", "http://user:password@")) as pool:
            ill.http_status = 429
            with pytest.raises(ChainUnavailable) as caught:
                await pool.request("eth_blockNumber", [])
            told = f"{await RegistryChain(pool).status()} {caught.value} {caught.value.__cause__}"
    assert "429" in told
    assert "secret" not in told
    assert "password" not in told


async def test_a_node_of_another_chain_is_never_used():
    with anvil(chain_id=5) as wrong:
        async with rpc_proxy(wrong.url) as spied, open_pool(spied.url) as pool:
            with pytest.raises(WrongChain, match="chain 5, not 31337"):
                await pool.request("eth_blockNumber", [])
            status = await RegistryChain(pool).status()
            assert not status.usable
            assert status.block is None
            assert "serves chain 5, not 31337" in status.nodes[0].reason
            assert "31337" in status.fix
            assert set(spied.calls) == {"eth_chainId"}


async def test_a_node_that_comes_back_as_another_chain_is_not_used():
    port = free_port()
    async with open_pool(f"http://127.0.0.1:{port}") as pool:
        with anvil(port=port):
            assert await pool.request("eth_blockNumber", [])
        with pytest.raises(ChainUnavailable):
            await pool.request("eth_blockNumber", [])
        with anvil(port=port, chain_id=5), pytest.raises(WrongChain):
            await pool.request("eth_blockNumber", [])


async def test_an_address_without_code_is_unknown_not_zero(chain, registry):
    token = registry.new_token()
    async with open_pool(chain.url, contract=ZERO_ADDRESS) as pool:
        with pytest.raises(NoContract, match=ZERO_ADDRESS):
            await RegistryChain(pool).rights(parse_wallet(ACCOUNTS[1].address), token)
        status = await RegistryChain(pool).status()
        assert not status.usable
        assert ZERO_ADDRESS in status.nodes[0].reason
        assert status.fix


async def test_the_contract_may_appear_later():
    with anvil() as chain:
        async with deployed(chain.url) as elsewhere:
            address = elsewhere.contract
        with anvil() as fresh:
            async with open_pool(fresh.url, contract=address) as pool:
                assert not (await RegistryChain(pool).status()).usable
                async with deployed(fresh.url):
                    assert (await RegistryChain(pool).status()).usable


async def test_asking_a_node_that_rests_does_not_prolong_its_rest(chain, registry):
    async with (
        rpc_proxy(chain.url) as ill,
        open_pool(ill.url, contract=registry.contract, cool_down=0.5) as pool,
    ):
        ill.instead = {"eth_getCode": "0x"}
        with pytest.raises(NoContract):
            await pool.request("eth_blockNumber", [])
        ill.instead = {}
        async with asyncio.timeout(30):
            while not (await RegistryChain(pool).status()).usable:
                await asyncio.sleep(0.05)


async def test_it_recovers_when_a_node_that_was_down_at_start_comes_up():
    port = free_port()
    async with open_pool(f"http://127.0.0.1:{port}") as pool:
        with pytest.raises(ChainUnavailable, match="cannot be reached"):
            await pool.request("eth_blockNumber", [])
        assert not (await RegistryChain(pool).status()).usable
        with anvil(port=port):
            assert await pool.request("eth_blockNumber", []) == "0x0"
            status = await RegistryChain(pool).status()
        assert status.usable
        assert status.block == 0
        assert status.reason == status.fix == ""


async def test_a_refusal_goes_to_the_next_node_but_is_no_failure(chain):
    async with rpc_proxy(chain.url) as strict, open_pool(strict.url, chain.url, cool_down=3600) as pool:
        strict.refusal = lambda method, params: "rate limited" if method == "eth_gasPrice" else None
        assert await pool.request("eth_gasPrice", [])
        assert (await RegistryChain(pool).status()).nodes[0].usable
    async with rpc_proxy(chain.url) as strict, open_pool(strict.url) as pool:
        strict.refusal = lambda method, params: "rate limited" if method == "eth_gasPrice" else None
        with pytest.raises(RequestRefused, match="rate limited"):
            await pool.request("eth_gasPrice", [])


async def test_a_revert_is_an_answer(chain, registry):
    async with rpc_proxy(chain.url) as spare, open_pool(chain.url, spare.url) as pool:
        query = {"to": registry.contract, "data": "0x02571be3" + "00" * 32}
        with pytest.raises(CallReverted):
            await pool.request("eth_call", [query, "latest"])
        assert spare.calls.total() == 0


async def test_many_questions_at_once_check_the_node_once(chain):
    async with rpc_proxy(chain.url) as counted, open_pool(counted.url) as pool:
        await asyncio.gather(*(pool.request("eth_blockNumber", []) for _ in range(20)))
        assert counted.calls == {"eth_chainId": 1, "eth_blockNumber": 20}


async def test_different_faults_are_all_named(chain):
    with anvil(chain_id=5) as wrong:
        async with open_pool(wrong.url, f"http://127.0.0.1:{free_port()}") as pool:
            with pytest.raises(ChainUnavailable, match=r"serves chain 5.*; .*cannot be reached"):
                await pool.request("eth_blockNumber", [])
