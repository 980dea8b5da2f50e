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
from wylloh_server.adapters.database import open_database
from wylloh_server.testing import CONTRACTS, SampleChain
from wylloh_store.ledger import Ledger
from wylloh_store.tables import MIGRATIONS


async def goods_after_a_reorg(place):
    """Let things happen, take some back, and give what the ledger says."""
    async with open_database(place) as database:
        chain = SampleChain(database.storage, CONTRACTS)
        answer_store(SimpleNamespace(chain=chain))
        await database.plugins.migrate("store", MIGRATIONS)
        ledger = Ledger(SimpleNamespace(tables=database.plugins.tables("store"), chain=chain.view))
        whole = 2**256 - 1
        await chain.happen(
            [created(1, whole), ladder(1), minted(1, whole), offer(1, (1, 499), (10, 450))], None
        )
        await chain.happen([*listed(1, 7, 30, 250), *sold(1, VIEWER, 12, 450)], None)
        while await ledger.read_on() is not None:
            pass
        await chain.happen([*sold(1, VIEWER, 5, 250, listing=7, seller=HOLDER)], None)
        while await ledger.read_on() is not None:
            pass
        await chain.take_back(1)
        while await ledger.read_on() is not None:
            pass
        (one,) = (await ledger.goods([str(token(1))])).values()
        return one


async def test_both_databases_say_the_same(tmp_path):
    with postgres() as cluster:
        name = f"test_{uuid.uuid4().hex}"
        connection = await asyncpg.connect(cluster)
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()
        there = await goods_after_a_reorg(cluster.rpartition("/")[0] + f"/{name}")
    here = await goods_after_a_reorg(tmp_path / "wylloh.sqlite3")
    assert there == here
    assert (here.minted, here.listings[0].left) == (2**256 - 1, 30)
