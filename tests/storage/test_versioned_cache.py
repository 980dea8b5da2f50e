"""What was derived from the database is kept until somebody writes to it, whoever it is."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest

from wylloh_server.storage.versioned_cache import VersionedCache


@pytest.fixture
def cache(storage):
    return VersionedCache(storage.films.writes, 2)


@pytest.fixture
def made():
    return []


@pytest.fixture
def make(made):
    async def make():
        made.append(len(made))
        await asyncio.sleep(0.01)
        return made[-1]

    return make


async def test_it_is_made_once_for_all_who_wait(cache, make, made):
    assert await asyncio.gather(*(cache.get("a", make) for _ in range(5))) == [0] * 5
    assert await cache.get("a", make) == 0
    assert made == [0]


async def test_a_write_makes_it_stale(storage, cache, make):
    assert await cache.get("a", make) == 0
    await storage.cursors.put("x", 1)
    assert await cache.get("a", make) == 1


async def test_a_write_while_it_is_made_makes_it_stale(storage, cache, made):
    async def slow():
        await storage.cursors.put("x", len(made))
        made.append(None)
        return len(made)

    assert await cache.get("a", slow) == 1
    assert await cache.get("a", slow) == 2


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)  # on PostgreSQL an entry is good for two seconds
async def test_another_process_s_write_is_noticed(place, cache, make):
    assert await cache.get("a", make) == 0
    other = sqlite3.connect(place)
    with other:
        other.execute("INSERT INTO cursors VALUES ('y', 1)")
    other.close()
    assert await cache.get("a", make) == 1


async def test_what_nobody_asks_for_leaves_the_memory(storage, make):
    cache = VersionedCache(storage.films.writes, 2, seconds=0.05)
    await cache.get("a", make)
    await asyncio.sleep(0.15)
    assert len(cache._entries._Cache__data) == 0
