"""Films written into a server's database in one transaction, as if they had come one by one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import insert

from wylloh_server.domain.film import Film
from wylloh_server.storage import open_database
from wylloh_server.storage.films import film_row
from wylloh_server.storage.tables import films


async def store_films(data: Path, stored: Iterable[Film]) -> None:
    """Add films to the database in a data folder. Saving them one by one waits for the disk each time."""
    async with open_database(data / "wylloh.sqlite3") as database:
        async with database.storage.films._connections.writing() as connection:
            await connection.execute(insert(films), [film_row(film) for film in stored])
