"""Questions to contracts by the signature of a function, and why they refuse."""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.components.anvil import anvil
from tests.components.evm import Evm
from tests.components.market import DOLLAR, FEE, STEPS, open_market
from tests.components.registry import open_pool
from wylloh_server.adapters.chain import PoolContractReader, RpcPool
from wylloh_server.adapters.chain.contract_abi import calldata
from wylloh_server.adapters.chain.revert_reasons import RevertReason, parse_revert
from wylloh_server.domain.errors import ChainError, ChainUnavailable, InvalidValue, NoContract
from wylloh_server.domain.types import ChainId


@pytest.fixture(scope="module")
def node():
    with anvil() as node:
        yield node


@pytest.fixture(scope="module")
def market(node):
    with closing(Evm(node.url)) as evm:
        yield open_market(evm)


@pytest.fixture
async def reader(node):
    async with open_pool(node.url) as pool:
        yield PoolContractReader(pool)


async def test_a_view_answers_with_python_values(reader, market):
    store, film = market.store.address, market.film
    sold = "(uint256,uint256,uint256,address,address,address,uint256,uint16,uint256,address,uint256,uint256,bool)"
    (sale,) = await reader.read(store, "quote(uint256,uint256)", (film, 10), (sold,))
    assert sale[4:9] == (market.payee, market.coin.address, 40 * DOLLAR, FEE, DOLLAR)
    assert sale[-1] is False
    offer = "(address,address,uint64,uint64,uint256,(uint256,uint256)[])"
    ((payee, coin, _, _, _, steps),) = await reader.read(store, "offerOf(uint256)", (film,), (offer,))
    assert (payee, coin, list(steps)) == (market.payee, market.coin.address, STEPS)
    assert await reader.read(market.coin.address, "symbol()", (), ("string",)) == ("dUSD",)
    assert await reader.native_balance(market.owner) == market.chain.balance(market.owner)


async def test_a_wallet_is_no_contract_even_if_it_lets_one_act_for_it(reader, market):
    assert await reader.has_code(market.store.address)
    assert not await reader.has_code(market.stranger)
    delegating = "0x" + "7d" * 20
    market.chain.rpc("anvil_setCode", delegating, "0xef0100" + market.store.address[2:])
    assert not await reader.has_code(delegating)


@pytest.mark.parametrize(
    ("function", "arguments", "words"),
    [
        ("quote(uint256,uint256)", (5, 1), r"NotOnSale\(5\)"),
        ("quote(uint256,uint256)", ("film", 0), r"ZeroQuantity\(\)"),
        ("listing(uint256)", (9,), r"UnknownListing\(9\)"),
    ],
)
async def test_a_refusal_is_told_by_name_and_arguments(reader, market, function, arguments, words):
    given = [market.film if argument == "film" else argument for argument in arguments]
    with pytest.raises(ChainError, match=f"the contract refused: {words}"):
        await reader.read(market.store.address, function, given, ("uint256",))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (calldata("Error(string)", ("no more tickets",)), "no more tickets"),
        (calldata("Panic(uint256)", (0x11,)), "Panic(17)"),
        (calldata("NotEnoughStock(uint256,uint256,uint256)", (7, 12, 5)), "NotEnoughStock(7, 12, 5)"),
        (calldata("NotTheSeller(uint256,address)", (7, "0x" + "AB" * 20)), f"NotTheSeller(7, 0x{'ab' * 20})"),
        (calldata("SharesNotWhole(uint256)", (9_999,)), "SharesNotWhole(9999)"),
        (
            calldata("ERC20InsufficientBalance(address,uint256,uint256)", ("0x" + "00" * 20, 1, 2)),
            f"ERC20InsufficientBalance(0x{'00' * 20}, 1, 2)",
        ),
        (calldata("AccessControlBadConfirmation()", ()), "AccessControlBadConfirmation()"),
    ],
)
def test_errors_of_the_contracts_and_of_solidity_are_known(data, says):
    assert str(parse_revert(data)) == says


@pytest.mark.parametrize("data", [b"", b"\1\2", b"\xde\xad\xbe\xef", calldata("Panic(uint256)", (1,))[:20]])
def test_what_is_no_known_error_is_none(data):
    assert parse_revert(data) is None


def test_a_refusal_has_its_name_and_arguments():
    data = calldata("NotOnSale(uint256)", (7,))
    assert parse_revert(data) == RevertReason("NotOnSale", (7,))


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("quote(uint256,uint256)", (-1, 1)),
        ("quote(uint256,uint256)", (2**256, 1)),
        ("quote(uint256,uint256)", (1,)),
        ("quote(uint256,uint256)", ("seven", 1)),
        ("acceptsCoin(address)", ("0x12",)),
        ("quote(uint257)", (1,)),
        ("quote(uint256", (1,)),
        ("quote", ()),
        ("f(uint8[])", (7,)),
    ],
)
async def test_values_that_do_not_fit_are_refused_before_anything_is_asked(function, arguments):
    async with RpcPool((), ChainId(1)) as pool:
        with pytest.raises(InvalidValue, match="does not fit"):
            await PoolContractReader(pool).read("0x" + "12" * 20, function, arguments, ("uint256",))


def test_calls_are_encoded_as_contracts_expect(market):
    offer = market.offer()
    signature = "setOffer(uint256,(address,address,uint64,uint64,uint256,(uint256,uint256)[]),uint16)"
    assert "0x" + calldata(signature, (market.film, offer, FEE)).hex() == market.store.data(
        "setOffer", market.film, offer, FEE
    )


async def test_nobody_at_the_address_is_no_answer(reader, market):
    for nobody in (market.stranger, "0x" + "00" * 20):
        with pytest.raises(NoContract):
            await reader.read(nobody, "symbol()", (), ("string",))


async def test_an_answer_of_another_shape_cannot_be_read(reader, market):
    for returns in (("string",), ("uint256", "uint256"), ("(uint256,uint256)[]",)):
        with pytest.raises(ChainError, match="cannot be read"):
            await reader.read(market.coin.address, "decimals()", (), returns)


async def test_without_a_chain_there_is_a_sentence(market):
    async with RpcPool((), ChainId(1)) as pool:
        with pytest.raises(ChainUnavailable, match="no chain is configured"):
            await PoolContractReader(pool).read(market.store.address, "feeBasisPoints()", (), ("uint16",))
        with pytest.raises(ChainUnavailable, match="no chain is configured"):
            await PoolContractReader(pool).native_balance(market.owner)
