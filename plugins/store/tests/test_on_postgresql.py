"""The tables on PostgreSQL: the same numbers as on SQLite."""

from __future__ import annotations

import uuid
from types import SimpleNamespace

import asyncpg
from store_samples import (
    HOLDER,
    VIEWER,
    answer_store,
    created,
    ladder,
    listed,
    minted,
    offer,
    sold,
    token,
)

from tests.components.postgres import postgres
from wylloh_server.storage import open_database
from wylloh_server.sdk.testing import CONTRACTS, SampleChain
from wylloh_store.projection import StoreProjection
from wylloh_store.tables import MIGRATIONS


async def market_after_a_reorg(place):
    """Let things happen, take some back, and give what the ledger says."""
    async with open_database(place) as database:
        chain = SampleChain(database.storage, CONTRACTS)
        answer_store(SimpleNamespace(chain=chain))
        await database.plugins.migrate("store", MIGRATIONS)
        ledger = StoreProjection(SimpleNamespace(tables=database.plugins.tables("store"), chain=chain.view))
        whole = 2**256 - 1
        await chain.happen(
            [created(1, whole), ladder(1), minted(1, whole), offer(1, (1, 499), (10, 450))], None
        )
        await chain.happen([*listed(1, 7, 30, 250), *sold(1, VIEWER, 12, 450)], None)
        await ledger.catch_up()
        await chain.happen([*sold(1, VIEWER, 5, 250, listing=7, seller=HOLDER)], None)
        await ledger.catch_up()
        await chain.take_back(1)
        await ledger.catch_up()
        (one,) = (await ledger.markets([str(token(1))])).values()
        return one


async def test_both_databases_say_the_same(tmp_path):
    with postgres() as cluster:
        name = f"test_{uuid.uuid4().hex}"
        connection = await asyncpg.connect(cluster)
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()
        there = await market_after_a_reorg(cluster.rpartition("/")[0] + f"/{name}")
    here = await market_after_a_reorg(tmp_path / "wylloh.sqlite3")
    assert there == here
    assert (here.minted, here.listings[0].left) == (2**256 - 1, 30)
