"""A stack split into named groups, and merged again."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.fakes import FakeClock
from wylloh_server.domain.errors import InvalidValue, NotFound
from wylloh_server.domain.types import FilmId, parse_wallet
from wylloh_server.services.library.group_service import GroupService, HeldStack
from wylloh_server.sdk.testing.recorded_live import RecordedLive, TopicChange

ALICE, BOB = parse_wallet("0x" + "a" * 40), parse_wallet("0x" + "b" * 40)
STACK = HeldStack(ALICE, FilmId("film"), 250)


@pytest.fixture
def live():
    return RecordedLive()


@pytest.fixture
def service(storage, live):
    clock = FakeClock()
    service = GroupService(groups=storage.groups, live=live, clock=clock)
    service.clock = clock
    return service


async def add(service, name, count, stack=STACK):
    service.clock.now += 1
    return (await service.add(stack, name, count)).id


async def description_of(service, stack=STACK):
    """Each group's name and number, and the rest."""
    split = await service.split(stack)
    return {share.group.name: share.count for share in split.shares} | {"": split.rest}


async def test_a_stack_begins_in_one_piece(service):
    assert await description_of(service) == {"": 250}


async def test_it_is_split_changed_and_merged_again(service, live):
    berlin, paris = await add(service, "  Kino\n Berlin ", 100), await add(service, "Paris", 60)
    assert await description_of(service) == {"Kino Berlin": 100, "Paris": 60, "": 90}
    await service.change(STACK, paris, "Lyon", 150)
    assert await description_of(service) == {"Kino Berlin": 100, "Lyon": 150, "": 0}
    await service.change(STACK, paris, "lyon", 10)
    assert await description_of(service) == {"Kino Berlin": 100, "lyon": 10, "": 140}
    await service.merge(STACK, paris, berlin)
    assert await description_of(service) == {"Kino Berlin": 110, "": 140}
    await service.merge(STACK, berlin, None)
    assert await description_of(service) == {"": 250}
    assert live.changes == [TopicChange(("film:film",), ALICE)] * 6


async def test_every_wallet_and_film_has_its_own(service):
    await add(service, "Berlin", 100)
    for other in (replace(STACK, wallet=BOB), replace(STACK, film=FilmId("other"))):
        assert await description_of(service, other) == {"": 250}
        await add(service, "Berlin", 7, other)
    assert await description_of(service) == {"Berlin": 100, "": 150}


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
async def test_what_does_not_fit_is_refused_and_changes_nothing(service, name, count, sentence):
    berlin = await add(service, "Berlin", 100)
    with pytest.raises(InvalidValue, match=sentence):
        await service.add(STACK, name, count)
    rome = await add(service, "Rome", 1)
    with pytest.raises(InvalidValue):
        await service.change(STACK, rome, name, count)
    assert await description_of(service) == {"Berlin": 100, "Rome": 1, "": 149}
    await service.change(STACK, berlin, "Berlin", 100)


async def test_when_all_is_in_groups_nothing_is_left_to_split(service):
    await add(service, "All", 250)
    with pytest.raises(InvalidValue, match="All your tokens are in groups"):
        await service.add(STACK, "More", 1)


async def test_what_is_not_there_cannot_be_touched(service):
    berlin = await add(service, "Berlin", 100)
    for act in (
        service.change(STACK, "gone", "x", 1),
        service.merge(STACK, "gone", None),
        service.merge(STACK, berlin, "gone"),
        service.change(replace(STACK, wallet=BOB), berlin, "x", 1),
        service.merge(replace(STACK, wallet=BOB), berlin, None),
    ):
        with pytest.raises(NotFound):
            await act
    with pytest.raises(InvalidValue, match="into itself"):
        await service.merge(STACK, berlin, berlin)
    assert await description_of(service) == {"Berlin": 100, "": 150}


async def test_when_tokens_leave_it_says_which_group_lost_how_many_until_it_is_settled(service):
    await add(service, "Berlin", 100)
    paris, rome = await add(service, "Paris", 60), await add(service, "Rome", 40)
    less = replace(STACK, holding=130)
    split = await service.split(less)
    assert [(share.group.name, share.count, share.lost) for share in split.shares] == [
        ("Berlin", 100, 0),
        ("Paris", 30, 30),
        ("Rome", 0, 40),
    ]
    assert await description_of(service) == {"Berlin": 100, "Paris": 60, "Rome": 40, "": 50}, (
        "looking changed something"
    )
    with pytest.raises(InvalidValue, match="All your tokens"):
        await service.add(less, "More", 1)
    await service.settle(less)
    assert await description_of(service) == {"Berlin": 100, "Paris": 30, "": 120}
    with pytest.raises(NotFound):
        await service.merge(STACK, rome, paris)


async def test_groups_that_are_short_are_merged_as_they_are(service):
    berlin, paris = await add(service, "Berlin", 100), await add(service, "Paris", 60)
    less = replace(STACK, holding=130)
    await service.merge(less, paris, berlin)
    assert await description_of(service, less) == {"Berlin": 130, "": 0}
    assert await description_of(service) == {"Berlin": 130, "": 120}
    none = replace(STACK, holding=0)
    more = await add(service, "More", 5)
    await service.merge(none, more, berlin)
    assert await description_of(service) == {"": 250}


async def test_two_at_once_do_not_take_the_same_tokens(service):
    results = await asyncio.gather(
        *(service.add(STACK, f"Group {number}", 200) for number in range(3)), return_exceptions=True
    )
    assert sum(isinstance(result, InvalidValue) for result in results) == 2
    assert sorted((await description_of(service)).values()) == [50, 200]


async def test_there_are_at_most_fifty(service):
    for number in range(50):
        await add(service, f"{number}", 1)
    with pytest.raises(InvalidValue, match="50 groups"):
        await service.add(STACK, "One more", 1)
