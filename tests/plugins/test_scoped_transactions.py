"""A plugin proposes transactions, and a test of a plugin sees and decides what becomes of them."""

from __future__ import annotations

import inspect
import sys
from dataclasses import replace
from textwrap import dedent

import pytest

from wylloh_server.sdk import (
    ContractCall,
    InvalidValue,
    PluginError,
    ScopedTransactions,
    Proposal,
    Role,
    SignaturePart,
    SignatureRequest,
    TransactionConfirmed,
    parse_wallet,
)
from wylloh_server.sdk.testing.samples import sample_viewer

STORE = parse_wallet("0x" + "5" * 40)
CALL = ContractCall(STORE, "buy(uint256,uint256)", (7, 1), summary="Buy one token")
PROPOSAL = Proposal(
    title="Buy 1 token of Light",
    explanation=("You pay 4.99 dUSD.",),
    steps=(CALL,),
    done="1 token of Light is yours.",
    refusals={"NotOnSale": "It is not on sale."},
    topics=("plugin:testbuys", "film:x"),
    back="/plugins/testbuys/",
)
PLUGIN = """
from wylloh_server.sdk import *

WYLLOH_SDK = SDK_VERSION
HEARD = []

async def buy(context, request):
    call = ContractCall(Wallet(request.value("store")), "buy(uint256,uint256)", (7, int(request.value("many"))))
    transaction = await context.transactions.propose(
        request.viewer,
        Proposal("Buy", ("You pay.",), (call,), "Yours.", {"NotOnSale": "It is not on sale."}, ("plugin:testbuys",)),
    )
    return Redirect(f"/transactions/{transaction}")

@hookimpl
def routes():
    return [PluginRoute("POST", "buy", buy)]

@hookimpl
async def on_event(context, event):
    if isinstance(event, TransactionConfirmed):
        HEARD.append(event)
"""


@pytest.fixture
def buys(tmp_path, monkeypatch):
    """The name of a plugin that buys."""
    package = tmp_path / "wylloh_testbuys"
    package.mkdir()
    (package / "__init__.py").write_text(dedent(PLUGIN))
    monkeypatch.syspath_prepend(tmp_path)
    yield "wylloh_testbuys"
    sys.modules.pop("wylloh_testbuys", None)


async def posted(app, many="1"):
    return await app.post("buy", {"store": STORE, "many": many})


async def test_a_plugin_s_test_sees_what_it_proposes_and_lets_it_be_confirmed(plugin_app, buys):
    async with plugin_app(buys) as app:
        assert (await posted(app, "12")).status == 403, "nobody knows that store"
        app.transactions.trusted[STORE] = "A store"
        reply = await posted(app, "12")
        (proposal,) = app.transactions.proposals
        assert proposal.steps == (ContractCall(STORE, "buy(uint256,uint256)", (7, 12)),)
        transaction = reply.to.removeprefix("/transactions/")
        await app.transactions.confirm(transaction)
        await app.emit()
        wallet = sample_viewer(Role.VIEWER).wallet
        assert sys.modules[buys].HEARD == [TransactionConfirmed(transaction, wallet, "testbuys")]
        assert app.events == sys.modules[buys].HEARD
        assert "plugin:testbuys" in app.live.topics
        assert app.live.toasts[-1].sentence == "Yours."


async def test_a_contract_that_refuses_and_a_silent_chain_are_told_to_who_asked(plugin_app, buys):
    async with plugin_app(buys) as app:
        app.transactions.trusted[STORE] = "A store"
        app.transactions.calls.refused = "NotOnSale"
        assert ((await posted(app)).status, (await posted(app)).sentence) == (400, "It is not on sale.")
        app.transactions.calls.silent = True
        reply = await posted(app)
        assert reply.status == 503
        assert "Nothing was sent" in reply.sentence
        assert app.transactions.proposals == []
        assert app.record.errors == 0


async def test_a_call_that_is_none_is_the_asker_s_fault_or_the_plugin_s(plugin_app, buys):
    async with plugin_app(buys) as app:
        assert (await posted(app, "-1")).status == 400
        assert (await posted(app, str(2**256))).status == 400
        assert app.transactions.proposals == []


@pytest.fixture
async def own(environment):
    """What a plugin named testbuys has as `context.transactions`."""
    environment.write("testbuys", "")
    async with environment.running() as (registry, _):
        yield registry.plugin("testbuys").context.transactions


def permit_of(owner):
    """An ERC-2612 signature that lets the store take coins."""
    fields = ("owner address", "spender address", "value uint256", "nonce uint256", "deadline uint256")
    split = [dict(zip(("name", "type"), one.split(), strict=True)) for one in fields]
    message = {"owner": owner, "spender": STORE, "value": "5", "nonce": 1, "deadline": 9}
    domain = {"name": "dUSD", "chainId": 1, "verifyingContract": "0x" + "6" * 40}
    about = [("name", "string"), ("chainId", "uint256"), ("verifyingContract", "address")]
    types = {"EIP712Domain": [{"name": name, "type": kind} for name, kind in about], "Permit": split}
    data = {"types": types, "primaryType": "Permit", "domain": domain, "message": message}
    return SignatureRequest(data, "Sign")


async def test_it_has_the_methods_of_its_type(own):
    wanted = list(inspect.signature(ScopedTransactions.propose).parameters)[1:]
    assert list(inspect.signature(own.propose).parameters) == wanted


async def test_a_plugin_proposes_for_the_viewer_s_wallet(own):
    permit = permit_of(sample_viewer(Role.VIEWER).wallet)
    carrying = replace(CALL, function="buy(uint256,bytes32)", arguments=(7, SignaturePart.R))
    for steps in ((CALL,), (permit, carrying), (CALL, CALL)):
        transaction = await own.propose(sample_viewer(Role.VIEWER), replace(PROPOSAL, steps=steps))
        assert len(transaction) == 32


async def test_it_may_not_name_topics_of_others(own):
    for topic in ("wallet", "plugin:other", "library"):
        with pytest.raises(PluginError, match="may not tell"):
            await own.propose(sample_viewer(Role.VIEWER), replace(PROPOSAL, topics=(topic,)))


async def test_a_signature_that_nobody_asks_for_is_refused(own):
    carrying = replace(
        CALL, function="buy(uint256,(uint8,bytes32))", arguments=(7, (SignaturePart.V, SignaturePart.S))
    )
    with pytest.raises(InvalidValue, match="no step before it asks for"):
        await own.propose(sample_viewer(Role.VIEWER), replace(PROPOSAL, steps=(carrying,)))
