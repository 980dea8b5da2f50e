"""The history read from real contracts on a real chain, and from contracts and providers that misbehave."""

from __future__ import annotations

import dataclasses
import itertools
import json
import logging
from contextlib import closing
from itertools import pairwise

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from tests.components.anvil import anvil
from tests.components.evm import Evm
from tests.components.market import DOLLAR, STEPS, open_market
from tests.components.registry import open_pool
from tests.components.rpc_proxy import rpc_proxy
from wylloh_server.adapters.chain import ChainLogReader, RequestRefused, event_decoders
from wylloh_server.adapters.chain.event_log import LogLayout
from wylloh_server.domain.errors import ChainUnavailable
from wylloh_server.domain.chain_events import (
    NATIVE_COIN,
    ZERO_ADDRESS,
    Contracts,
    FilmCreated,
    IncomeCredited,
    LadderChanged,
    ListingCancelled,
    OfferChanged,
    OfferClosed,
    PackageChanged,
    PayoutMade,
    PriceStep,
    RecipientsChanged,
    Share,
    SplitterCreated,
    TokensListed,
    TokensTransferred,
    TokensSold,
)
from wylloh_server.domain.rights import RightsLadder, Tier
from wylloh_server.domain.types import BlockNumber, ChainId, TokenReference
from wylloh_server.resources import contract_artifact

MANY = 2**255
"""The registry adds all films' tokens up, so no film can have 2^256 of them."""

SPLIT_UPDATED, ROLES_CHANGED = (
    bytes.fromhex(LogLayout.of("RoyaltySplitter", event).topic[2:])
    for event in ("SplitUpdated", "RolesChanged")
)


@pytest.fixture(scope="module")
def node():
    with anvil() as node:
        yield node


@pytest.fixture(scope="module")
def evm(node):
    with closing(Evm(node.url)) as evm:
        yield evm


@pytest.fixture(scope="module")
def opened(evm):
    return open_market(evm), evm.deploy("RoyaltySplitterFactory")


@pytest.fixture
def market(evm, opened):
    snapshot = evm.snapshot()
    yield opened[0]
    evm.revert(snapshot)


@pytest.fixture
def factory(opened, market):
    return opened[1]


@pytest.fixture
def announcer(evm, market):
    return evm.deploy("Announcer")


@pytest.fixture
def contracts(market, factory):
    return Contracts(market.registry.address, market.store.address, factory.address)


@pytest.fixture
async def pool(node):
    async with open_pool(node.url) as pool:
        yield pool


@pytest.fixture
def reader(pool, contracts):
    return ChainLogReader(pool, contracts.registry, contracts)


@pytest.fixture
def since(evm):
    """The block after everything there is."""
    return BlockNumber(int(evm.rpc("eth_blockNumber"), 16) + 1)


def kinds(stretch):
    return [type(fact) for fact in stretch.events]


def token(market, token_id=None):
    return TokenReference(ChainId(31337), market.registry.address, token_id or market.film)


def announce(announcer, topics, data=b""):
    """Sent bare: what the contract says may be too strange for a decoder."""
    words = [topic if isinstance(topic, bytes) else word(topic) for topic in topics]
    call = {
        "from": announcer.chain.accounts[0],
        "to": announcer.address,
        "data": announcer.data("announce", words, data),
    }
    receipt = announcer.chain.rpc("eth_sendTransactionSync", call)
    assert len(receipt["logs"]) == 1


def word(value):
    return (int(value, 16) if isinstance(value, str) else value).to_bytes(32, "big")


def topic(signature):
    return keccak(text=signature)


def test_every_signature_is_one_of_the_contracts():
    announced = {}
    for name in ("FilmRegistry", "FilmStore", "RoyaltySplitter", "RoyaltySplitterFactory"):
        abi = json.loads(contract_artifact(name).read_text())["abi"]
        announced[name] = {signature(entry) for entry in abi if entry["type"] == "event"}
    read = {name: set(event_decoders.contract_decoders(name)) for name in announced}
    for name, topics in read.items():
        assert topics <= {"0x" + topic(one).hex() for one in announced[name]}
    assert set().union(*read.values()) == set(event_decoders.event_topics())
    assert len(event_decoders.event_topics()) == 16


def test_topics_of_some_kinds():
    recipients = event_decoders.event_topics({RecipientsChanged})
    assert recipients == ("0x" + SPLIT_UPDATED.hex(), "0x" + ROLES_CHANGED.hex())
    packages = event_decoders.event_topics({PackageChanged})
    assert packages == tuple(
        LogLayout.of("FilmRegistry", name).topic for name in ("FilmCreated", "PackageChanged")
    )


def signature(entry):
    def type_of(field):
        inner = ",".join(map(type_of, field.get("components", [])))
        return field["type"].replace("tuple", f"({inner})")

    return f"{entry['name']}({','.join(map(type_of, entry['inputs']))})"


async def test_packages_of_new_and_of_changed_films(reader, market, since, caplog):
    """A package without a CID is passed over; the film it belongs to is not."""
    first, second = "b" + "a" * 58, "b" + "c" * 58
    other = market.new_film(77, royalty=750)
    market.registry.setPackage(other, first, b"\1" * 32)
    market.registry.setPackage(other, "../../etc/passwd", b"\2" * 32)
    market.registry.setPackage(other, second, b"\3" * 32)
    with caplog.at_level(logging.WARNING):
        found = await reader.read(since, ())
    packages = [event for event in found.events if isinstance(event, PackageChanged)]
    assert [(event.token, event.root, event.manifest_sha256) for event in packages] == [
        (token(market, other), first, "01" * 32),
        (token(market, other), second, "03" * 32),
    ]
    assert FilmCreated in kinds(found)
    assert "etc/passwd" in caplog.text


async def test_some_kinds_are_read_from_a_stretch_that_was_read_before(node, market, contracts, since):
    market.new_film(77)
    market.registry.setPackage(market.film, "b" + "a" * 58, b"\1" * 32)
    market.registry.mint(market.people[0], market.film, 9)
    async with rpc_proxy(node.url) as proxy, open_pool(proxy.url) as pool:
        reader = ChainLogReader(pool, contracts.registry, contracts)
        whole = await reader.read(since, ())
        asked = {FilmCreated, PackageChanged}
        some = await reader.read_kinds(asked, since, whole.last, ())
        assert some == tuple(event for event in whole.events if type(event) in asked)
        assert {type(event) for event in some} == asked
        gone = dataclasses.replace(whole.last, hash="0x" + "77" * 32)
        assert await reader.read_kinds(asked, since, gone, ()) is None
        proxy.refusal = at_most(2)
        assert await reader.read_kinds(asked, since, whole.last, ()) == some


def at_most(blocks):
    """Refuse wider ranges, in the words of a provider."""

    def refusal(method, params):
        if method != "eth_getLogs":
            return None
        span = int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) + 1
        return f"query exceeds max block range {blocks}" if span > blocks else None

    return refusal


async def test_films_ladders_and_tokens(reader, market, since):
    other = market.new_film(77, royalty=750, supply=MANY)
    market.registry.mint(market.people[0], other, MANY - 5)
    market.registry.setLadder(other, [(1, "personal", [], 0), (12, "é", ["AT", "DE"], 50)])
    ids, amounts = [other, market.film, other], [3, 0, 4]
    market.registry.mint(market.people[0], market.film, 9)
    market.registry.safeBatchTransferFrom(
        market.people[0], market.stranger, ids, amounts, b"", by=market.people[0]
    )
    found = await reader.read(since, ())
    who, film = market.people[0], token(market, other)
    assert [fact.mark.block for fact in found.events] == [
        since,
        since,
        *range(since + 1, since + 4),
        *[since + 4] * 3,
    ]
    created, ladder, minted, changed, _, *moved = found.events
    assert created == FilmCreated(created.mark, film, market.owner, MANY, market.makers, 750)
    assert ladder.ladder == RightsLadder((Tier(1, "personal"),))
    assert minted == TokensTransferred(minted.mark, film, ZERO_ADDRESS, who, MANY - 5)
    assert minted.minted
    tiers = (Tier(1, "personal"), Tier(12, "é", ("AT", "DE"), 50))
    assert changed == LadderChanged(changed.mark, film, RightsLadder(tiers))
    assert [(fact.token.token_id, fact.amount) for fact in moved] == list(zip(ids, amounts, strict=True))
    assert {(fact.sender, fact.receiver) for fact in moved} == {(who, market.stranger)}


async def test_marks_name_the_block_the_transaction_and_the_log(reader, market, evm, since):
    market.registry.mint(market.stranger, market.film, 1)
    market.buy(2, 10 * DOLLAR, by=market.people[0])
    found = await reader.read(since, ())
    for fact in found.events:
        block = evm.rpc("eth_getBlockByNumber", hex(fact.mark.block), False)
        receipt = evm.rpc("eth_getTransactionReceipt", fact.mark.transaction)
        assert fact.mark.block_hash == block["hash"] == receipt["blockHash"]
        assert fact.mark.at == int(block["timestamp"], 16)
        assert fact.mark.index in [int(log["logIndex"], 16) for log in receipt["logs"]]
    assert [block.number for block in found.blocks] == [since, since + 1]
    assert found.parent == evm.rpc("eth_getBlockByNumber", hex(since - 1), False)["hash"]


async def test_sales(reader, market, since):
    (ann, ben, *_), store, film = market.people, market.store, token(market)
    coin = market.coin.address
    terms = market.offer(presale_from=1, sale_from=2**40, presale_price=DOLLAR)
    market.set_offer(market.film, terms)
    market.buy(3, 3 * DOLLAR, by=ann)
    market.list(market.film, 2, coin, 7 * DOLLAR, by=ann)
    market.buy_listed(1, 1, 7 * DOLLAR, by=ben)
    store.cancel(1, by=ann)
    store.closeOffer(market.film)
    found = [
        fact for fact in (await reader.read(since, ())).events if not isinstance(fact, TokensTransferred)
    ]
    offer, first, listed, second, cancelled, closed = found
    steps = tuple(PriceStep(*step) for step in STEPS)
    assert offer == OfferChanged(offer.mark, film, market.owner, market.payee, coin, 1, 2**40, DOLLAR, steps)
    total = 3 * DOLLAR
    assert first == TokensSold(
        first.mark,
        film,
        ann,
        market.owner,
        0,
        3,
        coin,
        total,
        total * 250 // 10_000,
        first.royalty_receiver,
        0,
        True,
    )
    assert listed == TokensListed(listed.mark, film, 1, ann, 2, coin, 7 * DOLLAR)
    fee, royalty = 7 * DOLLAR * 250 // 10_000, 7 * DOLLAR * 500 // 10_000
    assert second == TokensSold(
        second.mark, film, ben, ann, 1, 1, coin, 7 * DOLLAR, fee, market.makers, royalty, False
    )
    assert cancelled == ListingCancelled(cancelled.mark, film, 1, ann, 1)
    assert closed == OfferClosed(closed.mark, film)


def make_splitter(factory, market, shares, coins=()):
    made = factory.create(market.owner, shares, list(coins))
    return market.chain.at("RoyaltySplitter", made.of(factory)[0][1]["splitter"])


async def test_a_splitter_of_the_factory_is_followed_from_its_first_breath(reader, market, factory, since):
    ann, ben, cyn, *_ = market.people
    splitter = make_splitter(factory, market, [(ann, 7_000, "director"), (ben, 3_000, "Ton\x00\U0001f3ac")])
    market.coin.mint(splitter, 100)
    splitter.distribute(market.coin)
    splitter.withdraw(ann, market.coin)
    splitter.setRecipients([(cyn, 10_000, "")])
    market.chain.send(splitter.address, value=7)
    splitter.distribute(NATIVE_COIN)
    found = await reader.read(since, ())
    assert found.splitters == {splitter.address: since}
    where, coin = splitter.address, market.coin.address
    marks = [fact.mark for fact in found.events]
    shares = (Share(ann, 7_000, "director"), Share(ben, 3_000, "Ton\x00\U0001f3ac"))
    later = (Share(cyn, 10_000, ""),)
    assert sorted(map(repr, found.events[:2])) == sorted(
        map(
            repr,
            (
                RecipientsChanged(marks_of(found, RecipientsChanged)[0], where, shares),
                SplitterCreated(marks_of(found, SplitterCreated)[0], where, market.owner),
            ),
        )
    )
    assert found.events[2:] == (
        IncomeCredited(marks[2], where, ann, coin, 70),
        IncomeCredited(marks[3], where, ben, coin, 30),
        PayoutMade(marks[4], where, ann, coin, 70),
        RecipientsChanged(marks[5], where, later),
        IncomeCredited(marks[6], where, cyn, NATIVE_COIN, 7),
    )
    assert all((a.block, a.index) < (b.block, b.index) for a, b in pairwise(marks))
    again = await reader.read(BlockNumber(since + 4), [where])
    assert (kinds(again), again.splitters) == ([RecipientsChanged, IncomeCredited], {})


def marks_of(found, kind):
    return [fact.mark for fact in found.events if isinstance(fact, kind)]


async def test_without_a_factory_only_splitters_that_films_name_are_read(
    pool, market, factory, contracts, since
):
    ann = market.people[0]
    make_splitter(factory, market, [(ann, 10_000, "alone")])
    named = make_splitter(factory, market, [(ann, 10_000, "named")])
    market.chain.send(named.address, value=5)
    named.distribute(NATIVE_COIN)
    block = int(market.chain.rpc("eth_blockNumber"), 16) + 1
    market.new_film(5, receiver=named.address)
    reader = ChainLogReader(pool, contracts.registry, Contracts(contracts.registry, None, None))
    for first in (since, BlockNumber(block)):  # what it said before it was named is read as well
        found = await reader.read(first, ())
        assert found.splitters == {named.address: block}
        assert kinds(found) == [RecipientsChanged, IncomeCredited, FilmCreated, LadderChanged]
        assert {fact.splitter for fact in found.events[:2]} == {named.address}
    assert kinds(await reader.read(BlockNumber(block), [named.address])) == [FilmCreated, LadderChanged]


async def test_a_split_of_0xsplits_is_read_and_its_fingerprint_is_what_it_says(reader, market, since):
    ann, ben, *_ = market.people
    split = ([ann, ben], [700_000, 300_000], 1_000_000, 15)
    foreign = market.chain.deploy("ForeignSplit", split)
    foreign.pretend(([market.stranger], [1], 1, 0))
    market.new_film(7, receiver=foreign.address)
    found = await reader.read(since, ())
    real, pretended = (fact for fact in found.events if isinstance(fact, RecipientsChanged))
    assert real.shares == (Share(ann, 7_000), Share(ben, 3_000))
    assert real.fingerprint == "0x" + foreign.splitHash().hex()
    assert pretended.fingerprint != real.fingerprint


async def test_who_an_offer_pays_is_followed_too(reader, market, factory, since):
    splitter = make_splitter(factory, market, [(market.people[0], 10_000, "")])
    block = int(market.chain.rpc("eth_blockNumber"), 16) + 1
    market.set_offer(market.film, market.offer(payee=splitter.address))
    found = await reader.read(BlockNumber(block), ())
    assert found.splitters == {splitter.address: block}
    assert kinds(found) == [RecipientsChanged, OfferChanged]


async def test_an_account_without_code_is_followed_in_case_it_gets_some(reader, market, since):
    market.new_film(5, receiver=market.stranger)
    assert (await reader.read(since, ())).splitters == {market.stranger: since}


async def test_a_split_of_0xsplits_is_read_in_parts_of_ten_thousand(reader, market, announcer, since):
    ann, ben, cyn, *_ = market.people
    allocations = [333_333, 333_333, 333_334]
    split = encode(["(address[],uint256[],uint256,uint16)"], [([ann, ben, cyn], allocations, 1_000_000, 500)])
    announce(announcer, [SPLIT_UPDATED], split)
    market.new_film(5, receiver=announcer.address)
    changed = next(iter((await reader.read(since, ())).events))
    assert changed.shares == (Share(ann, 3_333), Share(ben, 3_333), Share(cyn, 3_334))


GOOD_SPLIT = encode(["(address[],uint256[],uint256,uint16)"], [(["0x" + "a1" * 20], [10_000], 10_000, 0)])
UNWHOLE = encode(["(address[],uint256[],uint256,uint16)"], [(["0x" + "a1" * 20], [9_999], 10_000, 0)])
UNEQUAL = encode(["(address[],uint256[],uint256,uint16)"], [(["0x" + "a1" * 20], [5_000, 5_000], 10_000, 0)])
EMPTY = encode(["(address[],uint256[],uint256,uint16)"], [([], [], 0, 0)])


@pytest.mark.parametrize(
    ("topics", "data"),
    [
        ([SPLIT_UPDATED], b""),
        ([SPLIT_UPDATED], b"\xff" * 64),
        ([SPLIT_UPDATED], GOOD_SPLIT[:-32]),
        ([SPLIT_UPDATED], UNWHOLE),
        ([SPLIT_UPDATED], UNEQUAL),
        ([SPLIT_UPDATED], EMPTY),
        ([topic("Credited(address,address,uint256)"), 1], word(1)),
        ([topic("Credited(address,address,uint256)"), 1, 2], b"\1"),
        ([topic("Withdrawn(address,address,uint256)")], word(1)),
        ([ROLES_CHANGED], b"\xff" * 32),
    ],
    ids=itertools.count(),
)
async def test_garbage_is_logged_and_passed_over(reader, market, announcer, since, caplog, topics, data):
    announce(announcer, topics, data)
    announce(announcer, [SPLIT_UPDATED], GOOD_SPLIT)
    market.new_film(5, receiver=announcer.address)
    with caplog.at_level(logging.WARNING):
        found = await reader.read(since, ())
    assert kinds(found) == [RecipientsChanged, FilmCreated, LadderChanged]
    if topics != [ROLES_CHANGED]:  # of shares that nobody named there are no roles to read
        assert f"1 events of {announcer.address} were passed over" in caplog.text


@pytest.mark.parametrize("roles", [[], ["a", "b"]])
async def test_roles_that_do_not_fit_are_left_out(reader, market, announcer, since, evm, roles, caplog):
    evm.rpc("evm_setAutomine", False)
    try:
        for topics, data in (([SPLIT_UPDATED], GOOD_SPLIT), ([ROLES_CHANGED], encode(["string[]"], [roles]))):
            evm.rpc(
                "eth_sendTransaction",
                {
                    "from": market.owner,
                    "to": announcer.address,
                    "data": announcer.data("announce", topics, data),
                },
            )
    finally:
        evm.rpc("evm_mine")
        evm.rpc("evm_setAutomine", True)
    market.new_film(5, receiver=announcer.address)
    found = await reader.read(since, ())
    assert found.events[0].shares == (Share("0x" + "a1" * 20, 10_000),)


async def test_only_the_configured_contracts_are_believed(reader, market, announcer, since):
    """One that a film names may speak for itself as a splitter, but not for the registry, the store or the factory."""
    said = [
        (
            [topic("TransferSingle(address,address,address,uint256,uint256)"), 0, 0, 1],
            word(market.film) + word(9),
        ),
        ([topic("OfferClosed(uint256)"), market.film], b""),
        ([topic("SplitterCreated(address,address)"), 1, 2], b""),
        ([topic("Unheard(uint256)"), 1], b""),
        ([], b"anonymous"),
    ]
    for topics, data in said:
        announce(announcer, topics, data)
    assert (await reader.read(since, ())).events == ()
    market.new_film(5, receiver=announcer.address)
    assert kinds(await reader.read(since, ())) == [FilmCreated, LadderChanged]


async def test_a_lying_registry_breaks_nothing(pool, announcer, since, caplog):
    """A wrong address in the settings may lead to any contract."""
    contracts = Contracts(announcer.address, announcer.address, None)
    for signature, indexed in (
        ("FilmCreated(uint256,address,string,bytes32,uint256,address,uint96)", 3),
        ("LadderChanged(uint256,(uint256,string,string[],uint32)[])", 2),
        ("TransferSingle(address,address,address,uint256,uint256)", 4),
        ("TransferBatch(address,address,address,uint256[],uint256[])", 4),
    ):
        for count in range(1, indexed + 1):
            announce(announcer, [topic(signature), *range(1, count)], b"\xff" * 32)
    announce(
        announcer,
        [topic("TransferBatch(address,address,address,uint256[],uint256[])"), 1, 2, 3],
        encode(["uint256[]", "uint256[]"], [[1], []]),
    )
    announce(
        announcer,
        [topic("LadderChanged(uint256,(uint256,string,string[],uint32)[])"), 1],
        encode(["(uint256,string,string[],uint32)[]"], [[(0, "x", [], 0)]]),
    )
    found = await ChainLogReader(pool, contracts.registry, contracts).read(since, ())
    assert found.events == ()
    assert "were passed over" in caplog.text


async def test_12_11_a_bad_entry_is_logged_once_however_often_the_chain_is_asked(
    pool, evm, announcer, since, caplog
):
    contracts = Contracts(announcer.address, None, None)
    announce(announcer, [topic("TransferBatch(address,address,address,uint256[],uint256[])"), 1], b"\xff")
    reader = ChainLogReader(pool, contracts.registry, contracts)
    first = since
    for _ in range(5):
        found = await reader.read(first, ())
        assert found.events == ()
        assert await reader.read(first := BlockNumber(found.last.number + 1), ()) is None
        evm.rpc("anvil_mine", hex(2))
    assert caplog.text.count("were passed over") == 1


async def test_there_may_be_nothing_yet(reader, evm, since):
    assert await reader.read(since, ()) is None
    evm.rpc("anvil_mine", hex(5))
    found = await reader.read(since, ())
    assert ([block.number for block in found.blocks], found.events) == ([since + 4], ())
    assert found.last == (await reader.head()).newest


async def test_the_very_first_block_has_no_parent(reader):
    found = await reader.read(BlockNumber(0), ())
    assert (found.first, found.parent) == (0, "")
    assert found.events[0].mark.block > 0


async def test_what_is_final_comes_from_the_node_or_from_depth(node, evm, market, contracts):
    evm.rpc("anvil_mine", hex(200))
    newest = int(evm.rpc("eth_blockNumber"), 16)
    async with rpc_proxy(node.url) as proxy, open_pool(proxy.url) as pool:
        reader = ChainLogReader(pool, contracts.registry, contracts)
        finalized = int(evm.rpc("eth_getBlockByNumber", "finalized", False)["number"], 16)
        assert (await reader.head()).final == finalized
        proxy.refusal = lambda method, params: (
            "what is finalized?" if params and params[0] == "finalized" else None
        )
        head = await reader.head()
        assert (head.newest.number, head.final) == (newest, newest - 64)


@pytest.mark.parametrize("widest", [1, 3, 40])
async def test_ranges_that_are_refused_are_halved(node, evm, market, contracts, widest):
    for _ in range(3):
        market.registry.mint(market.stranger, market.film, 1)
        evm.rpc("anvil_mine", hex(30))
    newest = int(evm.rpc("eth_blockNumber"), 16)
    asked = []

    def refusal(method, params):
        if method != "eth_getLogs":
            return None
        first, last = (int(params[0][name], 16) for name in ("fromBlock", "toBlock"))
        if last - first + 1 > widest:
            return f"block range is limited to {widest}"
        asked.append((first, last))
        return None

    async with rpc_proxy(node.url) as proxy, open_pool(proxy.url) as pool:
        reader = ChainLogReader(pool, contracts.registry, contracts)
        whole = await reader.read(BlockNumber(0), ())
        assert whole.last.number == newest
        proxy.refusal = refusal
        reader = ChainLogReader(pool, contracts.registry, contracts)
        parts, first, splitters = [], BlockNumber(0), []
        while (part := await reader.read(first, splitters)) is not None:
            assert (part.first, part.last.number - part.first < widest) == (first, True)
            parts.append(part)
            splitters += part.splitters
            first = BlockNumber(part.last.number + 1)
    assert tuple(fact for part in parts for fact in part.events) == whole.events
    covered = sorted(set(asked))
    assert covered[0][0] == 0
    assert covered[-1][1] == newest


async def test_a_provider_that_refuses_even_one_block_is_not_passed_over(node, contracts):
    async with rpc_proxy(node.url) as proxy, open_pool(proxy.url) as pool:
        proxy.refusal = lambda method, params: "too busy" if method == "eth_getLogs" else None
        reader = ChainLogReader(pool, contracts.registry, contracts)
        with pytest.raises(RequestRefused, match="too busy"):
            await reader.read(BlockNumber(0), ())
        proxy.refusal = lambda method, params: None
        assert (await reader.read(BlockNumber(0), ())).first == 0


async def test_headers_come_in_few_requests_or_one_by_one(node, evm, market, contracts):
    numbers = [BlockNumber(number) for number in range(int(evm.rpc("eth_blockNumber"), 16))]
    async with rpc_proxy(node.url) as proxy, open_pool(proxy.url) as pool:
        reader = ChainLogReader(pool, contracts.registry, contracts)
        together = await reader.headers([*numbers, BlockNumber(10**9)])
        assert sorted(together) == numbers
        assert proxy.requests < len(numbers) / 5
        proxy.batches = False
        before = proxy.requests
        assert await reader.headers(numbers) == together
        assert proxy.requests - before > len(numbers)


async def test_a_reorg_while_reading_gives_nothing(node, evm, market, contracts, since):
    """Logs, then headers: in between the chain becomes another one."""
    for moment in ("eth_getBlockByNumber", "eth_getLogs"):
        market.registry.mint(market.stranger, market.film, 1)
        evm.rpc("anvil_mine", hex(2))
        async with rpc_proxy(node.url) as proxy, open_pool(proxy.url) as pool:
            reader = ChainLogReader(pool, contracts.registry, contracts)
            assert kinds(await reader.read(since, ())) == [TokensTransferred]

            async def reorg(method, proxy=proxy, moment=moment):
                if method == moment and proxy.calls["eth_getLogs"] > 1:
                    proxy.before = None
                    evm.rpc("anvil_reorg", 3, [])

            proxy.before = reorg
            assert await reader.read(since, ()) is None
            assert proxy.before is None
            assert kinds(await reader.read(since, ())) == []


@pytest.mark.parametrize(
    "broken", ["blockNumber", "blockHash", "transactionHash", "logIndex", "address", "topics", "data"]
)
async def test_a_node_that_leaves_something_out_is_not_believed(node, evm, market, contracts, since, broken):
    market.registry.mint(market.stranger, market.film, 1)
    logs = evm.rpc("eth_getLogs", {"fromBlock": hex(since), "toBlock": "latest"})
    del logs[0][broken]
    async with rpc_proxy(node.url) as proxy, open_pool(proxy.url) as pool:
        proxy.instead = {"eth_getLogs": logs}
        with pytest.raises(ChainUnavailable):
            await ChainLogReader(pool, contracts.registry, contracts).read(since, ())


async def test_events_that_nobody_asked_for_are_not_believed(node, evm, market, contracts, since):
    market.registry.mint(market.stranger, market.film, 1)
    logs = evm.rpc("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"})
    async with rpc_proxy(node.url) as proxy, open_pool(proxy.url) as pool:
        proxy.instead = {"eth_getLogs": logs}
        with pytest.raises(ChainUnavailable, match="nobody asked for"):
            await ChainLogReader(pool, contracts.registry, contracts).read(since, ())
