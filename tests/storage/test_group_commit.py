"""Many who write to SQLite at once share a commit, and nothing else."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError

from wylloh_server.domain.errors import StorageError, StoreFull
from wylloh_server.domain.types import Seconds
from wylloh_server.storage.connections import Connections
from wylloh_server.storage.engine import engine_for


@pytest.fixture
def file(tmp_path):
    return tmp_path / "wylloh.db"


@pytest.fixture
async def connections(file):
    connections = Connections(engine_for(file, Seconds(0.3)))
    async with connections.writing() as connection:
        await connection.execute(text("CREATE TABLE cups (size INTEGER UNIQUE)"))
    yield connections
    await connections.close()


@pytest.fixture
def commits(connections):
    """What is appended at each commit."""
    made = []
    event.listen(connections._engine.sync_engine, "commit", made.append)
    return made


async def insert(connections, size):
    async with connections.writing() as connection:
        await connection.execute(text("INSERT INTO cups VALUES (:size)"), {"size": size})


def stored(file):
    """What another program finds in the file, in the order in which it was written."""
    with closing(sqlite3.connect(file)) as other:
        return [size for (size,) in other.execute("SELECT size FROM cups ORDER BY rowid")]


def together(*works):
    """Have them all wait while another has its turn, so that they become one group."""
    return asyncio.gather(*works, return_exceptions=True)


async def test_those_who_wait_share_a_commit_in_the_order_in_which_they_came(connections, commits, file):
    assert await together(*(insert(connections, size) for size in range(50))) == [None] * 50
    assert stored(file) == list(range(50))
    assert len(commits) <= 2


async def test_a_writer_returns_when_another_program_sees_what_it_wrote(connections, file):
    async def written(size):
        await insert(connections, size)
        return size in stored(file)

    assert await together(*(written(size) for size in range(20))) == [True] * 20


async def test_who_comes_while_a_group_writes_is_in_the_next_one(connections, commits):
    """However many keep coming, a group ends, and those in it are answered."""

    async def always(start):
        for size in range(start, start + 20):
            await insert(connections, size)

    assert await together(*(always(start) for start in range(0, 100, 20))) == [None] * 5
    assert 20 <= len(commits) <= 50


async def test_a_writer_reads_what_it_wrote_itself_within_and_afterwards(connections):
    count = text("SELECT count(*) FROM cups WHERE size = :size")

    async def written(size):
        async with connections.writing() as connection:
            await connection.execute(text("INSERT INTO cups VALUES (:size)"), {"size": size})
            within = await connection.scalar(count, {"size": size})
        async with connections.reading() as connection:
            return within, await connection.scalar(count, {"size": size})

    assert await together(*(written(size) for size in range(20))) == [(1, 1)] * 20


@pytest.mark.parametrize("failing", [0, 3, 9])
async def test_one_that_fails_takes_back_only_what_it_wrote(connections, file, failing):
    async def fails(error):
        async with connections.writing() as connection:
            await connection.execute(text("INSERT INTO cups VALUES (100)"))
            if error is not None:
                raise error
            await connection.execute(text("INSERT INTO cups VALUES (100)"))

    for error, expected in ((ValueError("no cup"), ValueError), (None, StorageError)):
        works = [insert(connections, size) for size in range(10)]
        works[failing : failing + 1] = [works[failing], fails(error)]
        answers = await together(*works)
        assert isinstance(answers.pop(failing + 1), expected)
        assert answers == [None] * 10
        assert stored(file) == list(range(10))
        await _empty(connections)


async def test_an_error_that_a_writer_handles_itself_costs_nothing(connections, file):
    async def insert_once(size):
        async with connections.writing() as connection:
            for _ in range(2):
                try:
                    await connection.execute(text("INSERT INTO cups VALUES (:size)"), {"size": size})
                except IntegrityError:
                    continue

    assert await together(*(insert_once(size) for size in range(5))) == [None] * 5
    assert stored(file) == list(range(5))


async def test_a_commit_that_fails_fails_for_all_of_the_group_and_stores_nothing(connections, file):
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        await insert(connections, 0)
        other.execute("BEGIN")
        other.execute("SELECT * FROM cups").fetchall()  # who reads keeps SQLite from committing
        answers = await together(*(insert(connections, size) for size in range(1, 9)))
        assert [type(answer) for answer in answers] == [StorageError] * 8
        assert all("Another program" in str(answer) for answer in answers)
    assert stored(file) == [0]
    assert await together(*(insert(connections, size) for size in range(1, 9))) == [None] * 8
    assert stored(file) == list(range(9))


async def test_a_group_that_cannot_begin_fails_and_the_next_one_is_written(connections, file):
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = together(*(insert(connections, size) for size in range(8)))
        await asyncio.sleep(0.1)
        later = asyncio.create_task(insert(connections, 100))
        assert [type(answer) for answer in await waiting] == [StorageError] * 8
    await later
    assert stored(file) == [100]


@pytest.mark.parametrize(
    ("statement", "undone"),
    [
        ("INSERT INTO cups VALUES (zeroblob(100000))", True),
        ("CREATE TABLE x AS SELECT zeroblob(100000)", False),
    ],
)
async def test_a_full_disk_costs_what_it_undid_and_the_others_have_their_turn(
    connections, file, statement, undone
):
    """After some statements SQLite itself undoes the whole transaction, after others only the statement."""

    async def too_much():
        async with connections.writing() as connection:
            await connection.exec_driver_sql("PRAGMA max_page_count = 4")
            try:
                await connection.exec_driver_sql(statement)
            finally:
                await connection.exec_driver_sql("PRAGMA max_page_count = 1000000")

    answers = await together(insert(connections, 1), too_much(), insert(connections, 2))
    before = StoreFull if undone else type(None)
    assert [type(answer) for answer in answers] == [before, StoreFull, type(None)]
    assert stored(file) == ([2] if undone else [1, 2])


async def test_a_writer_that_is_cancelled_costs_the_others_nothing(connections, file):
    """While it waits, while a statement of it runs, between two, and while the group is committed."""

    async def slow(size):
        async with connections.writing() as connection:
            for step in range(3):
                values = {"size": size + step}
                await connection.execute(text("INSERT INTO cups VALUES (:size) RETURNING size"), values)
                await asyncio.sleep(0.001)

    for moment in range(40):
        before, victim, *after = (
            asyncio.create_task(work)
            for work in (insert(connections, 1), slow(100), insert(connections, 2), insert(connections, 3))
        )
        await asyncio.sleep(moment * 0.0005)
        victim.cancel()
        assert await together(before, *after) == [None] * 3, moment
        await asyncio.wait({victim})
        assert stored(file) in ([1, 2, 3], [1, 100, 101, 102, 2, 3]), moment
        await _empty(connections)


async def test_of_a_group_that_is_cancelled_altogether_nothing_stays_behind(connections, file):
    for moment in range(20):
        writers = [asyncio.create_task(insert(connections, size)) for size in range(10)]
        await asyncio.sleep(moment * 0.0005)
        for writer in writers:
            writer.cancel()
        await asyncio.wait(writers)
        await insert(connections, 100)
        assert stored(file)[-1] == 100
        await _empty(connections)


async def _empty(connections):
    async with connections.writing() as connection:
        await connection.execute(text("DELETE FROM cups"))
