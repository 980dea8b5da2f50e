"""Groups of stacks, on both databases."""

from __future__ import annotations

from tests.storage.test_repositories import LARGEST, OTHER, WALLET
from wylloh_server.domain.group_split import Group

NEW, OLD = Group("a" * 32, "Kino “Zürich”", LARGEST, 20.5), Group("b" * 32, "Paris", 1, 10.0)


async def test_groups_come_back_whole_oldest_first(storage):
    await storage.groups.put(WALLET, "film", [NEW, OLD])
    await storage.groups.put(OTHER, "film", [Group("c" * 32, "Theirs", 3, 1.0)])
    assert await storage.groups.of_stack(WALLET, "film") == (OLD, NEW)
    assert await storage.groups.of_stack(WALLET, "other") == ()


async def test_they_are_replaced_as_a_whole(storage):
    await storage.groups.put(WALLET, "film", [NEW, OLD])
    await storage.groups.put(WALLET, "film", [NEW])
    assert await storage.groups.of_stack(WALLET, "film") == (NEW,)
    await storage.groups.put(WALLET, "film", [])
    assert await storage.groups.of_stack(WALLET, "film") == ()
