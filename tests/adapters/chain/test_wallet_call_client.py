"""Calls for wallets against real nodes, and against nodes that are not well."""

from __future__ import annotations

import pytest

from tests.components.registry import ACCOUNTS, open_pool
from tests.components.rpc_proxy import rpc_proxy
from wylloh_server.adapters.chain.wallet_call_client import PoolWalletCalls, signature_parts
from wylloh_server.domain.errors import ChainUnavailable, InvalidValue
from wylloh_server.domain.chain_events import ZERO_ADDRESS
from wylloh_server.domain.transaction import ContractCall, SignaturePart
from wylloh_server.domain.types import parse_wallet

ME, OTHER = (parse_wallet(ACCOUNTS[index].address) for index in (1, 2))
V, R, S = SignaturePart.V, SignaturePart.R, SignaturePart.S


@pytest.fixture
def calls(pool):
    return PoolWalletCalls(pool)


@pytest.mark.parametrize(("written", "v"), [("00", 27), ("01", 28), ("1b", 27), ("1c", 28)])
def test_a_signature_comes_apart_however_a_wallet_writes_its_last_byte(written, v):
    parts = signature_parts("0x" + "Aa" * 32 + "bb" * 32 + written)
    assert parts == {V: v, R: b"\xaa" * 32, S: b"\xbb" * 32}


@pytest.mark.parametrize(
    "signature", ["", "0x", "0x12", "aa" * 65, "0x" + "aa" * 64, "0x" + "aa" * 66, "0x" + "zz" * 65]
)
def test_what_is_no_signature_of_an_account_is_refused(signature):
    with pytest.raises(InvalidValue, match="no signature"):
        signature_parts(signature)


async def test_tuples_lists_and_parts_of_a_signature_are_encoded(calls):
    function = "sell(uint256,(uint256,uint8,bytes32)[],address,bytes,bool,string)"
    arguments = (1, ((2, V, R), (3, V, S)), OTHER, b"\1\2", True, "é")
    call = ContractCall(OTHER, function, arguments, value=5)
    unsigned, signed = calls.prepared(ME, call), calls.prepared(ME, call, "0x" + "11" * 32 + "22" * 32 + "1c")
    assert (signed.sender, signed.to, signed.value) == (ME, OTHER, 5)
    assert "11" * 32 in signed.data and "22" * 32 in signed.data
    assert len(unsigned.data) == len(signed.data)
    assert unsigned.data[:10] == signed.data[:10]


async def sent(pool, **call):
    """Send a transaction; it is in a block when this returns."""
    receipt = await pool.request("eth_sendTransactionSync", [{"from": ME, **call}])
    return receipt["transactionHash"]


async def test_a_transaction_is_seen_with_all_it_does(calls, pool):
    before = await calls.standing(ME)
    hash_ = await sent(pool, to=OTHER, value="0x7", data="0xabcd")
    seen = await calls.seen(hash_)
    assert (seen.call.sender, seen.call.to, seen.call.value, seen.call.data) == (ME, OTHER, 7, "0xabcd")
    assert (seen.hash, seen.nonce, seen.succeeded) == (hash_, before.nonce, True)
    assert (await calls.standing(ME)).nonce == before.nonce + 1
    assert await calls.numbered(ME, before.nonce, before.block) == seen
    assert await calls.numbered(ME, before.nonce + 1, before.block) is None
    assert await calls.numbered(OTHER, 10_000, before.block) is None
    assert await calls.seen("0x" + "00" * 32) is None


async def test_one_that_makes_a_contract_goes_to_nobody(calls, pool):
    seen = await calls.seen(await sent(pool, data="0x00"))
    assert seen.call.to == ZERO_ADDRESS


async def test_one_that_waits_is_in_no_block(calls, pool):
    await pool.request("evm_setAutomine", [False])
    try:
        seen = await calls.seen(await pool.request("eth_sendTransaction", [{"from": ME, "to": OTHER}]))
        assert (seen.block, seen.succeeded) == (None, False)
    finally:
        await pool.request("evm_setAutomine", [True])
        await pool.request("evm_mine", [])


async def test_a_number_is_found_among_many_blocks(calls, pool):
    before = await calls.standing(ME)
    hashes = []
    for _ in range(3):
        await pool.request("anvil_mine", [hex(40)])
        hashes.append(await sent(pool, to=OTHER))
    await pool.request("anvil_mine", [hex(40)])
    found = [await calls.numbered(ME, before.nonce + index, before.block) for index in range(3)]
    assert [one.hash for one in found] == hashes


async def test_a_node_that_knows_no_final_block_gets_time_instead(chain):
    async with rpc_proxy(chain.url) as proxy, open_pool(proxy.url) as pool:
        await pool.request("anvil_mine", [hex(200)])
        calls = PoolWalletCalls(pool)
        newest = int(await pool.request("eth_blockNumber", []), 16)
        assert await calls.final() <= newest
        proxy.refusal = lambda method, params: "unknown tag" if "finalized" in params else None
        assert await calls.final() == newest - 64
        proxy.refusal = lambda method, params: None
        header = await pool.request("eth_getBlockByNumber", ["latest", False])

        def without_final(question):
            result = None if question["params"][0] == "finalized" else header
            return {"jsonrpc": "2.0", "id": question["id"], "result": result}

        proxy.answers = {"eth_getBlockByNumber": without_final}
        assert await calls.final() == newest - 64


@pytest.mark.parametrize(
    "nonsense",
    [
        {"eth_getTransactionByHash": "text"},
        {"eth_getTransactionByHash": {}},
        {"eth_getTransactionByHash": {"from": "0x12"}},
        {"eth_getTransactionByHash": {"from": ME, "to": ME, "input": 7}},
        {"eth_getTransactionReceipt": "text"},
    ],
)
async def test_a_node_that_talks_nonsense_is_left(chain, pool, nonsense):
    real = await sent(pool, to=OTHER)
    async with rpc_proxy(chain.url) as proxy, open_pool(proxy.url) as broken:
        proxy.instead = nonsense
        with pytest.raises(ChainUnavailable):
            await PoolWalletCalls(broken).seen(real)


@pytest.mark.parametrize(
    ("method", "key"),
    [("eth_getTransactionByHash", "hash"), ("eth_getTransactionReceipt", "transactionHash")],
)
async def test_12_1_a_node_that_tells_of_another_transaction_is_left(chain, pool, method, key):
    """Its success would be taken for that of the one that was asked for."""
    asked, other = [await sent(pool, to=OTHER, value=value) for value in ("0x1", "0x2")]
    await pool.request("anvil_mine", ["0x1"])
    lie = await pool.request(method, [other])
    assert lie[key] == other
    async with (
        rpc_proxy(chain.url) as proxy,
        open_pool(proxy.url) as broken,
        open_pool(proxy.url, chain.url) as both,
    ):
        proxy.instead = {method: lie}
        with pytest.raises(ChainUnavailable, match="another transaction"):
            await PoolWalletCalls(broken).seen(asked)
        assert (await PoolWalletCalls(both).seen(asked)).call.value == 1
        proxy.instead = {}
