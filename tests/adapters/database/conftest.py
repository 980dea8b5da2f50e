from __future__ import annotations

import uuid

import asyncpg
import pytest

from tests.components.postgres import postgres
from wylloh_server.adapters.database import open_database


@pytest.fixture(scope="session")
def cluster():
    with postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
async def place(request, tmp_path):
    """Where a new, empty database is: a file for SQLite, a URL for PostgreSQL."""
    if request.param == "sqlite":
        return tmp_path / "wylloh.db"
    return await _new_database(request.getfixturevalue("cluster"))


@pytest.fixture
async def database(place):
    async with open_database(place) as database:
        yield database


@pytest.fixture
def storage(database):
    return database.storage


async def _new_database(cluster: str) -> str:
    name = f"test_{uuid.uuid4().hex}"
    connection = await asyncpg.connect(cluster)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
    finally:
        await connection.close()
    return cluster.rpartition("/")[0] + f"/{name}"
