"""The sums are those that somebody would compute who starts from nothing, whatever the chain does."""

from __future__ import annotations

import asyncio
import random
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plugins.analytics.tests.reference_model import ReferenceModel
from plugins.analytics.tests.scenarios import EURO, PEOPLE, PUBLISHERS, film_token
from plugins.analytics.tests.assertions import (
    GAPS,
    analytics,
    assert_sums_are_true,
    flow_of,
    long_story,
    money_of,
)
from sqlalchemy import insert

from wylloh_analytics import tables
from wylloh_analytics.projection import AnalyticsProjection
from wylloh_analytics.service import service_of
from wylloh_analytics.time_buckets import Grain
from wylloh_analytics.totals import EVERYTHING
from wylloh_server.domain.errors import StorageError
from wylloh_server.domain.events import ChainAdvanced, PlaybackStarted
from wylloh_server.domain.chain_events import (
    ZERO_ADDRESS,
    EventChange,
    FilmCreated,
    TokensTransferred,
    TokensSold,
)
from wylloh_server.domain.types import DeviceId
from wylloh_server.sdk.projection import batch_length
from wylloh_server.sdk.testing import CONTRACTS, SOMEWHERE

ACT = st.tuples(st.integers(0, 18), *[st.integers(0, 99)] * 3)
BLOCK = st.tuples(st.lists(ACT, min_size=1, max_size=4), st.sampled_from(GAPS))
STEPS = st.lists(st.one_of(BLOCK, BLOCK, BLOCK, st.integers(1, 5), st.just("count")), min_size=3, max_size=16)


async def tell(told, steps, stretch):
    for step in steps:
        if step == "count":
            await told.count(stretch)
        elif isinstance(step, int):
            await told.reorg(step)
        else:
            await told.block(*step)
    await told.count(stretch)


@given(steps=STEPS, stretch=st.integers(1, 12))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
def test_the_sums_are_true_whatever_happens_and_is_taken_back(steps, stretch):
    async def story():
        with tempfile.TemporaryDirectory() as folder:
            async with analytics(Path(folder)) as told:
                await told.block([(0, 0, 1, 0), (0, 0, 0, 0), (1, 0, 49, 0), (1, 1, 49, 0)])
                await tell(told, steps, stretch)
                await assert_sums_are_true(told)

    asyncio.run(story())


@pytest.mark.parametrize("seed", [1])
async def test_the_sums_of_a_long_history_are_true(tmp_path, seed):
    async with analytics(tmp_path) as told:
        await tell(told, long_story(seed, 220), stretch=50)
        await assert_sums_are_true(told)


def create_and_sell():
    return [(0, 0, 1, 0), (0, 0, 0, 0), (1, 0, 49, 0), (1, 1, 49, 0)]


async def some_blocks(told, count, seed=3):
    dice = random.Random(seed)
    await told.block(create_and_sell())
    for _ in range(count):
        await told.block([tuple(dice.randrange(1 << 16) for _ in range(4)) for _ in range(2)], 4000)


async def place_of(told):
    ((_, cursor, counted, rules, whole),) = await told.rows(tables.state)
    return {"cursor": cursor, "counted": counted, "rules": rules, "whole": whole}


async def test_a_reorg_deeper_than_what_is_kept_has_everything_counted_anew(tmp_path):
    async with analytics(tmp_path) as told:
        await some_blocks(told, 90)
        await told.count()
        kept = [block for block, *_ in await told.rows(tables.undo)]
        assert 50 < len(kept) <= 64, "only blocks that are not final can be taken back"
        await told.reorg(80)
        await told.count()
        await assert_sums_are_true(told)
        await some_blocks(told, 5)
        await told.count()
        await assert_sums_are_true(told)


async def test_when_the_chain_is_another_nothing_of_the_old_one_stays(tmp_path):
    async with analytics(tmp_path) as told:
        await some_blocks(told, 70)
        await told.count()
        await told.reorg(1000)
        await told.count()
        await assert_sums_are_true(told)
        assert not any(any(row[3:]) for row in await told.rows(tables.flow))


async def test_what_was_taken_back_long_ago_is_left_out_of_a_rebuild(tmp_path):
    async with analytics(tmp_path) as told:
        await some_blocks(told, 5)
        await told.reorg(3)
        await some_blocks(told, 70, seed=4)  # the reorg is final now
        await told.reorg(2)
        await told.count()
        await assert_sums_are_true(told)
        await told.app.emit(PlaybackStarted("film", PEOPLE[0], DeviceId("tv")))
        says = await told.app.command("rebuild")
        assert says == f"Counted {len(await told.facts()):,} facts anew."
        await assert_sums_are_true(told)
        assert len(await told.rows(tables.plays)) == 1, "viewing cannot be counted anew, so it is kept"


async def test_reorgs_during_a_rebuild_are_followed(tmp_path):
    async with analytics(tmp_path) as told:
        await some_blocks(told, 12)
        await told.reorg(2)
        await some_blocks(told, 3, seed=5)
        counting = AnalyticsProjection(told.app.context, batch_size=4)
        ask, asked = counting._chain.changes, 0

        class Chain:
            contracts = told.app.context.chain.contracts
            state = staticmethod(told.app.context.chain.state)

            async def changes(self, *given, **named):
                nonlocal asked
                asked += 1
                if asked == 6:
                    await told.reorg(2)
                return await ask(*given, **named)

        counting._chain = Chain()
        await counting.rebuild()
        await counting.catch_up()
        assert asked > 6
        await assert_sums_are_true(told)


async def test_a_rebuild_that_was_interrupted_begins_again(tmp_path):
    async with analytics(tmp_path) as told:
        await some_blocks(told, 10)
        counting = AnalyticsProjection(told.app.context, batch_size=3)
        counting.halted = True
        await counting.rebuild()
        assert not (await place_of(told))["whole"]
        await told.app.context.tables.change(
            [insert(tables.sizes).values(scope=1, grain=1, start=5, tokens=9, wallets=7)]
        )
        await told.count()
        assert (await place_of(told))["whole"]
        await assert_sums_are_true(told)


async def test_another_store_has_everything_counted_anew(tmp_path):
    async with analytics(tmp_path) as told:
        await some_blocks(told, 20)
        await told.count()
        facts = await told.facts()
    other = replace(CONTRACTS, store=PEOPLE[0])
    async with analytics(tmp_path, contracts=other) as told:
        assert (await place_of(told))["rules"].endswith(PEOPLE[0])
        truth = ReferenceModel(facts, PEOPLE[0])
        found = flow_of(await told.rows(tables.flow), EVERYTHING, Grain.DAY)
        assert found == truth.flow(None, 86400)


async def test_what_could_not_be_stored_is_counted_next_time(tmp_path, monkeypatch):
    async with analytics(tmp_path) as told:
        counting = AnalyticsProjection(told.app.context)
        change, failing = counting._tables.change, True

        class Tables:
            fetch = staticmethod(told.app.context.tables.fetch)

            async def change(self, statements):
                if failing and len(statements) > 5:
                    raise StorageError("The disk is full.", fix="Make room.")
                await change(statements)

        counting._tables = Tables()
        await some_blocks(told, 3)
        with pytest.raises(StorageError):
            await counting.catch_up()
        failing = False
        await counting.catch_up()
        await assert_sums_are_true(told)


async def test_a_failure_shows_on_the_plugin_s_record_and_the_next_event_tries_again(tmp_path, monkeypatch):
    async with analytics(tmp_path) as told:
        counting = service_of(told.app.context).projection
        with monkeypatch.context() as broken:
            broken.setattr(counting, "catch_up", lambda: 1 / 0)
            await told.app.happened(FilmCreated(SOMEWHERE, film_token(0), PUBLISHERS[0], 9, PUBLISHERS[0], 0))
        assert told.app.record.errors == 1
        assert "ZeroDivisionError" in told.app.record.last_error
        await told.app.emit(ChainAdvanced(1))
        assert told.app.record.errors == 1
        await assert_sums_are_true(told)


async def test_a_block_longer_than_a_stretch_is_counted_as_one(tmp_path):
    async with analytics(tmp_path) as told:
        await told.block(create_and_sell() + [(3, 0, number, number) for number in range(30)])
        await told.block([(6, 0, number, 1) for number in range(30)])
        await told.count(stretch=2)
        await assert_sums_are_true(told)
        assert len(await told.rows(tables.undo)) == 2


async def test_numbers_beyond_64_bits(tmp_path):
    async with analytics(tmp_path) as told:
        token, huge = film_token(0), 2**256 - 1
        await told.app.happened(
            FilmCreated(SOMEWHERE, token, PUBLISHERS[0], huge, PUBLISHERS[0], 0),
            TokensTransferred(SOMEWHERE, token, ZERO_ADDRESS, PEOPLE[0], huge),
            TokensTransferred(SOMEWHERE, token, ZERO_ADDRESS, PEOPLE[1], 3),
            *(
                TokensSold(
                    SOMEWHERE, token, PEOPLE[1], PUBLISHERS[0], 0, 3, EURO, huge, 7, ZERO_ADDRESS, 0, False
                )
                for _ in range(3)
            ),
        )
        assert told.app.record.errors == 0
        money = money_of(await told.rows(tables.money), EVERYTHING, Grain.DAY)
        assert sorted(money.values()) == [21, 3 * huge]
        ((_, row),) = flow_of(await told.rows(tables.flow), EVERYTHING, Grain.DAY).items()
        assert (row["held"], row["came"], row["sold"]) == (3, 1, 9), "nobody has 2^256 tokens"
        await told.app.taken_back(1)
        assert not any(any(row[3:]) for row in await told.rows(tables.flow))
        assert {row[-1] for row in await told.rows(tables.money)} == {"0"}


@pytest.mark.parametrize(
    ("signs", "blocks", "more", "expected"),
    [
        ("", "", False, 0),
        ("+++", "112", False, 3),
        ("+++", "112", True, 2),
        ("+++", "111", True, 0),
        ("++-", "112", True, 2),
        ("++-", "112", False, 2),
        ("--+", "111", True, 2),
        ("---", "111", True, 3),
    ],
)
def test_a_stretch_is_whole_blocks_that_came_or_facts_that_went(signs, blocks, more, expected):
    mark = SOMEWHERE
    steps = [
        EventChange(
            TokensTransferred(replace(mark, block=int(block)), film_token(0), ZERO_ADDRESS, PEOPLE[0], 1),
            sign == "+",
        )
        for sign, block in zip(signs, blocks, strict=True)
    ]
    assert batch_length(steps, more=more) == expected
