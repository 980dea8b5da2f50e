"""What a node answers is checked: ids, sizes, forms. Whatever it is, the caller gets a typed error or the next node."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from tests.components.registry import ACCOUNTS, open_pool
from tests.components.rpc_proxy import rpc_proxy
from wylloh_server.adapters.chain import (
    ChainLogReader,
    PoolContractReader,
    RegistryChain,
    RpcPool,
    abi_codec,
    json_rpc,
)
from wylloh_server.adapters.chain.rpc_errors import NodeFailed
from wylloh_server.adapters.chain.transaction_sender import send
from wylloh_server.adapters.chain.registry_calls import mint
from wylloh_server.adapters.chain.wallet_call_client import PoolWalletCalls
from wylloh_server.domain.chain_events import Contracts
from wylloh_server.domain.errors import ChainError, ChainUnavailable
from wylloh_server.domain.ports.wallet_calls import PreparedCall
from wylloh_server.domain.types import BlockNumber, parse_wallet

ME, OTHER = (parse_wallet(ACCOUNTS[index].address) for index in (1, 2))
HASH = "0x" + "ab" * 32
BLOCK = {"number": "0x5", "hash": HASH, "timestamp": "0x5", "transactions": []}

FORMS = [
    None,
    True,
    5,
    -1,
    1.5,
    "",
    "0x",
    "0xzz",
    "0x-5",
    "0x 5",
    "0x1_0",
    "0x" + "f" * 65,
    "0x" + "ff" * 100,
    "0x" + "00" * 64 + "ff" * 32,
    [],
    [5],
    [{}],
    [{"topics": 5}],
    {},
    {"number": "0x" + "f" * 40},
    {**BLOCK, "number": "0x" + "f" * 20},
    {**BLOCK, "timestamp": "0x" + "f" * 20},
    {**BLOCK, "timestamp": None},
    {**BLOCK, "hash": "0x 1"},
    {**BLOCK, "transactions": [{}, 5, {"from": ME, "nonce": "0x0"}]},
    {"hash": HASH, "from": ME, "to": OTHER, "input": "0x", "value": "0x0", "nonce": "0x0", "blockNumber": {}},
    {"hash": HASH, "from": [], "to": {}, "input": 5},
]
"""Results that are of the wrong form for most questions."""


async def operations(pool, registry, token):
    """Everything that this server asks a node, by name."""
    calls, contracts = PoolWalletCalls(pool), PoolContractReader(pool)
    logs = ChainLogReader(pool, registry.contract, Contracts(registry.contract, None, None))
    call = PreparedCall(ME, registry.contract, "0x", 0)
    chain = RegistryChain(pool)
    return {
        "rights": partial(chain.rights, ME, token, confirmations=2),
        "signature": partial(chain.signed_message, OTHER, "in", "0x" + "11" * 65),
        "read": partial(
            contracts.read, registry.contract, "balanceOf(address,uint256)", (ME, 1), ("uint256",)
        ),
        "code": partial(contracts.has_code, registry.contract),
        "balance": partial(contracts.native_balance, ME),
        "refusal": partial(calls.refusal, call),
        "standing": partial(calls.standing, ME),
        "seen": partial(calls.seen, HASH),
        "numbered": partial(calls.numbered, ME, 0, BlockNumber(0)),
        "final": calls.final,
        "head": logs.head,
        "headers": partial(logs.headers, [BlockNumber(1), BlockNumber(2)]),
        "logs": partial(logs.read, BlockNumber(1), ()),
        "send": partial(send, pool, mint(token, ME, 1), ACCOUNTS[0]),
    }


def is_an_answer(method, form):
    """Whether a node could answer this truly: it is not to be told from a lie by its form."""
    match method:
        case "eth_call" | "eth_getCode":
            return isinstance(form, str) and re.fullmatch("0x(?:[0-9a-f]{2})*", form) is not None
        case "eth_getBlockByNumber":
            return form is None or (isinstance(form, dict) and form | {"transactions": []} == BLOCK)
        case "eth_getTransactionByHash":
            return form is None or (isinstance(form, dict) and {"hash", "from", "value"} <= form.keys())
        case "eth_getTransactionReceipt":
            return form is None
    return method == "eth_getLogs" and form == []


async def tells_the_truth(name, result, truth):
    """Whether a result is what an honest node leads to; of a transaction that was sent, that it is there."""
    if name == "send":
        return await PoolWalletCalls(truth.pool).seen(result.hash) is not None
    return result == await truth.asked[name]()


@dataclass(frozen=True)
class Truth:
    """The same questions to an honest node."""

    pool: RpcPool
    asked: dict[str, Callable[[], Awaitable[Any]]]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: repr(form)[:40])
async def test_12_1_garbage_is_never_believed_and_a_typed_error_whatever_is_asked(chain, registry, form):
    token = await registry.film()
    truth = Truth(registry.pool, await operations(registry.pool, registry, token))
    async with rpc_proxy(chain.url) as proxy, open_pool(proxy.url, contract=registry.contract) as pool:
        asked = await operations(pool, registry, token)
        methods = {
            "eth_call": ("rights", "read", "refusal"),
            "eth_getCode": ("rights", "signature", "code", "refusal"),
            "eth_getBlockByNumber": ("rights", "numbered", "final", "head", "headers", "logs", "send"),
            "eth_blockNumber": ("standing", "numbered"),
            "eth_getTransactionCount": ("standing", "numbered", "send"),
            "eth_getTransactionByHash": ("seen",),
            "eth_getBalance": ("balance",),
            "eth_getLogs": ("logs",),
            "eth_chainId": ("rights",),
            "eth_getTransactionReceipt": () if form is None else ("send",),
        }
        for method, names in methods.items():
            for name in names:
                proxy.instead = {method: form}
                try:
                    result = await asked[name]()
                except ChainError as error:
                    assert error.fix
                else:
                    assert is_an_answer(method, form) or await tells_the_truth(name, result, truth), name
                proxy.instead = {}


async def test_12_1_a_garbage_answer_is_left_for_the_next_node(chain, registry):
    for method, result in (("eth_getBalance", "0x1_0"), ("eth_getCode", "0x 60"), ("eth_call", {"a": 1})):
        async with rpc_proxy(chain.url) as ill, open_pool(ill.url, chain.url) as pool:
            ill.instead = {method: result}
            contracts = PoolContractReader(pool)
            assert await contracts.native_balance(ME) > 0
            assert await contracts.has_code(registry.contract)
            balance = "balanceOf(address,uint256)", (ME, 1), ("uint256",)
            assert await contracts.read(registry.contract, *balance) == (0,)


def answered(question, id_):
    return {"jsonrpc": "2.0", "id": id_, "result": "0x7a69"}


@pytest.mark.parametrize("id_", [0, -1, 10**6, "0", None, True, 1.0, [], {}])
async def test_12_1_an_answer_with_another_id_is_not_believed(chain, id_):
    async with rpc_proxy(chain.url) as proxy, open_pool(proxy.url) as pool:
        await pool.request("eth_chainId", [])
        proxy.answers = {"eth_gasPrice": lambda question: answered(question, id_)}
        with pytest.raises(ChainUnavailable, match="another question"):
            await pool.request("eth_gasPrice", [])


async def test_12_1_answers_in_one_request_are_told_apart_by_their_ids(chain):
    async with rpc_proxy(chain.url) as proxy, open_pool(proxy.url) as pool:
        async with open_pool(chain.url) as honest:
            numbers = [BlockNumber(0), BlockNumber(1)]
            logs = ChainLogReader(honest, OTHER, Contracts(OTHER, None, None))
            truth = await logs.headers(numbers)
        asked = ChainLogReader(pool, OTHER, Contracts(OTHER, None, None))
        for confused in (lambda question: 10**6, lambda question: 7, lambda question: None):
            proxy.answers = {
                "eth_getBlockByNumber": lambda question, confused=confused: {
                    "jsonrpc": "2.0",
                    "id": confused(question),
                    "result": BLOCK,
                }
            }
            with pytest.raises(ChainUnavailable):
                await asked.headers(numbers)
        proxy.answers = {}
        assert await asked.headers(numbers) == truth


async def test_an_error_to_a_question_that_was_not_read_is_a_refusal_and_no_revert(chain):
    async with rpc_proxy(chain.url) as proxy, open_pool(proxy.url, chain.url) as pool:
        error = {"code": 3, "message": "execution reverted"}
        proxy.answers = {"eth_gasPrice": lambda question: {"jsonrpc": "2.0", "id": None, "error": error}}
        assert await pool.request("eth_gasPrice", [])


async def test_12_1_an_answer_that_is_too_large_is_not_read_to_its_end(chain, monkeypatch):
    monkeypatch.setattr(json_rpc, "_LARGEST", 1000)
    async with rpc_proxy(chain.url) as proxy, open_pool(proxy.url) as pool:
        await pool.request("eth_chainId", [])
        proxy.instead = {"eth_gasPrice": "0x" + "0" * 10_000}
        with pytest.raises(ChainUnavailable, match="too large"):
            await pool.request("eth_gasPrice", [])


async def test_12_1_an_answer_nested_without_end_is_no_crash(chain):
    async with rpc_proxy(chain.url) as proxy, open_pool(proxy.url, chain.url) as pool:
        proxy.body = b'{"jsonrpc": "2.0", "id": 0, "result": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
        assert await pool.request("eth_chainId", []) == "0x7a69"


@pytest.mark.parametrize(
    "value", ["5", "0x", "0x-1", " 0x1", "0x1 ", "0x1_0", "0X1", "0x" + "1" * 65, 5, None]
)
def test_what_is_no_quantity(value):
    with pytest.raises(NodeFailed):
        abi_codec.quantity(value)


@pytest.mark.parametrize("value", ["", "0x1", "0x 11", "0x1 1", "11", "0xgg", b"0x", None])
def test_what_is_no_data(value):
    with pytest.raises(NodeFailed):
        abi_codec.data(value)


def test_what_is_a_quantity_or_data():
    assert (abi_codec.quantity("0x0"), abi_codec.quantity("0x" + "f" * 64)) == (0, 2**256 - 1)
    assert (abi_codec.data("0x"), abi_codec.data("0xAbcd")) == (b"", b"\xab\xcd")
