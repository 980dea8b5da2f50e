"""Transactions on a real chain, from the proposal to the block that nobody can take back any more."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, closing
from dataclasses import replace

import pytest
from eth_utils.address import to_checksum_address

from tests.components.anvil import anvil
from tests.components.evm import Evm
from tests.components.market import CENT, DOLLAR, new_signer, open_market
from tests.components.registry import ACCOUNTS, CHAIN_ID, open_pool
from tests.components.wallet import Wallet
from tests.fakes import FakeClock
from tests.services.server_environment import viewer_with
from wylloh_server.adapters.chain import PoolContractReader
from wylloh_server.adapters.chain.wallet_call_client import PoolWalletCalls
from wylloh_server.domain.chain_events import NATIVE_COIN, Contracts
from wylloh_server.services.chain.chain_queries import ChainQueries
from wylloh_server.services.transactions.call_review import CallReview
from wylloh_server.services.transactions.call_summary import CallSummaries
from wylloh_server.storage import open_database
from wylloh_server.domain.errors import AccessRefused, ChainUnavailable, InvalidValue, NotFound
from wylloh_server.domain.events import TransactionConfirmed
from wylloh_server.domain.transaction import (
    ContractCall,
    Proposal,
    SignaturePart,
    SignatureRequest,
    TransactionState,
)
from wylloh_server.domain.types import parse_wallet
from wylloh_server.services.operations.event_bus import EventBus
from wylloh_server.services.operations.live_updates import LiveUpdates
from wylloh_server.services.transactions.receipt_tracker import ReceiptTracker
from wylloh_server.services.transactions.transaction_log import TransactionLog
from wylloh_server.services.transactions.transaction_service import TransactionService

BUYER, OTHER = ACCOUNTS[1], ACCOUNTS[2]
ME = parse_wallet(BUYER.address)
NOWHERE = parse_wallet("0x" + "de" * 20)
AGREED = "(address,uint256,uint256,bytes32)"
"""What a buyer agrees to, as the store's contract takes it."""
STATES = TransactionState


@pytest.fixture(scope="module")
def node():
    with anvil() as chain:
        yield chain


@pytest.fixture(scope="module")
def chain_market(node):
    with closing(Evm(node.url)) as evm:
        yield open_market(evm)


@pytest.fixture
def market(chain_market):
    before = chain_market.chain.snapshot()
    yield chain_market
    chain_market.chain.rpc("evm_setAutomine", True)
    chain_market.chain.revert(before)


@pytest.fixture
def wallet(node, market):
    return Wallet(node.url, [BUYER])


class Server:
    """The services of one server over a database file. Told of the chain by `look` alone."""

    def __init__(self, pool, storage, clock, market):
        self.events, self.live, bus = [], LiveUpdates(), EventBus()
        bus.listeners.append(self.events.append)
        log = TransactionLog(transactions=storage.transactions, live=self.live, bus=bus)
        calls = PoolWalletCalls(pool)
        self.storage, self.declared = storage, declared(market)
        self.tracker = ReceiptTracker(log=log, calls=calls, clock=clock, timer=clock.timer)
        contracts = Contracts(market.registry.address, market.store.address, None)
        reader = PoolContractReader(pool)
        chain = ChainQueries(
            contracts=contracts,
            history=storage.history,
            coins=storage.coins,
            reader=reader,
            chain_id=CHAIN_ID,
        )
        review = CallReview(calls=calls, chain_id=CHAIN_ID, chain=chain, trusted={})
        self.service = TransactionService(
            log=log, calls=calls, tracker=self.tracker, review=review, clock=clock
        )
        self.summaries = CallSummaries(
            review=review, chain=chain, films=storage.films, checksummed=to_checksum_address
        )

    async def propose(self, *steps, by=BUYER, **changes):
        values = {
            "title": "Buy",
            "explanation": ("You pay.",),
            "done": "Yours.",
            "steps": steps,
            **self.declared,
        }
        return await self.service.propose(
            viewer_with(parse_wallet(by.address)), Proposal(**(values | changes)), "store"
        )

    async def get(self, transaction, by=BUYER):
        return await self.service.get(parse_wallet(by.address), transaction)

    async def looked(self, transaction, by=BUYER):
        await self.tracker.check()
        return await self.get(transaction, by)

    async def terms(self, transaction, by=BUYER):
        """What the transaction's page would tell back."""
        found = await self.get(transaction, by)
        return await self.service.review.terms(found.wallet, found.proposal)

    async def ask(self, transaction, by=BUYER):
        terms = await self.terms(transaction, by)
        return await self.service.ask(parse_wallet(by.address), transaction, "claim", terms)

    async def asked(self, transaction, by=BUYER):
        """What `eth_sendTransaction` gets."""
        call = (await self.ask(transaction, by)).call
        return {"from": call.sender, "to": call.to, "data": call.data, "value": hex(call.value)}

    async def sent(self, transaction, wallet, by=BUYER):
        """Ask the wallet, and tell the server what it answered."""
        answer = await wallet.request("eth_sendTransaction", [await self.asked(transaction, by)])
        await self.service.sent(parse_wallet(by.address), transaction, answer)
        return answer


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def open_server(tmp_path, node, clock, chain_market):
    @asynccontextmanager
    async def opened():
        async with open_database(tmp_path / "house.sqlite") as database, open_pool(node.url) as pool:
            yield Server(pool, database.storage, clock, chain_market)

    return opened


@pytest.fixture
async def server(open_server):
    async with open_server() as running:
        yield running


def buy(market, quantity=12, limit=1000 * DOLLAR):
    function = f"buy(uint256,uint256,{AGREED})"
    return ContractCall(market.store.address, function, (market.film, quantity, market.agreed(limit)))


def declared(market):
    """What the purchases of these tests say that they do."""
    return {
        "spends": {market.coin.address: 10_000 * DOLLAR},
        "functions": ("FilmStore.buy", "FilmStore.buyWithPermit"),
    }


class FakeRenewer:
    """A plugin that prepares what it is told to: a proposal, an error, or None."""

    def __init__(self, gives):
        self.gives, self.asked = gives, []

    async def renew(self, plugin, viewer, recipe):
        self.asked.append((plugin, viewer.wallet, dict(recipe)))
        if isinstance(self.gives, Exception):
            raise self.gives
        return self.gives


def mine(market, blocks=1):
    market.chain.rpc("anvil_mine", hex(blocks))


async def test_a_purchase_is_prepared_sent_confirmed_and_final(server, market, wallet):
    transaction = await server.propose(buy(market), topics=("film:x",))
    assert (await server.get(transaction)).state is STATES.PREPARED
    sent = await server.sent(transaction, wallet)
    assert (await server.get(transaction)).state is STATES.SENT
    done = await server.looked(transaction)
    assert (done.state, done.hashes, done.step, done.final) == (STATES.CONFIRMED, (sent,), 1, False)
    assert done.block == int(market.chain.rpc("eth_blockNumber"), 16)
    assert market.held(ME) == 12
    assert server.events == [TransactionConfirmed(transaction, ME, "store")]
    mine(market, 100)
    assert (await server.looked(transaction)).final
    assert await server.storage.transactions.followed() == ()
    assert len(server.events) == 1


async def test_refusals_are_told_before_anything_is_kept(server, market):
    refusals = {"NotEnoughStock": "Only a few are left. Ask for less."}
    with pytest.raises(InvalidValue, match="^Only a few are left. Ask for less.$"):
        await server.propose(buy(market, 5_000), refusals=refusals)
    with pytest.raises(InvalidValue, match="^The contract refused: price above limit.$"):
        await server.propose(buy(market, 1, limit=CENT), refusals=refusals)
    market.chain.rpc("anvil_setBalance", ME, "0x0")
    rich = replace(buy(market), value=1)
    with pytest.raises(InvalidValue, match="too little of the chain's own coin"):
        await server.propose(rich, spends={NATIVE_COIN: 1, **server.declared["spends"]})
    with pytest.raises(InvalidValue, match="no contract at that address"):
        await server.propose(ContractCall(NOWHERE, "approve(address,uint256)", (market.store.address, 1)))
    with pytest.raises(InvalidValue, match="FilmStore has no function"):
        await server.propose(ContractCall(market.store.address, "noSuchFunction()"))
    coin = ContractCall(market.coin.address, "transfer(address,uint256)", (NOWHERE, 10**30))
    with pytest.raises(InvalidValue, match="does not hold enough of this coin"):
        await server.propose(coin, spends={market.coin.address: 10**30})
    assert await server.service.log.repository.of_wallet(ME, limit=10) == ()


async def test_a_wallet_that_is_a_contract_is_told_so_and_one_that_borrows_code_is_not(server, market):
    market.chain.rpc("anvil_setCode", ME, "0x6001")
    with pytest.raises(InvalidValue, match="Your wallet is a contract"):
        await server.propose(buy(market))
    market.chain.rpc("anvil_setCode", ME, "0xef0100" + market.coin.address[2:])
    allow = ContractCall(market.coin.address, "approve(address,uint256)", (market.store.address, 1))
    assert await server.propose(allow)


@pytest.mark.parametrize(
    "call",
    [
        ContractCall(NOWHERE, "buy(uint256)", ("many",)),
        ContractCall(NOWHERE, "buy(uint256)", (-1,)),
        ContractCall(NOWHERE, "buy(uint256)", (2**256,)),
        ContractCall(NOWHERE, "buy(uint256)", ()),
        ContractCall(NOWHERE, "buy(", ()),
        ContractCall(NOWHERE, "", ()),
        ContractCall(NOWHERE, "buy(address)", ("0x12",)),
        ContractCall(NOWHERE, "buy(uint8)", (SignaturePart.V,)),
        ContractCall("", "buy()"),
        ContractCall(None, "buy()"),
    ],
)
async def test_what_is_no_call_is_refused(server, call):
    with pytest.raises(InvalidValue):
        await server.propose(call)


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": ()},
        {"steps": (SignatureRequest({}),)},
        {"title": " "},
        {"explanation": ()},
        {"done": ""},
        {"back": "https://elsewhere.example"},
        {"back": "//elsewhere.example"},
    ],
)
async def test_what_is_no_proposal_is_refused(server, market, changes):
    with pytest.raises(InvalidValue):
        await server.propose(**({"steps": (buy(market),)} | changes))


def permit(market, limit, deadline=2**48):
    fields = [("owner", "address"), ("spender", "address"), ("value", "uint256"), ("nonce", "uint256")]
    types = [{"name": name, "type": kind} for name, kind in (*fields, ("deadline", "uint256"))]
    domain = [
        ("name", "string"),
        ("version", "string"),
        ("chainId", "uint256"),
        ("verifyingContract", "address"),
    ]
    return lambda owner: SignatureRequest(
        {
            "types": {
                "EIP712Domain": [{"name": name, "type": kind} for name, kind in domain],
                "Permit": types,
            },
            "primaryType": "Permit",
            "domain": {
                "name": "Demo Dollar",
                "version": "1",
                "chainId": 31337,
                "verifyingContract": market.coin.address,
            },
            "message": {
                "owner": owner,
                "spender": market.store.address,
                "value": str(limit),
                "nonce": 0,
                "deadline": deadline,
            },
        }
    )


async def test_a_permission_is_signed_and_spent_in_one_purchase(server, market, node):
    signer, limit = new_signer(market), 100 * DOLLAR
    wallet, owner = Wallet(node.url, [signer]), parse_wallet(signer.address)
    parts = (2**48, SignaturePart.V, SignaturePart.R, SignaturePart.S)
    function = f"buyWithPermit(uint256,uint256,{AGREED},(uint256,uint8,bytes32,bytes32))"
    call = ContractCall(market.store.address, function, (market.film, 2, market.agreed(limit), parts))
    transaction = await server.propose(permit(market, limit)(owner), call, by=signer)
    request = (await server.ask(transaction, signer)).signature
    right = await wallet.request("eth_signTypedData_v4", [owner, json.dumps(request.typed_data)])
    wrong = Wallet(node.url, [OTHER])
    strange = await wrong.request("eth_signTypedData_v4", [OTHER.address, json.dumps(request.typed_data)])
    with pytest.raises(InvalidValue, match="Another account signed the permission"):
        await server.service.signed(owner, transaction, strange)
    assert (await server.service.signed(owner, transaction, right)).step == 1
    await server.sent(transaction, wallet, by=signer)
    assert (await server.looked(transaction, by=signer)).state is STATES.CONFIRMED
    assert market.held(owner) == 2


async def test_steps_go_one_after_the_other_each_confirmed_before_the_next(server, market, node):
    signer = new_signer(market)
    wallet = Wallet(node.url, [signer])
    allow = ContractCall(
        market.coin.address, "approve(address,uint256)", (market.store.address, 100 * DOLLAR)
    )
    with pytest.raises(InvalidValue, match="Allow it first"):
        await server.propose(buy(market, 2), by=signer)
    transaction = await server.propose(allow, buy(market, 2, 100 * DOLLAR), by=signer)
    await server.sent(transaction, wallet, by=signer)
    with pytest.raises(InvalidValue, match="sent this already"):
        await server.asked(transaction, by=signer)
    between = await server.looked(transaction, by=signer)
    assert (between.state, between.step, len(between.hashes)) == (STATES.PREPARED, 1, 1)
    assert server.events == []
    await server.sent(transaction, wallet, by=signer)
    done = await server.looked(transaction, by=signer)
    assert (done.state, done.step, len(done.hashes)) == (STATES.CONFIRMED, 2, 2)


async def test_prices_that_moved_meanwhile_are_told_before_the_wallet_is_asked(server, market):
    transaction = await server.propose(
        buy(market, 1, 5 * DOLLAR), refusals={"PriceAboveLimit": "It costs more now."}
    )
    market.set_offer(market.film, market.offer(steps=[(1, 9 * DOLLAR)]))
    with pytest.raises(InvalidValue, match="It costs more now."):
        await server.asked(transaction)
    market.set_offer(market.film, market.offer(steps=[(1, 5 * DOLLAR)]))
    assert await server.asked(transaction)


def renewed_purchase(market, quantity=12, says="You pay."):
    return Proposal("Buy", (says,), (buy(market, quantity),), "Yours.", **declared(market))


async def test_8_what_is_prepared_anew_counts_as_read_by_its_calls_and_not_by_its_words(server, market):
    viewer = viewer_with(ME)
    transaction = await server.propose(buy(market), recipe={"do": "buy"})
    refresher = server.service.refresher = FakeRenewer(renewed_purchase(market, 12, "You pay, kindly."))
    await server.service.freshen(viewer, transaction)
    refresher.gives = renewed_purchase(market, 13, "You pay, kindly.")
    with pytest.raises(InvalidValue, match="changed since you read it"):
        await server.service.freshen(viewer, transaction)
    thief = ContractCall(market.registry.address, "setApprovalForAll(address,bool)", (NOWHERE, True))
    refresher.gives = Proposal("Buy", ("You pay, kindly.",), (thief,), "Yours.")
    with pytest.raises(AccessRefused, match="does not know"):
        await server.service.freshen(viewer, transaction)
    assert (await server.get(transaction)).proposal.steps == (buy(market, 13),)


async def test_what_waits_is_prepared_anew_when_shown_and_before_the_wallet_is_asked(server, market):
    viewer, about = viewer_with(ME), {"recipe": {"do": "buy"}, "topics": ("film:x",)}
    transaction = await server.propose(buy(market), **about)
    refresher = server.service.refresher = FakeRenewer(renewed_purchase(market, 12))
    server.live.changed = lambda *topics, **_: told.append(topics)
    told = []
    looked = await server.service.refresh(viewer, transaction)
    assert (looked.problem, told) == ("", [])  # it reads the same: nobody has to look again
    assert refresher.asked == [("store", ME, {"do": "buy"})]
    refresher.gives = renewed_purchase(market, 13, "You pay more.")
    looked = await server.service.refresh(viewer, transaction)
    assert looked.transaction.proposal.explanation == ("You pay more.",)
    assert looked.transaction.proposal.topics == ("film:x",)
    refresher.gives = renewed_purchase(market, 14, "You pay even more.")
    with pytest.raises(InvalidValue, match="changed since you read it"):
        await server.service.freshen(viewer, transaction)
    await server.service.freshen(viewer, transaction)
    words = f"{14:064x}{int(market.coin.address, 16):064x}{1000 * DOLLAR:064x}"
    assert words in (await server.asked(transaction))["data"]
    refresher.gives = renewed_purchase(market, 15, "Never seen.")
    assert (await server.service.refresh(viewer, transaction)).transaction.proposal.explanation == (
        "You pay even more.",
    )  # the wallet shows what it was asked


async def test_8_a_page_that_showed_other_terms_is_told_so_and_the_wallet_is_not_asked(server, market):
    """Another window had it prepared anew meanwhile; nothing changes any more when the first one confirms."""
    viewer = viewer_with(ME)
    transaction = await server.propose(buy(market, 12), recipe={"do": "buy"})
    read = await server.terms(transaction)
    server.service.refresher = FakeRenewer(renewed_purchase(market, 13, "You pay more."))
    await server.service.refresh(viewer, transaction)
    await server.service.freshen(viewer, transaction)
    server.live.changed = lambda *topics, **_: told.append(topics)
    told = []
    for terms in (read, "", "0" * 64):
        with pytest.raises(InvalidValue, match="changed since you read it") as caught:
            await server.service.ask(ME, transaction, "claim", terms)
        assert "Read it again" in caught.value.fix
    assert told, "open pages show it"
    assert not (await server.get(transaction)).asked
    assert await server.asked(transaction)


async def test_8_a_proposal_is_judged_again_when_the_wallet_is_asked(server, market):
    """A contract that was known when it was proposed is not known any more."""
    server.service.review.trusted = {NOWHERE: "Lending desk"}
    allow = ContractCall(market.coin.address, "approve(address,uint256)", (NOWHERE, 1))
    transaction = await server.propose(allow)
    server.service.review.trusted = {}
    with pytest.raises(AccessRefused, match="does not know"):
        await server.asked(transaction)
    assert not (await server.get(transaction)).asked


async def test_what_nobody_prepares_anew_is_not_stored_anew(server, market):
    """Storing it would have open pages look again each time."""
    server.live.changed = lambda *topics, **_: told.append(topics)
    told = []
    transaction = await server.propose(buy(market))
    await server.service.freshen(viewer_with(ME), transaction)
    await server.service.refresh(viewer_with(ME), transaction)
    assert told == []


async def test_what_cannot_be_done_now_says_so_wherever_it_is_looked_at(server, market):
    viewer = viewer_with(ME)
    transaction = await server.propose(buy(market), recipe={"do": "buy"})
    refresher = server.service.refresher = FakeRenewer(InvalidValue("Sold out.", fix="Look elsewhere."))
    assert (await server.service.refresh(viewer, transaction)).problem == "Sold out. Look elsewhere."
    with pytest.raises(InvalidValue, match="Sold out"):
        await server.service.freshen(viewer, transaction)
    refresher.gives = ChainUnavailable("slow")
    assert (await server.service.refresh(viewer, transaction)).problem == ""
    with pytest.raises(ChainUnavailable, match="Nothing was sent"):
        await server.service.freshen(viewer, transaction)


async def test_a_signature_stays_until_the_chain_takes_it_no_more(server, market, node):
    signer, limit = new_signer(market), 10 * DOLLAR
    person, owner = Wallet(node.url, [signer]), parse_wallet(signer.address)
    parts = (2**48, SignaturePart.V, SignaturePart.R, SignaturePart.S)
    function = f"buyWithPermit(uint256,uint256,{AGREED},(uint256,uint8,bytes32,bytes32))"
    call = ContractCall(market.store.address, function, (market.film, 2, market.agreed(limit), parts))
    steps = permit(market, limit)(owner), call
    transaction = await server.propose(*steps, by=signer, recipe={"do": "buy"})
    server.service.refresher = FakeRenewer(
        Proposal("Buy", ("You pay.",), steps, "Yours.", **declared(market))
    )
    request = (await server.ask(transaction, signer)).signature
    signed = await person.request("eth_signTypedData_v4", [owner, json.dumps(request.typed_data)])
    await server.service.signed(owner, transaction, signed)
    await server.service.freshen(viewer_with(owner), transaction)
    assert (await server.get(transaction, by=signer)).step == 1
    market.set_offer(market.film, market.offer(steps=[(1, 9 * DOLLAR)]))
    await server.service.freshen(viewer_with(owner), transaction)
    again = await server.get(transaction, by=signer)
    assert (again.step, again.signatures) == (0, ())


async def test_what_waits_can_be_discarded_and_what_was_sent_cannot(server, market, wallet, node):
    transaction = await server.propose(buy(market))
    with pytest.raises(NotFound):
        await server.service.discard(parse_wallet(OTHER.address), transaction)
    await server.service.discard(ME, transaction)
    await server.service.discard(ME, transaction)
    gone = await server.get(transaction)
    assert (gone.state, gone.reason) == (STATES.EXPIRED, "Discarded. Nothing happened on the chain.")
    assert await server.service.log.repository.of_wallet(ME, limit=10) == ()
    with pytest.raises(InvalidValue, match="Discarded"):
        await server.asked(transaction)
    asked = await server.propose(buy(market))
    question = await server.asked(asked)
    await server.service.discard(ME, asked)
    assert "refuse it there" in (await server.get(asked)).reason
    await wallet.request("eth_sendTransaction", [question])  # its owner said yes all the same
    assert (await server.looked(asked)).state is STATES.CONFIRMED
    with pytest.raises(InvalidValue, match="your wallet has sent it"):
        await server.service.discard(ME, asked)


async def test_a_wallet_that_sends_something_else_is_found_out(server, market, wallet):
    transaction = await server.propose(buy(market))
    asked = await server.asked(transaction)
    other = await wallet.request(
        "eth_sendTransaction",
        [asked | {"data": market.store.data("buy", market.film, 1, market.agreed(2**255))}],
    )
    await server.service.sent(ME, transaction, other)
    failed = await server.looked(transaction)
    assert failed.state is STATES.FAILED
    assert "something other than" in failed.reason
    assert server.events == []


async def test_somebody_else_s_purchase_is_not_taken_for_one_s_own(server, market, node):
    transaction = await server.propose(buy(market))
    asked = await server.asked(transaction)
    stranger = Wallet(node.url, [OTHER])
    other = await stranger.request("eth_sendTransaction", [asked | {"from": OTHER.address}])
    await server.service.sent(ME, transaction, other)
    assert (await server.looked(transaction)).state is STATES.FAILED


async def test_one_that_was_sped_up_is_followed_under_its_new_hash(server, market, wallet):
    transaction = await server.propose(buy(market))
    market.chain.rpc("evm_setAutomine", False)
    slow = await server.sent(transaction, wallet)
    assert (await server.looked(transaction)).state is STATES.SENT
    quick = await wallet.speed_up(slow)
    assert quick != slow
    mine(market)
    done = await server.looked(transaction)
    assert (done.state, done.hashes) == (STATES.CONFIRMED, (quick,))
    assert market.held(ME) == 12


async def test_one_that_was_sped_up_before_the_chain_was_asked_is_found_too(server, market, wallet):
    transaction = await server.propose(buy(market))
    market.chain.rpc("evm_setAutomine", False)
    quick = await wallet.speed_up(await server.sent(transaction, wallet))
    mine(market, 200)
    done = await server.looked(transaction)
    assert (done.state, done.hashes) == (STATES.CONFIRMED, (quick,))


async def test_one_that_was_cancelled_has_failed_with_a_sentence(server, market, wallet):
    transaction = await server.propose(buy(market))
    market.chain.rpc("evm_setAutomine", False)
    sent = await server.sent(transaction, wallet)
    await server.looked(transaction)
    await wallet.cancel(sent)
    mine(market)
    failed = await server.looked(transaction)
    assert failed.state is STATES.FAILED
    assert "cancelled" in failed.reason
    assert market.held(ME) == 0


async def test_one_that_was_cancelled_before_the_chain_was_looked_at_has_failed_too(server, market, wallet):
    transaction = await server.propose(buy(market))
    market.chain.rpc("evm_setAutomine", False)
    await wallet.cancel(await server.sent(transaction, wallet))
    mine(market)
    failed = await server.looked(transaction)
    assert failed.state is STATES.FAILED
    assert "cancelled" in failed.reason


async def test_what_was_sent_after_the_page_was_closed_is_found(server, market, wallet):
    await wallet.request("eth_sendTransaction", [{"from": ME, "to": NOWHERE, "value": "0x1"}])
    transaction = await server.propose(buy(market))
    asked = await server.asked(transaction)
    await wallet.request("eth_sendTransaction", [{"from": ME, "to": NOWHERE, "value": "0x1"}])
    sent = await wallet.request("eth_sendTransaction", [asked])
    mine(market, 130)
    done = await server.looked(transaction)
    assert (done.state, done.hashes) == (STATES.CONFIRMED, (sent,))
    assert await server.service.sent(ME, transaction, sent) == done


async def test_nobody_pays_twice_because_a_page_was_closed(server, market, wallet, clock):
    transaction = await server.propose(buy(market))
    await wallet.request("eth_sendTransaction", [await server.asked(transaction)])
    clock.now += 61
    with pytest.raises(InvalidValue, match="done already"):
        await server.asked(transaction)
    assert market.held(ME) == 12


async def test_a_step_found_before_the_page_told_of_it_does_not_hold_up_the_next(server, market, node):
    signer = new_signer(market)
    wallet, owner = Wallet(node.url, [signer]), parse_wallet(signer.address)
    allow = ContractCall(
        market.coin.address, "approve(address,uint256)", (market.store.address, 100 * DOLLAR)
    )
    transaction = await server.propose(allow, buy(market, 2, 100 * DOLLAR), by=signer)
    sent = await wallet.request("eth_sendTransaction", [await server.asked(transaction, by=signer)])
    assert (await server.looked(transaction, by=signer)).step == 1
    assert (await server.service.sent(owner, transaction, sent)).hashes == (sent,)
    assert await server.asked(transaction, by=signer)


async def test_the_same_purchase_twice_is_two_transactions(server, market, wallet):
    first, second = await server.propose(buy(market, 1)), await server.propose(buy(market, 1))
    await server.asked(second)
    await server.sent(first, wallet)
    assert (await server.looked(first)).state is STATES.CONFIRMED
    assert (await server.get(second)).state is STATES.PREPARED


async def test_a_reorg_takes_it_back_until_it_is_final(server, market, wallet):
    transaction = await server.propose(buy(market), topics=("film:x",))
    await server.sent(transaction, wallet)
    confirmed = await server.looked(transaction)
    raw = market.chain.rpc("eth_getRawTransactionByHash", confirmed.hashes[0])
    market.chain.rpc("anvil_rollback", 1)
    with server.live.listening(ME) as page:
        back = await server.looked(transaction)
        assert {"film:x", "wallet", "transactions"} <= (await page.next(1)).topics
    assert (back.state, back.block) == (STATES.SENT, None)
    market.chain.rpc("eth_sendRawTransaction", raw)
    again = await server.looked(transaction)
    assert again.state is STATES.CONFIRMED
    assert market.held(ME) == 12


async def test_a_reorg_of_the_first_step_waits_for_that_step(server, market, node):
    signer = new_signer(market)
    wallet = Wallet(node.url, [signer])
    allow = ContractCall(
        market.coin.address, "approve(address,uint256)", (market.store.address, 100 * DOLLAR)
    )
    transaction = await server.propose(allow, buy(market, 2, 100 * DOLLAR), by=signer)
    before = int(market.chain.rpc("eth_blockNumber"), 16)
    await server.sent(transaction, wallet, by=signer)
    await server.looked(transaction, by=signer)
    await server.sent(transaction, wallet, by=signer)
    done = await server.looked(transaction, by=signer)
    raws = [market.chain.rpc("eth_getRawTransactionByHash", one) for one in done.hashes]
    market.chain.rpc("anvil_rollback", int(market.chain.rpc("eth_blockNumber"), 16) - before)
    back = await server.looked(transaction, by=signer)
    assert (back.state, back.step, back.hashes) == (STATES.SENT, 0, done.hashes)
    for raw in raws:
        market.chain.rpc("eth_sendRawTransaction", raw)
    again = await server.looked(transaction, by=signer)
    assert (again.state, again.step) == (STATES.CONFIRMED, 2)


async def test_what_the_contract_refuses_on_the_chain_has_failed_with_the_reason(
    server, market, wallet, node
):
    refusals = {"NotEnoughStock": "Somebody was quicker."}
    transaction = await server.propose(buy(market, 300, 10_000 * DOLLAR), refusals=refusals)
    market.chain.rpc("evm_setAutomine", False)
    quick = Wallet(node.url, [OTHER], gas_price=10**12)
    wallet.gas = 500_000
    data = market.store.data("buy", market.film, 300, market.agreed(2**255))
    await quick.request(
        "eth_sendTransaction", [{"from": OTHER.address, "to": market.store.address, "data": data}]
    )
    await server.sent(transaction, wallet)
    mine(market)
    failed = await server.looked(transaction)
    assert failed.state is STATES.FAILED
    assert (
        failed.reason
        == "The contract refused it on the chain. Only the network's fee is gone. Somebody was quicker."
    )
    assert not failed.final
    mine(market, 100)
    assert (await server.looked(transaction)).final


async def test_what_nobody_confirms_expires_after_half_an_hour(server, market, clock):
    transaction = await server.propose(buy(market))
    clock.now += 30 * 60
    assert (await server.get(transaction)).state is STATES.PREPARED
    clock.now += 1
    assert (await server.get(transaction)).state is STATES.EXPIRED
    with pytest.raises(InvalidValue, match="in time"):
        await server.asked(transaction)
    assert await server.service.log.repository.of_wallet(ME, limit=10) == ()
    other = await server.propose(buy(market))
    clock.now += 24 * 3600 + 1
    await server.tracker.check()
    await server.tracker.check()
    for gone in (transaction, other):
        with pytest.raises(NotFound):
            await server.get(gone)


async def test_a_second_step_that_nobody_confirms_says_that_the_first_was_done(server, market, node, clock):
    signer = new_signer(market)
    allow = ContractCall(
        market.coin.address, "approve(address,uint256)", (market.store.address, 100 * DOLLAR)
    )
    transaction = await server.propose(allow, buy(market, 2), by=signer)
    await server.sent(transaction, Wallet(node.url, [signer]), by=signer)
    await server.looked(transaction, by=signer)
    clock.now += 31 * 60
    expired = await server.looked(transaction, by=signer)
    assert expired.state is STATES.EXPIRED
    assert expired.reason.startswith("The first step was done")
    assert await server.service.log.repository.of_wallet(parse_wallet(signer.address), limit=10) == (expired,)


async def test_one_that_expired_is_revived_when_the_wallet_sends_it_after_all(server, market, wallet, clock):
    transaction = await server.propose(buy(market))
    asked = await server.asked(transaction)
    clock.now += 40 * 60
    assert (await server.looked(transaction)).state is STATES.EXPIRED
    await wallet.request("eth_sendTransaction", [asked])
    assert (await server.looked(transaction)).state is STATES.CONFIRMED


async def test_a_hash_the_chain_never_sees_is_lost_after_a_while(server, market, clock):
    transaction = await server.propose(buy(market))
    await server.asked(transaction)
    await server.service.sent(ME, transaction, "0x" + "ab" * 32)
    assert (await server.looked(transaction)).state is STATES.SENT
    clock.now += 31 * 60
    lost = await server.looked(transaction)
    assert lost.state is STATES.FAILED
    assert "never seen" in lost.reason


async def test_what_nobody_answers_is_not_looked_for_for_ever(server, market, clock):
    transaction = await server.propose(buy(market))
    await server.asked(transaction)
    assert len(await server.storage.transactions.followed()) == 1
    clock.now += 2 * 3600 + 1
    await server.looked(transaction)
    assert await server.storage.transactions.followed() == ()


async def test_12_6_a_clock_that_jumps_ends_no_search_for_what_was_asked(server, market, clock):
    await server.asked(transaction := await server.propose(buy(market)))
    await server.looked(transaction)
    clock.jump(3 * 3600)
    await server.looked(transaction)
    assert len(await server.storage.transactions.followed()) == 1


async def test_after_a_restart_it_goes_on(open_server, market, wallet):
    async with open_server() as before:
        transaction = await before.propose(buy(market))
        sent = await before.sent(transaction, wallet)
    async with open_server() as after:
        async with after.tracker.running(), asyncio.timeout(20):
            while (done := await after.get(transaction)).state is not STATES.CONFIRMED:
                await asyncio.sleep(0.05)
        assert done.hashes == (sent,)
        assert [event.transaction for event in after.events] == [transaction]


async def test_12_6_a_clock_that_jumps_loses_nothing_that_was_sent(server, market, clock):
    transaction = await server.propose(buy(market))
    await server.asked(transaction)
    await server.service.sent(ME, transaction, "0x" + "77" * 32)
    assert (await server.looked(transaction)).state is STATES.SENT
    clock.jump(7200)
    assert (await server.looked(transaction)).state is STATES.SENT, "it was sent a moment ago"
    clock.jump(-14_400)
    clock.now += 31 * 60
    assert (await server.looked(transaction)).state is STATES.FAILED


async def test_while_the_chain_is_away_nothing_is_lost(tmp_path, clock):
    with anvil() as node, closing(Evm(node.url)) as evm:
        market = open_market(evm)
        wallet = Wallet(node.url, [BUYER])
        async with open_database(tmp_path / "h.sqlite") as database, open_pool(node.url) as pool:
            server = Server(pool, database.storage, clock, market)
            purchase, another = buy(market), buy(market, 3)
            transaction = await server.propose(purchase)
            asked = await server.asked(transaction)
            sent = await wallet.request("eth_sendTransaction", [asked])
            node.stop()
            assert (await server.service.sent(ME, transaction, sent)).state is STATES.SENT
            with pytest.raises(ChainUnavailable):
                await server.tracker.check()
            with pytest.raises(ChainUnavailable):
                await server.propose(another)
            async with server.tracker.running():
                await asyncio.sleep(0.1)
            assert (await server.get(transaction)).state is STATES.SENT


async def test_what_is_kept_comes_back_as_it_was(server, market):
    parts = (2**255, SignaturePart.V, (SignaturePart.R, SignaturePart.S), b"\0\xff", True, "text", NOWHERE)
    call = ContractCall(market.coin.address, "approve(address,uint256)", (NOWHERE, 2**255), 0, "Says")
    odd = ContractCall(NOWHERE, "f(uint256)", parts, 2**200)
    proposal = Proposal(
        "Title",
        ("One.", "Two."),
        (SignatureRequest({"a": [1]}, "Sign"), odd, call),
        "Done.",
        {"E": "e"},
        ("film:x",),
        "/b",
        spends={NATIVE_COIN: 2**200},
    )
    allowed = ContractCall(market.coin.address, "approve(address,uint256)", (market.store.address, 1))
    transaction = await server.get(await server.propose(allowed))
    from dataclasses import replace

    kept = replace(transaction, id="0" * 32, proposal=proposal, signatures=("0x12",))
    await server.storage.transactions.add(kept)
    assert await server.storage.transactions.get("0" * 32) == kept
