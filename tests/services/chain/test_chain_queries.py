"""What plugins ask of the chain besides its history: contracts, coins, balances."""

from __future__ import annotations

from contextlib import closing

import pytest
from eth_abi.abi import encode

from tests.components.anvil import anvil
from tests.components.evm import Evm
from tests.components.market import open_market
from tests.components.registry import open_pool
from tests.components.rpc_proxy import rpc_proxy
from wylloh_server.adapters.chain import PoolContractReader, RpcPool
from wylloh_server.storage import open_database
from wylloh_server.domain.errors import ChainError, ChainUnavailable, NoContract
from wylloh_server.domain.chain_events import NATIVE_COIN, Coin, Contracts, IndexState
from wylloh_server.domain.types import ChainId
from wylloh_server.services.chain.chain_queries import ChainQueries

NONE = Contracts(None, None, None)
WORD_SYMBOL = "0x" + b"MKR".ljust(32, b"\0").hex()


@pytest.fixture(scope="module")
def node():
    with anvil() as node:
        yield node


@pytest.fixture(scope="module")
def market(node):
    with closing(Evm(node.url)) as evm:
        yield open_market(evm)


@pytest.fixture
async def storage(tmp_path):
    async with open_database(tmp_path / "wylloh.sqlite3") as database:
        yield database.storage


def on_chain(storage, pool, chain_id=1, contracts=NONE):
    return ChainQueries(
        contracts=contracts,
        history=storage.history,
        coins=storage.coins,
        reader=PoolContractReader(pool),
        chain_id=ChainId(chain_id),
    )


@pytest.fixture
async def chain(node, storage):
    async with open_pool(node.url) as pool:
        yield on_chain(storage, pool)


async def test_coins_have_symbols_decimals_and_perhaps_permits(chain, market):
    dollar, plain = market.coin.address, market.chain.deploy("NoPermitCoin").address
    assert await chain.coin(dollar) == Coin(dollar, "dUSD", 6, permits=True)
    assert await chain.coin(plain) == Coin(plain, "PLAIN", 18, permits=False)


async def test_balances(chain, market):
    rich = market.people[3]
    assert await chain.balance(rich, market.coin.address) == market.money(rich)
    assert await chain.balance(rich, NATIVE_COIN) == market.chain.balance(rich)
    with pytest.raises(NoContract):
        await chain.balance(rich, market.stranger)


async def test_a_coin_is_read_once_and_known_without_a_chain(storage, node, market):
    async with rpc_proxy(node.url) as proxy, open_pool(proxy.url) as pool:
        coin = await on_chain(storage, pool).coin(market.coin.address)
        asked = proxy.requests
        proxy.http_status = 503
        assert await on_chain(storage, pool).coin(market.coin.address) == coin
        assert proxy.requests == asked


@pytest.mark.parametrize(
    ("symbol", "shown"),
    [
        ("0x" + encode(["string"], ["USDC"]).hex(), "USDC"),
        (WORD_SYMBOL, "MKR"),
        ("0x" + encode(["string"], ["\u202eCDSU\x00\n"]).hex(), "CDSU"),
        ("0x" + encode(["string"], ["$" * 500]).hex(), "$" * 12),
        ("0x" + encode(["string"], [""]).hex(), "?"),
        ("0x" + encode(["string"], ["₿é"]).hex(), "₿é"),
    ],
)
async def test_symbols_are_shortened_and_cleaned_because_anybody_can_write_one(storage, node, symbol, shown):
    """The first question is for decimals, the second and perhaps third for the symbol."""
    answers = {"0x313ce567": "0x" + encode(["uint8"], [6]).hex(), "0x95d89b41": symbol}
    async with rpc_proxy(node.url) as proxy, open_pool(proxy.url) as pool:
        refused = {"code": 3, "message": "execution reverted"}

        def answer(question):
            data = question["params"][0]["data"]
            result = {"result": answers[data]} if data in answers else {"error": refused}
            return {"jsonrpc": "2.0", "id": question["id"], **result}

        proxy.answers["eth_call"] = answer
        coin = await on_chain(storage, pool).coin("0x" + "c0" * 20)
    assert (coin.symbol, coin.decimals, coin.permits) == (shown, 6, False)


async def test_what_is_no_coin_is_not_kept(chain, storage, market):
    for nothing in (market.stranger, market.registry.address):
        with pytest.raises(ChainError):
            await chain.coin(nothing)
        assert await storage.coins.get(nothing) is None


async def test_a_silent_chain_is_not_taken_for_a_coin_without_permits(storage, node, market):
    async with rpc_proxy(node.url) as proxy, open_pool(proxy.url) as pool:
        for moment in range(2, 5):
            proxy.calls.clear()
            proxy.refusal = lambda method, _, moment=moment: (
                "too many requests" if method == "eth_call" and proxy.calls["eth_call"] >= moment else None
            )
            with pytest.raises(ChainUnavailable):
                await on_chain(storage, pool).coin(market.coin.address)
        proxy.refusal = lambda *_: None
        assert (await on_chain(storage, pool).coin(market.coin.address)).permits


@pytest.mark.parametrize(("chain_id", "symbol"), [(1, "ETH"), (8453, "ETH"), (137, "POL")])
async def test_the_chains_own_coin_needs_no_question(storage, chain_id, symbol):
    async with RpcPool((), ChainId(chain_id)) as pool:
        coin = await on_chain(storage, pool, chain_id).coin(NATIVE_COIN)
    assert coin == Coin(NATIVE_COIN, symbol, 18, permits=False)


async def test_without_a_chain_there_is_an_empty_history_and_a_sentence(storage, market):
    async with RpcPool((), ChainId(1)) as pool:
        chain = on_chain(storage, pool)
        assert chain.contracts == NONE
        assert await chain.state() == IndexState(None, None, None, None)
        assert await chain.history() == ()
        assert await chain.count() == 0
        changes = await chain.changes(0)
        assert (changes.steps, changes.cursor) == ((), 0)
        for question in (
            chain.read(market.store.address, "feeBasisPoints()", (), ("uint16",)),
            chain.coin(market.coin.address),
            chain.balance(market.stranger, market.coin.address),
            chain.balance(market.stranger, NATIVE_COIN),
        ):
            with pytest.raises(ChainUnavailable, match="no chain is configured"):
                await question
