"""Fifty who write to the database at the same time, each of whom waits until it is on the disk."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from tests.bench.bench_environment import BenchEnvironment
from tests.bench.figures import Figure
from tests.bench.turns import in_turns_async
from wylloh_server.storage import open_database
from wylloh_server.storage.cursors import CursorRepository

_WRITERS = 50
_UPSERT = "INSERT INTO cursors VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET position = excluded.position"


def measure(bench_environment: BenchEnvironment) -> list[Figure]:
    """What a room full of people who play films, and background work, write together."""
    folder = bench_environment.folder / "writing"
    folder.mkdir()
    return asyncio.run(_measured(folder, bench_environment.scale.rounds, bench_environment.scale.writes))


async def _measured(folder: Path, rounds: int, writes: int) -> list[Figure]:
    async with open_database(folder / "wylloh.db") as database:
        with closing(_plain(folder / "plain.db")) as plain:

            async def ours() -> float:
                return writes / await _write_together(database.storage.cursors, writes)

            async def floor() -> float:
                return writes / _write_one_by_one(plain, writes)

            rates = await in_turns_async(rounds, ours, floor)
    floor_is = "sqlite3 in one thread, which commits each write"
    return [Figure(f"Writes a second by {_WRITERS} at once", "1/s", "more", floor_is, *rates)]


async def _write_together(cursors: CursorRepository, writes: int) -> float:
    numbers, begun = iter(range(writes)), time.perf_counter()

    async def write_on(name: str) -> None:
        for number in numbers:
            await cursors.put(name, number)

    await asyncio.gather(*(write_on(f"writer {number}") for number in range(_WRITERS)))
    return time.perf_counter() - begun


def _write_one_by_one(plain: sqlite3.Connection, writes: int) -> float:
    names, begun = itertools.cycle(range(_WRITERS)), time.perf_counter()
    for number in range(writes):
        plain.execute(_UPSERT, (f"writer {next(names)}", number))
    return time.perf_counter() - begun


def _plain(file: Path) -> sqlite3.Connection:
    """A database with the same safety: each statement is committed, and on the disk when it returns."""
    connection = sqlite3.connect(file, isolation_level=None)
    for statement in ("journal_mode = DELETE", "synchronous = FULL"):
        connection.execute(f"PRAGMA {statement}")
    connection.execute("CREATE TABLE cursors (name TEXT PRIMARY KEY, position INTEGER)")
    return connection
