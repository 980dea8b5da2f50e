"""A stack split into named groups, and merged again."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.fakes import FakeClock
from wylloh_server.domain.errors import InvalidValue, NotFound
from wylloh_server.domain.types import FilmId, wallet_of
from wylloh_server.services.groups import GroupDesk, HeldStack
from wylloh_server.testing._live import RecordedLive, Told

ALICE, BOB = wallet_of("0x" + "a" * 40), wallet_of("0x" + "b" * 40)
STACK = HeldStack(ALICE, FilmId("film"), 250)


@pytest.fixture
def live():
    return RecordedLive()


@pytest.fixture
def desk(storage, live):
    clock = FakeClock()
    desk = GroupDesk(groups=storage.groups, live=live, clock=clock)
    desk.clock = clock
    return desk


async def add(desk, name, count, stack=STACK):
    desk.clock.now += 1
    return (await desk.add(stack, name, count)).id


async def told(desk, stack=STACK):
    """Each group's name and number, and the rest."""
    split = await desk.split(stack)
    return {share.group.name: share.count for share in split.shares} | {"": split.rest}


async def test_a_stack_begins_in_one_piece(desk):
    assert await told(desk) == {"": 250}


async def test_it_is_split_changed_and_merged_again(desk, live):
    berlin, paris = await add(desk, "  Kino\n Berlin ", 100), await add(desk, "Paris", 60)
    assert await told(desk) == {"Kino Berlin": 100, "Paris": 60, "": 90}
    await desk.change(STACK, paris, "Lyon", 150)
    assert await told(desk) == {"Kino Berlin": 100, "Lyon": 150, "": 0}
    await desk.change(STACK, paris, "lyon", 10)
    assert await told(desk) == {"Kino Berlin": 100, "lyon": 10, "": 140}
    await desk.merge(STACK, paris, berlin)
    assert await told(desk) == {"Kino Berlin": 110, "": 140}
    await desk.merge(STACK, berlin, None)
    assert await told(desk) == {"": 250}
    assert live.told == [Told(("film:film",), ALICE)] * 6


async def test_every_wallet_and_film_has_its_own(desk):
    await add(desk, "Berlin", 100)
    for other in (replace(STACK, wallet=BOB), replace(STACK, film=FilmId("other"))):
        assert await told(desk, other) == {"": 250}
        await add(desk, "Berlin", 7, other)
    assert await told(desk) == {"Berlin": 100, "": 150}


@pytest.mark.parametrize(
    ("name", "count", "sentence"),
    [
        ("", 1, "needs a name"),
        (" \n ", 1, "needs a name"),
        ("x" * 61, 1, "needs a name"),
        ("a\u202eb", 1, "needs a name"),
        ("BERLIN", 1, "There is a group BERLIN already"),
        ("Paris", 0, "at least 1 token"),
        ("Paris", -5, "at least 1 token"),
        ("Paris", 151, "Only 150 tokens can be put there"),
        ("Paris", 2**256, "Only 150 tokens can be put there"),
    ],
)
async def test_what_does_not_fit_is_refused_and_changes_nothing(desk, name, count, sentence):
    berlin = await add(desk, "Berlin", 100)
    with pytest.raises(InvalidValue, match=sentence):
        await desk.add(STACK, name, count)
    rome = await add(desk, "Rome", 1)
    with pytest.raises(InvalidValue):
        await desk.change(STACK, rome, name, count)
    assert await told(desk) == {"Berlin": 100, "Rome": 1, "": 149}
    await desk.change(STACK, berlin, "Berlin", 100)


async def test_when_all_is_in_groups_nothing_is_left_to_split(desk):
    await add(desk, "All", 250)
    with pytest.raises(InvalidValue, match="All your tokens are in groups"):
        await desk.add(STACK, "More", 1)


async def test_what_is_not_there_cannot_be_touched(desk):
    berlin = await add(desk, "Berlin", 100)
    for act in (
        desk.change(STACK, "gone", "x", 1),
        desk.merge(STACK, "gone", None),
        desk.merge(STACK, berlin, "gone"),
        desk.change(replace(STACK, wallet=BOB), berlin, "x", 1),
        desk.merge(replace(STACK, wallet=BOB), berlin, None),
    ):
        with pytest.raises(NotFound):
            await act
    with pytest.raises(InvalidValue, match="into itself"):
        await desk.merge(STACK, berlin, berlin)
    assert await told(desk) == {"Berlin": 100, "": 150}


async def test_when_tokens_leave_it_says_which_group_lost_how_many_until_it_is_settled(desk):
    await add(desk, "Berlin", 100)
    paris, rome = await add(desk, "Paris", 60), await add(desk, "Rome", 40)
    less = replace(STACK, holding=130)
    split = await desk.split(less)
    assert [(share.group.name, share.count, share.lost) for share in split.shares] == [
        ("Berlin", 100, 0),
        ("Paris", 30, 30),
        ("Rome", 0, 40),
    ]
    assert await told(desk) == {"Berlin": 100, "Paris": 60, "Rome": 40, "": 50}, "looking changed something"
    with pytest.raises(InvalidValue, match="All your tokens"):
        await desk.add(less, "More", 1)
    await desk.settle(less)
    assert await told(desk) == {"Berlin": 100, "Paris": 30, "": 120}
    with pytest.raises(NotFound):
        await desk.merge(STACK, rome, paris)


async def test_groups_that_are_short_are_merged_as_they_are(desk):
    berlin, paris = await add(desk, "Berlin", 100), await add(desk, "Paris", 60)
    less = replace(STACK, holding=130)
    await desk.merge(less, paris, berlin)
    assert await told(desk, less) == {"Berlin": 130, "": 0}
    assert await told(desk) == {"Berlin": 130, "": 120}
    none = replace(STACK, holding=0)
    more = await add(desk, "More", 5)
    await desk.merge(none, more, berlin)
    assert await told(desk) == {"": 250}


async def test_two_at_once_do_not_take_the_same_tokens(desk):
    results = await asyncio.gather(
        *(desk.add(STACK, f"Group {number}", 200) for number in range(3)), return_exceptions=True
    )
    assert sum(isinstance(result, InvalidValue) for result in results) == 2
    assert sorted((await told(desk)).values()) == [50, 200]


async def test_there_are_at_most_fifty(desk):
    for number in range(50):
        await add(desk, f"{number}", 1)
    with pytest.raises(InvalidValue, match="50 groups"):
        await desk.add(STACK, "One more", 1)
