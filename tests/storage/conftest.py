from __future__ import annotations

import uuid
from importlib import resources

import asyncpg
import pytest
from alembic import command
from alembic.config import Config

from tests.components.postgres import postgres
from wylloh_server.storage import open_database


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
async def new_place(place, request, tmp_path):
    """Where another empty database of the same kind is."""
    if isinstance(place, str):
        return await _new_database(request.getfixturevalue("cluster"))
    return tmp_path / "new.db"


@pytest.fixture
async def database(place):
    async with open_database(place) as database:
        yield database


@pytest.fixture
def storage(database):
    return database.storage


def upgrade_to(connection, revision):
    """Run the migrations as far as an older version had them."""
    config = Config()
    config.attributes["connection"] = connection
    config.set_main_option("script_location", str(resources.files("wylloh_server.storage") / "migrations"))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, revision)


async def _new_database(cluster: str) -> str:
    name = f"test_{uuid.uuid4().hex}"
    connection = await asyncpg.connect(cluster)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
    finally:
        await connection.close()
    return cluster.rpartition("/")[0] + f"/{name}"
