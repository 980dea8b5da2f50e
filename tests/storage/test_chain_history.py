"""What the database keeps of the chain: facts, their feed, holders and headers, on both databases."""

from __future__ import annotations

import dataclasses
import inspect

import pytest

from wylloh_server.domain import chain_events
from wylloh_server.domain.errors import StorageError
from wylloh_server.domain.chain_events import (
    EventQuery,
    ZERO_ADDRESS,
    ChainEvent,
    EventChange,
    Coin,
    FilmCreated,
    Holder,
    IncomeCredited,
    IndexState,
    LadderChanged,
    ListingCancelled,
    LogPosition,
    OfferChanged,
    OfferClosed,
    PackageChanged,
    PayoutMade,
    PriceStep,
    RecipientsChanged,
    Share,
    SplitterCreated,
    StoreFeeChanged,
    TokensListed,
    TokensTransferred,
    TokensSold,
)
from wylloh_server.domain.ports.chain import BlockHeader, ChainHead, BlockRange
from wylloh_server.domain.rights import RightsLadder, Tier
from wylloh_server.domain.types import BlockNumber, ChainId, Cid, Timestamp, TokenReference, Wallet

MOST = (1 << 256) - 1
TOKEN = TokenReference(ChainId(31337), Wallet("0x" + "c0" * 20), MOST)
OTHER = TokenReference(ChainId(31337), Wallet("0x" + "c0" * 20), 0)
ANN, BEN, CYN, SPLITTER, COIN = (Wallet("0x" + digit * 40) for digit in "abced")
LADDER = RightsLadder((Tier(1, "personal"), Tier(MOST, "café\x00", ("AT", "DE"), 50)))


def header(number, fork=0):
    return BlockHeader(BlockNumber(number), f"0x{fork:032x}{number:032x}", Timestamp(1_000.5 + number))


def head(number, final=0):
    return ChainHead(header(number), BlockNumber(final))


def mark(number, index=0, fork=0):
    block = header(number, fork)
    return LogPosition(block.number, block.hash, f"0x{index:064x}", index, block.at)


def moved(number, sender, receiver, amount, token=TOKEN, index=0, fork=0):
    return TokensTransferred(mark(number, index, fork), token, sender, receiver, amount)


EVERY_KIND = (
    FilmCreated(mark(1, 0), TOKEN, ANN, MOST, SPLITTER, 500),
    LadderChanged(mark(1, 1), TOKEN, LADDER),
    TokensTransferred(mark(1, 2), TOKEN, ZERO_ADDRESS, ANN, MOST),
    OfferChanged(
        mark(1, 3),
        TOKEN,
        ANN,
        SPLITTER,
        COIN,
        Timestamp(1),
        Timestamp(2),
        0,
        (PriceStep(1, 5), PriceStep(9, MOST)),
    ),
    OfferClosed(mark(1, 4), TOKEN),
    TokensListed(mark(1, 5), TOKEN, MOST, BEN, 3, COIN, 4_990_000),
    ListingCancelled(mark(1, 6), TOKEN, MOST, BEN, 3),
    TokensSold(mark(1, 7), TOKEN, CYN, BEN, 0, 2, COIN, MOST, 1, SPLITTER, 2, True),
    SplitterCreated(mark(1, 8), SPLITTER, ANN),
    RecipientsChanged(mark(1, 9), SPLITTER, (Share(ANN, 9_999, "Régie\x00\U0001f3ac"), Share(CYN, 1))),
    IncomeCredited(mark(1, 10), SPLITTER, CYN, COIN, MOST),
    PayoutMade(mark(1, 11), SPLITTER, CYN, ZERO_ADDRESS, 7),
    PackageChanged(mark(1, 12), TOKEN, Cid("bafyroot"), "ab" * 32),
    StoreFeeChanged(mark(1, 13), ANN, 250),
)


@pytest.fixture
def history(storage):
    return storage.history


@pytest.fixture
def index(storage):
    return storage.chain_index


@pytest.fixture
def add(index):
    """Add a block with facts after the last one."""

    async def add(number, *facts, fork=0, parent_fork=0, splitters=None, final=0):
        kept = await index.newest(1)
        first = kept[0].number + 1 if kept else 1
        parent = kept[0].hash if kept else ""
        blocks = {
            fact.mark.block: header(fact.mark.block, fork) for fact in facts if fact.mark.block >= first
        }
        blocks[number] = header(number, fork)
        ordered = tuple(blocks[key] for key in sorted(blocks))
        stretch = BlockRange(BlockNumber(first), parent, ordered, facts, splitters or {})
        await index.extend(stretch, head(number, final))

    return add


def every_kind():
    kinds = [item for _, item in inspect.getmembers(chain_events, inspect.isclass)]
    return {kind for kind in kinds if issubclass(kind, ChainEvent) and kind is not ChainEvent}


async def test_each_kind_of_fact_comes_back_as_it_was(history, add):
    assert {type(fact) for fact in EVERY_KIND} == every_kind()
    await add(1, *EVERY_KIND)
    assert await history.history(EventQuery(newest_first=False)) == EVERY_KIND
    assert await history.history() == EVERY_KIND[::-1]
    assert [change.event for change in (await history.changes(0, limit=100)).steps] == list(EVERY_KIND)


async def test_facts_are_found_by_kind_film_wallet_and_splitter(history, add):
    await add(1, *EVERY_KIND)
    other = moved(2, ZERO_ADDRESS, BEN, 1, OTHER)
    await add(2, other)

    async def found(**by):
        facts = await history.history(EventQuery(**by, newest_first=False))
        assert await history.count(EventQuery(**by)) == len(facts)
        return [type(fact) for fact in facts]

    assert await found(kinds=[TokensTransferred]) == [TokensTransferred, TokensTransferred]
    assert await found(kinds={TokensSold, OfferClosed}) == [OfferClosed, TokensSold]
    assert await found(token=OTHER) == [TokensTransferred]
    assert await found(wallet=ANN) == [
        FilmCreated,
        TokensTransferred,
        OfferChanged,
        SplitterCreated,
        RecipientsChanged,
    ]
    assert await found(wallet=CYN) == [TokensSold, RecipientsChanged, IncomeCredited, PayoutMade]
    assert await found(wallet=ZERO_ADDRESS) == []
    assert await found(contract=SPLITTER) == [SplitterCreated, RecipientsChanged, IncomeCredited, PayoutMade]
    assert await found(contract=SPLITTER, wallet=CYN, kinds=[PayoutMade]) == [PayoutMade]
    assert await found(wallet=BEN, token=TOKEN) == [TokensListed, ListingCancelled, TokensSold]


async def test_history_is_given_by_pages_in_the_chains_order(history, add):
    facts = [moved(number, ZERO_ADDRESS, ANN, 1, index=index) for number in (3, 4) for index in (0, 1, 700)]
    await add(4, *facts)
    pages = [await history.history(EventQuery(limit=2, offset=offset)) for offset in (0, 2, 4, 6)]
    assert [fact for page in pages for fact in page] == facts[::-1]


async def test_holders_are_sorted_by_number_however_large(history, add):
    amounts = {ANN: 9, BEN: 10, CYN: MOST - 200, SPLITTER: 10}
    await add(1, *(moved(1, ZERO_ADDRESS, wallet, amount) for wallet, amount in amounts.items()))
    await add(2, moved(2, CYN, COIN, 100), moved(2, ZERO_ADDRESS, ANN, 5, OTHER))
    expected = [(CYN, MOST - 300), (COIN, 100), (BEN, 10), (SPLITTER, 10), (ANN, 9)]
    assert await history.holders(TOKEN, limit=10) == tuple(Holder(*row) for row in expected)
    assert await history.holders(TOKEN, limit=2, offset=1) == tuple(Holder(*row) for row in expected[1:3])
    assert (await history.holder_count(TOKEN), await history.holder_count(OTHER)) == (5, 1)


async def test_who_gave_everything_away_is_no_holder(history, add):
    await add(
        1, moved(1, ZERO_ADDRESS, ANN, 5), moved(1, ANN, BEN, 5), moved(1, BEN, BEN, 5), moved(1, BEN, CYN, 0)
    )
    assert await history.holders(TOKEN, limit=10) == (Holder(BEN, 5),)


async def test_a_history_that_begins_too_late_invents_no_holder(history, index, add):
    await add(1, moved(1, ANN, BEN, 5))
    assert await history.holders(TOKEN, limit=10) == (Holder(BEN, 5),)
    assert await history.holder_count(TOKEN) == 1
    await add(2, moved(2, CYN, ANN, 7))
    assert await history.holders(TOKEN, limit=10) == (Holder(BEN, 5), Holder(ANN, 2))
    await index.roll_back(None)
    assert await history.holder_count(TOKEN) == 0


async def test_a_reorg_takes_facts_back_newest_first(history, index, add):
    first, second, third = moved(1, ZERO_ADDRESS, ANN, 10), moved(2, ANN, BEN, 4), moved(3, BEN, CYN, 4)
    await add(1, first)
    before = await history.changes(0, limit=10)
    await add(3, second, third)
    assert await index.roll_back(BlockNumber(1)) == 2
    assert await history.history() == (first,)
    assert await history.holders(TOKEN, limit=10) == (Holder(ANN, 10),)
    assert [block.number for block in await index.newest(10)] == [1]
    again = moved(2, ANN, CYN, 1, fork=1)
    await add(2, again, fork=1)
    steps = (await history.changes(before.cursor, limit=10)).steps
    assert steps == (
        EventChange(second, True),
        EventChange(third, True),
        EventChange(third, False),
        EventChange(second, False),
        EventChange(again, True),
    )


async def test_the_feed_is_the_same_in_pages_of_any_size(history, index, add):
    await add(1, moved(1, ZERO_ADDRESS, ANN, 10), FilmCreated(mark(1, 1), TOKEN, ANN, 10, ANN, 0))
    await add(3, *(moved(number, ANN, BEN, 1, index=at) for number in (2, 3) for at in range(4)))
    await index.roll_back(BlockNumber(1))
    await add(2, moved(2, ANN, CYN, 3, fork=1), fork=1)
    for kinds in ((), (TokensTransferred,), (FilmCreated,), (OfferClosed,)):
        whole = await history.changes(0, kinds=kinds, limit=1000)
        assert len(whole.steps) == {(): 19, (TokensTransferred,): 18, (FilmCreated,): 1}.get(kinds, 0)
        for size in (1, 2, 7):
            cursor, steps = 0, ()
            while (page := await history.changes(cursor, kinds=kinds, limit=size)).steps:
                cursor, steps = page.cursor, steps + page.steps
            assert steps == whole.steps
            assert page.cursor == whole.cursor
        assert await history.changes(whole.cursor, limit=9) == dataclasses.replace(whole, steps=())


async def test_what_follows_must_join_what_is_there(history, index, add):
    await add(1, moved(1, ZERO_ADDRESS, ANN, 10))
    block = header(2)
    for first, parent in ((2, header(1, fork=9).hash), (3, header(1).hash), (1, "")):
        with pytest.raises(StorageError, match="somebody else"):
            stretch = BlockRange(BlockNumber(first), parent, (block,), (moved(2, ANN, BEN, 1),))
            await index.extend(stretch, head(2))
    assert await history.count() == 1
    assert await index.newest(10) == (header(1),)


async def test_headers_are_kept_for_eventful_blocks_and_for_what_is_not_final(history, index, add):
    assert await history.state() == IndexState(None, None, None, None)
    for number in range(1, 10):
        facts = [moved(number, ZERO_ADDRESS, ANN, 1)] if number in {2, 5} else []
        await add(number, *facts, final=max(0, number - 3))
    assert [block.number for block in await index.newest(20)] == [9, 8, 7, 6, 5, 2]
    assert [block.number for block in await index.newest(2, below=BlockNumber(8))] == [7, 6]
    assert await history.state() == IndexState(9, header(9).at, 6, 9)
    await index.record_head(head(12, 2))
    assert await history.state() == IndexState(9, header(9).at, 6, 12)


async def test_a_splitter_that_is_no_longer_named_is_forgotten_with_all_it_said(history, index, add):
    naming = FilmCreated(mark(5), TOKEN, ANN, 10, SPLITTER, 500)
    before = IncomeCredited(mark(2), SPLITTER, BEN, COIN, 7)
    await add(1)
    await add(4)
    await add(5, before, naming, splitters={SPLITTER: BlockNumber(5)})
    assert await index.splitters() == {SPLITTER}
    assert await history.history(EventQuery(contract=SPLITTER)) == (before,)
    await index.roll_back(BlockNumber(4))
    assert await index.splitters() == frozenset()
    assert await history.history() == ()
    assert [block.number for block in await index.newest(9)] == [4, 1]


async def test_the_history_of_another_chain_is_taken_back(history, index, add):
    assert await index.set_source("chain 1") == 0
    await add(1, moved(1, ZERO_ADDRESS, ANN, 10), splitters={SPLITTER: BlockNumber(1)})
    assert await index.set_source("chain 1") == 0
    assert await history.count() == 1
    assert await index.set_source("chain 2") == 1
    assert await history.state() == IndexState(None, None, None, None)
    assert (await history.count(), await history.holder_count(TOKEN), await index.splitters()) == (
        0,
        0,
        frozenset(),
    )
    assert [change.added for change in (await history.changes(0, limit=9)).steps] == [True, False]


async def test_many_facts_at_once(history, index, add):
    wallets = [Wallet(f"0x{number:040x}") for number in range(1, 1_501)]
    await add(1, *(moved(1, ZERO_ADDRESS, wallet, 2, index=at) for at, wallet in enumerate(wallets)))
    await add(2, *(moved(2, wallet, ANN, 1, index=at) for at, wallet in enumerate(wallets)))
    assert await history.holder_count(TOKEN) == 1_501
    assert (await history.holders(TOKEN, limit=1))[0] == Holder(ANN, 1_500)
    assert await index.roll_back(BlockNumber(1)) == 1_500
    assert await history.holders(TOKEN, limit=2) == (Holder(wallets[0], 2), Holder(wallets[1], 2))


async def test_coins_are_kept(storage):
    assert await storage.coins.get(COIN) is None
    coin = Coin(COIN, "dUSD", 6, permits=True)
    await storage.coins.keep(coin)
    assert await storage.coins.get(COIN) == coin
