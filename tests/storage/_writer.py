"""A process in which so many write until it is killed: each number into two tables at once, then says so."""

from __future__ import annotations

import asyncio
import itertools
import sys
from pathlib import Path

from sqlalchemy import Column, Integer, MetaData, Table, insert
from sqlalchemy.schema import CreateTable

from wylloh_server.storage import open_database
from wylloh_server.domain.ports.plugin_tables import Migration

metadata = MetaData()
left = Table("plugin_pair_left", metadata, Column("number", Integer, primary_key=True))
right = Table("plugin_pair_right", metadata, Column("number", Integer, primary_key=True))
TABLES = Migration("0001", (CreateTable(left), CreateTable(right)))


async def write(place: Path, writers: int) -> None:
    async with open_database(place) as database:
        await database.plugins.migrate("pair", [TABLES])
        tables, numbers = database.plugins.tables("pair"), itertools.count()

        async def write_on() -> None:
            for number in numbers:
                await tables.change([insert(left).values(number=number), insert(right).values(number=number)])
                print(number, flush=True)

        await asyncio.gather(*(write_on() for _ in range(writers)))


if __name__ == "__main__":
    asyncio.run(write(Path(sys.argv[1]), int(sys.argv[2])))
