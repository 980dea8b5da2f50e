"""Films, ladders and stacks as projections of the chain's events, on both databases."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from sqlalchemy import event, insert, update

from tests.storage.conftest import upgrade_to
from tests.storage.test_chain_history import (
    ANN,
    BEN,
    CYN,
    LADDER,
    MOST,
    OTHER,
    SPLITTER,
    TOKEN,
    add,
    head,
    history,
    index,
    header,
    mark,
    moved,
)
from wylloh_server.domain.chain_events import (
    ZERO_ADDRESS,
    EventQuery,
    FilmCreated,
    LadderChanged,
    PackageChanged,
    StoreFeeChanged,
    TokensSold,
    TokensTransferred,
)
from wylloh_server.domain.ports.chain import BlockRange
from wylloh_server.domain.rights import RightsLadder, RightsStatus, Stack, Tier
from wylloh_server.domain.types import BlockNumber, ChainId, Cid, TokenReference
from wylloh_server.storage import open_database
from wylloh_server.storage.bulk_insert import insert_many
from wylloh_server.storage.chain_event_rows import event_row
from wylloh_server.storage.chain_tables import balances, blocks, events, state
from wylloh_server.storage.connections import Connections
from wylloh_server.storage.engine import engine_for

__all__ = ["add", "history", "index"]

WIDER = RightsLadder((Tier(1, "personal"), Tier(3, "streaming")))
BOTH = RightsLadder((*WIDER.tiers, LADDER.tiers[1]))
"""What is left to the holders of a film whose ladder was `LADDER` and is `WIDER`."""


def created(number, token=TOKEN, index=0, fork=0):
    return FilmCreated(mark(number, index, fork), token, ANN, MOST, SPLITTER, 500)


def packed(number, root, token=TOKEN, index=1, fork=0):
    return PackageChanged(mark(number, index, fork), token, Cid(root), "ab" * 32)


def laddered(number, ladder=LADDER, token=TOKEN, index=2, fork=0):
    return LadderChanged(mark(number, index, fork), token, ladder)


async def test_a_stack_is_the_balance_seen_against_all_that_ladders_gave(storage, add):
    await add(1, created(1), laddered(1), moved(1, ZERO_ADDRESS, BEN, 5, index=3))
    assert await storage.stacks.stacks(BEN, [TOKEN, OTHER]) == {TOKEN: Stack(5, LADDER)}
    assert await storage.stacks.stacks(CYN, [TOKEN]) == {TOKEN: Stack(0, LADDER)}
    await add(2, laddered(2, WIDER), moved(2, BEN, CYN, 2, index=3))
    assert await storage.stacks.stacks(CYN, [TOKEN]) == {TOKEN: Stack(2, BOTH)}
    assert await storage.stacks.status(BEN, TOKEN) == RightsStatus(Stack(3, BOTH), 2)
    assert await storage.stacks.ladder(TOKEN) == BOTH
    assert await storage.stacks.ladder(OTHER) is None
    assert await storage.stacks.status(BEN, OTHER) is None
    assert await storage.stacks.held([BEN, CYN, ANN]) == {
        BEN: frozenset({TOKEN}),
        CYN: frozenset({TOKEN}),
        ANN: frozenset(),
    }


async def test_what_a_reorg_takes_back_leaves_the_projections(storage, index, add):
    await add(1, created(1), laddered(1), packed(1, "bafyone"), moved(1, ZERO_ADDRESS, BEN, 5, index=3))
    await add(3, laddered(2, WIDER), packed(2, "bafytwo"), created(3, OTHER), moved(3, BEN, CYN, 4))
    assert [film.root for film in (await storage.chain_films.changed(0)).films] == ["bafytwo"]
    await index.roll_back(BlockNumber(1))
    assert await storage.stacks.stacks(BEN, [TOKEN, OTHER]) == {TOKEN: Stack(5, LADDER)}
    assert [film.root for film in (await storage.chain_films.changed(0)).films] == ["bafyone"]
    await index.roll_back(BlockNumber(0))
    assert await storage.stacks.stacks(BEN, [TOKEN, OTHER]) == {}
    assert (await storage.chain_films.changed(0)).films == ()


async def test_nothing_is_known_before_the_newest_block_was_reached_once(storage, index, add):
    stretch = BlockRange(BlockNumber(1), "", (header(1),), (created(1), laddered(1)))
    await index.extend(stretch, head(900))
    assert await storage.stacks.stacks(BEN, [TOKEN]) == {}
    assert await storage.stacks.status(BEN, TOKEN) is None
    await add(2, moved(2, ZERO_ADDRESS, BEN, 1))
    assert await storage.stacks.stacks(BEN, [TOKEN]) == {TOKEN: Stack(1, LADDER)}
    # While later blocks are read, what is known stays known.
    await index.record_head(head(900))
    assert await storage.stacks.stacks(BEN, [TOKEN]) == {TOKEN: Stack(1, LADDER)}
    await index.set_source("other contracts")
    assert await storage.stacks.stacks(BEN, [TOKEN]) == {}


async def test_stacks_of_a_thousand_films_are_one_query(storage, add):
    tokens = [TokenReference(ChainId(31337), TOKEN.contract, number) for number in range(1_000)]
    told = [laddered(1, token=token, index=number) for number, token in enumerate(tokens)]
    await add(1, *told, *(moved(1, ZERO_ADDRESS, BEN, 2, token, index=2_000) for token in tokens[::2]))
    asked = []
    engine = storage.stacks._connections._engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    stacks = await storage.stacks.stacks(BEN, tokens)
    assert [stacks[token].holding for token in tokens] == [2, 0] * 500
    some = await storage.stacks.stacks(BEN, tokens[:60])
    assert some == {token: stacks[token] for token in tokens[:60]}
    assert len([query for query in asked if query.lstrip().startswith("SELECT")]) == 2


async def test_projections_are_what_the_events_that_hold_say(storage, history, index, add):
    chance = random.Random(7)
    number, fork = 0, 0
    for _ in range(60):
        if number > 2 and chance.random() < 0.3:
            number, fork = number - chance.randint(1, 2), fork + 1
            await index.roll_back(BlockNumber(number))
        number += 1
        token = chance.choice([TOKEN, OTHER])
        ladder = RightsLadder((Tier(chance.randint(1, 99), "personal"),))
        facts = [
            created(number, token, fork=fork),
            packed(number, f"bafy{chance.random()}", token, fork=fork),
            laddered(number, ladder, token, fork=fork),
            moved(number, ZERO_ADDRESS, BEN, chance.randint(1, 9), token, index=3, fork=fork),
        ]
        await add(number, *sorted(chance.sample(facts, 2), key=lambda fact: fact.mark.index), fork=fork)
        live = await history.history(EventQuery(newest_first=False, limit=1_000))
        changes = [fact for fact in live if isinstance(fact, LadderChanged)]
        ladders = {
            token: ladder.with_earlier([fact.ladder for fact in changes if fact.token == token])
            for token, ladder in {fact.token: fact.ladder for fact in changes}.items()
        }
        roots = {fact.token: fact.root for fact in live if isinstance(fact, PackageChanged)}
        made = {fact.token for fact in live if isinstance(fact, FilmCreated)}
        stacks = await storage.stacks.stacks(BEN, [TOKEN, OTHER])
        assert {token: stack.ladder for token, stack in stacks.items()} == ladders
        films = (await storage.chain_films.changed(0)).films
        assert {film.token: film.root for film in films} == {
            token: root for token, root in roots.items() if token in made
        }


async def test_films_that_changed_after_a_step_are_found(storage, index, add):
    await add(1, created(1), packed(1, "bafyone"))
    first = await storage.chain_films.changed(0)
    assert [(film.token, film.root, film.publisher) for film in first.films] == [(TOKEN, "bafyone", ANN)]
    assert (await storage.chain_films.changed(first.step)).films == ()
    await add(2, created(2, OTHER), packed(2, "bafyother", OTHER), laddered(2))
    second = await storage.chain_films.changed(first.step)
    assert {film.token for film in second.films} == {TOKEN, OTHER}
    await add(3, packed(3, "bafytwo"))
    third = await storage.chain_films.changed(second.step)
    assert [film.root for film in third.films] == ["bafytwo"]
    await index.roll_back(BlockNumber(2))
    assert [film.root for film in (await storage.chain_films.changed(third.step)).films] == ["bafyone"]


@pytest.fixture
async def older(place):
    """A database of the version before projections, with a film, its ladders and a holder."""
    engine = engine_for(place, 10)
    async with Connections(engine).writing() as connection:
        await connection.run_sync(upgrade_to, "0006")
        taken_back = laddered(8, RightsLadder((Tier(7, "personal"),)))
        told = [created(5), laddered(5), laddered(7, WIDER), taken_back]
        await insert_many(connection, events, [event_row(fact, step) for step, fact in enumerate(told, 1)])
        await connection.execute(update(events).where(events.c.sequence == 4).values(removed=9))
        await insert_many(connection, events, [event_row(moved(6, ZERO_ADDRESS, BEN, 6), 5)])
        await connection.execute(update(events).where(events.c.sequence == 5).values(kind="TokensMoved"))
        await connection.execute(insert(balances).values(token=TOKEN, wallet=BEN, amount=6))
        await connection.execute(insert(blocks).values(number=9, hash=header(9).hash, at=0, eventful=False))
        await connection.execute(update(state).values(subject="chain", step=9, head=9))
    await engine.dispose()
    return place


async def test_an_older_database_keeps_its_history_and_gets_its_projections(older):
    async with open_database(older) as database:
        storage = database.storage
        assert await storage.stacks.status(BEN, TOKEN) == RightsStatus(Stack(6, BOTH), 9)
        (transfer,) = await storage.history.history(EventQuery(kinds={TokensTransferred}))
        assert transfer.parties() == {BEN}
        assert await storage.chain_index.set_source("chain") == 0
        assert await storage.chain_index.absent_kinds() == {PackageChanged, StoreFeeChanged}
        assert (await storage.chain_films.changed(0)).films == ()
        found = [packed(5, "bafyone", index=0), packed(6, "bafytwo")]
        await storage.chain_index.add_kinds({PackageChanged, StoreFeeChanged}, found)
        assert await storage.chain_index.absent_kinds() == frozenset()
        (film,) = (await storage.chain_films.changed(0)).films
        assert (film.publisher, film.max_supply, film.root) == (ANN, MOST, "bafytwo")
        assert await storage.stacks.status(BEN, TOKEN) == RightsStatus(Stack(6, BOTH), 9)


async def test_films_somebody_bought_or_published_are_told_from_those_they_were_sent(storage, add):
    sent = replace(TOKEN, token_id=77)
    sale = TokensSold(mark(1, 5), TOKEN, BEN, CYN, 3, 1, ANN, 100, 0, ANN, 0, presale=False)
    await add(1, created(1), moved(1, CYN, BEN, 1, index=4), sale, moved(1, ANN, BEN, 1, token=sent, index=6))
    assert await storage.stacks.acquired([BEN]) == {TOKEN}
    assert await storage.stacks.acquired([CYN]) == set(), "who sells has not chosen the film"
    assert await storage.stacks.acquired([ANN]) == {TOKEN}, "its publisher"
    assert await storage.stacks.acquired([]) == set()
