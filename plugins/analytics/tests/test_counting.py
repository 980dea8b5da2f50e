"""The sums are those that somebody would compute who starts from nothing, whatever the chain does."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plugins.analytics.tests.telling import GAPS, analytics, assert_sums_are_true, long_story

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
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
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
        await tell(told, long_story(seed, 400), stretch=50)
        await assert_sums_are_true(told)
