"""The chain that a plugin's test plays."""

from __future__ import annotations

import sys

import pytest

from wylloh_server.sdk import (
    EventQuery,
    NATIVE_COIN,
    ZERO_ADDRESS,
    ChainAdvanced,
    ChainError,
    Coin,
    Contracts,
    FilmCreated,
    Holder,
    TokensTransferred,
    Wallet,
)
from wylloh_server.sdk.testing import CONTRACTS, DOLLAR, SOMEWHERE

SOURCE = """
from wylloh_server.sdk import SDK_VERSION, ChainAdvanced, hookimpl

WYLLOH_SDK = SDK_VERSION
cursor, steps = 0, []

@hookimpl
async def on_event(context, event):
    global cursor
    if isinstance(event, ChainAdvanced):
        changes = await context.chain.changes(cursor)
        cursor = changes.cursor
        steps.extend((step.added, step.event.amount) for step in changes.steps)
"""
ANN, BEN = (Wallet("0x" + digit * 40) for digit in "ab")
STORE = CONTRACTS.store


@pytest.fixture
def following(tmp_path, monkeypatch):
    """The package of a plugin that writes down what happens on chain."""
    package = tmp_path / "wylloh_following"
    package.mkdir()
    (package / "__init__.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    yield "wylloh_following"
    sys.modules.pop("wylloh_following", None)


async def test_facts_happen_and_are_taken_back(plugin_app, following):
    async with plugin_app(following) as app:
        token, chain = app.films[3].token, app.context.chain
        assert await app.happened(TokensTransferred(SOMEWHERE, token, ZERO_ADDRESS, ANN, 10)) == 1
        assert await app.happened(TokensTransferred(SOMEWHERE, token, ANN, BEN, 3), at=1_770_000_000) == 2
        assert await chain.holders(token) == (Holder(ANN, 7), Holder(BEN, 3))
        assert await chain.holder_count(token) == 2
        newest, oldest = await chain.history(EventQuery(token=token, kinds=[TokensTransferred]))
        assert (newest.mark.at, newest.amount, oldest.minted) == (1_770_000_000, 3, True)
        assert newest.mark.transaction != oldest.mark.transaction
        assert (await chain.state()).block == 2
        await app.taken_back()
        assert await chain.holders(token) == (Holder(ANN, 10),)
        await app.happened(TokensTransferred(SOMEWHERE, token, ANN, BEN, 4))
        assert sys.modules[following].steps == [(True, 10), (True, 3), (False, 3), (True, 4)]
        assert [event.block for event in app.events if isinstance(event, ChainAdvanced)] == [1, 2, 1, 2]
        await app.taken_back(2)
        assert await chain.count() == 0


async def test_facts_of_one_call_share_a_transaction_in_their_order(plugin_app, following):
    async with plugin_app(following) as app:
        token = app.films[3].token
        facts = [TokensTransferred(SOMEWHERE, token, ZERO_ADDRESS, ANN, amount) for amount in (1, 2, 3)]
        await app.happened(*facts)
        found = await app.context.chain.history(EventQuery(newest_first=False))
        assert [fact.amount for fact in found] == [1, 2, 3]
        assert len({fact.mark.transaction for fact in found}) == 1
        assert await app.context.chain.count(EventQuery(kinds=[FilmCreated])) == 0


async def test_it_goes_on_in_the_same_database(plugin_app, following):
    async with plugin_app(following) as app:
        await app.happened(TokensTransferred(SOMEWHERE, app.films[3].token, ZERO_ADDRESS, ANN, 1))
    async with plugin_app(following) as app:
        assert await app.happened(TokensTransferred(SOMEWHERE, app.films[3].token, ZERO_ADDRESS, ANN, 1)) == 2


async def test_contracts_answer_what_the_test_says(plugin_app, following):
    async with plugin_app(following) as app:
        chain = app.context.chain
        assert chain.contracts == CONTRACTS
        app.chain.answer(STORE, "stockOf(uint256)", (88,))
        assert await chain.read(STORE, "stockOf(uint256)", (7,), ("uint256",)) == (88,)
        app.chain.answer(STORE, "stockOf(uint256)", lambda token: (token * 2,))
        assert await chain.read(STORE, "stockOf(uint256)", (7,), ("uint256",)) == (14,)
        app.chain.answer(STORE, "stockOf(uint256)", ChainError("the contract refused: NotOnSale(7)"))
        with pytest.raises(ChainError, match="NotOnSale"):
            await chain.read(STORE, "stockOf(uint256)", (7,), ("uint256",))
        assert app.chain.asked == [(STORE, "stockOf(uint256)", (7,))] * 3
        with pytest.raises(ChainError, match="answers no offerOf"):
            await chain.read(STORE, "offerOf(uint256)", (7,), ("uint256",))
        app.chain.silent = True
        with pytest.raises(ChainError, match="cannot be reached"):
            await chain.balance(ANN, NATIVE_COIN)


async def test_there_are_coins_and_wallets_have_some(plugin_app, following):
    async with plugin_app(following) as app:
        chain = app.context.chain
        app.chain.balances[ANN, DOLLAR.address] = 4_990_000
        app.chain.balances[ANN, NATIVE_COIN] = 5
        assert (await chain.coin(DOLLAR.address)).written(
            await chain.balance(ANN, DOLLAR.address)
        ) == "4.99 dUSD"
        assert (await chain.balance(ANN, NATIVE_COIN), await chain.balance(BEN, DOLLAR.address)) == (5, 0)
        assert (await chain.coin(NATIVE_COIN)).decimals == 18
        plain = Coin(BEN, "OLD", 0, permits=False)
        app.chain.coin(plain)
        assert await chain.coin(BEN) == plain
        app.chain.silent = True
        assert await chain.coin(BEN) == plain  # kept after the first time


async def test_contracts_can_be_others(plugin_app, following):
    none = Contracts(None, None, None)
    async with plugin_app(following, contracts=none) as app:
        assert app.context.chain.contracts == none


async def test_what_answers_is_a_contract_and_everybody_else_a_wallet(plugin_app, following):
    async with plugin_app(following) as app:
        app.chain.answer(STORE, "feeBasisPoints()", (250,))
        assert await app.context.chain.is_contract(STORE)
        assert not await app.context.chain.is_contract(ANN)
