"""Connections whose user is cancelled: they hold no lock, and end with their database."""

from __future__ import annotations

import asyncio
import gc
import os
import random
from pathlib import Path

import pytest
from sqlalchemy import text

from wylloh_server.domain.errors import StorageError
from wylloh_server.domain.types import Seconds
from wylloh_server.storage.connections import Connections
from wylloh_server.storage.engine import engine_for


def open_files(file):
    """Return how often this process has a file, or its journal, open."""
    found = 0
    for link in Path("/proc/self/fd").iterdir():
        try:
            found += os.readlink(link).startswith(str(file))
        except FileNotFoundError:  # of this listing itself
            continue
    return found


async def all_closed(file):
    """Wait until nothing has the file open: a query's thread closes it, in its own time."""
    async with asyncio.timeout(30):
        while open_files(file):
            await asyncio.sleep(0.01)


async def steps(count):
    for _ in range(count):
        await asyncio.sleep(0)


async def read(connections):
    async with connections.reading() as connection:
        await connection.execute(text("SELECT 1"))


async def write(connections):
    async with connections.writing() as connection:
        await connection.execute(text("INSERT INTO cups (size) VALUES (1)"))
        await connection.execute(text("INSERT INTO cups (size) VALUES (2)"))


@pytest.mark.parametrize("work", [read, write])
async def test_cancelled_at_any_moment_they_are_closed_and_nothing_is_half_written(tmp_path, work):
    file = tmp_path / "wylloh.db"
    connections = Connections(engine_for(file, Seconds(10)))
    async with connections.writing() as connection:
        await connection.execute(text("CREATE TABLE cups (size INTEGER)"))
    await connections.close()
    for moment in range(60):
        connections = Connections(engine_for(file, Seconds(10)))
        task = asyncio.create_task(work(connections))
        await steps(moment // 2)
        await asyncio.sleep(moment % 2 * 0.001 * moment)
        task.cancel()
        await steps(moment % 3)
        await connections.close()
        await asyncio.wait({task})
        await all_closed(file)
    connections = Connections(engine_for(file, Seconds(10)))
    async with connections.reading() as connection:
        rows = await connection.execute(text("SELECT size, count(*) FROM cups GROUP BY size"))
        counts = {size: count for size, count in rows}
    assert counts.get(1) == counts.get(2)
    await connections.close()
    gc.collect()  # aiosqlite warns of a connection that nobody closed, and a warning is an error here


async def test_closing_waits_for_what_is_under_way(tmp_path):
    file = tmp_path / "wylloh.db"
    connections = Connections(engine_for(file, Seconds(10)))
    async with connections.writing() as connection:
        await connection.execute(text("CREATE TABLE cups (size INTEGER)"))
        closing = asyncio.create_task(connections.close())
        await steps(3)
        assert not closing.done()
        with pytest.raises(StorageError, match="closed"):
            async with connections.reading():
                pass
        await connection.execute(text("INSERT INTO cups (size) VALUES (7)"))
    await closing
    await all_closed(file)
    again = Connections(engine_for(file, Seconds(10)))
    async with again.reading() as connection:
        assert (await connection.scalar(text("SELECT size FROM cups"))) == 7
    await again.close()


async def test_a_cancelled_query_keeps_nobody_from_writing(tmp_path):
    chance, errors = random.Random(3), []
    connections = Connections(engine_for(tmp_path / "database", Seconds(0.5)))
    async with connections.writing() as connection:
        await connection.execute(text("create table numbers (number integer)"))
        await connection.execute(
            text("insert into numbers values (:number)"), [{"number": number} for number in range(2000)]
        )

    async def read():
        async with connections.reading() as connection:
            (await connection.execute(text("select * from numbers"))).all()

    async def write():
        async with connections.writing() as connection:
            await connection.execute(text("update numbers set number = number + 1"))

    for _ in range(60):
        task = asyncio.create_task(chance.choice([read, write])())
        await asyncio.sleep(chance.random() * 0.006)
        task.cancel()
        errors += await asyncio.gather(task, return_exceptions=True)
        async with connections.writing() as connection:
            await connection.execute(text("insert into numbers values (1)"))
    assert sum(isinstance(error, asyncio.CancelledError) for error in errors) > 10
    await connections.close()
