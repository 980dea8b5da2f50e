"""A process that follows a chain until it is killed, and says each block it has stored."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from wylloh_server.adapters.chain import ChainLogReader, RpcPool
from wylloh_server.adapters.system_clock import system_clock
from wylloh_server.storage import open_database
from wylloh_server.domain.chain_events import Contracts
from wylloh_server.domain.types import BlockNumber, ChainId
from wylloh_server.services.operations.event_bus import EventBus
from wylloh_server.services.chain.indexer import Indexer
from wylloh_server.services.operations.scheduler import repeat_forever


async def follow(place: Path, contracts: Contracts, rpc: str) -> None:
    async with open_database(place) as database, RpcPool([rpc], ChainId(31337)) as pool:
        index, extend = database.storage.chain_index, database.storage.chain_index.extend

        async def told(stretch, head):
            await extend(stretch, head)
            print(stretch.last.number, flush=True)

        index.extend = told
        indexer = Indexer(
            logs=ChainLogReader(pool, contracts.registry, contracts),
            history=database.storage.history,
            index=index,
            bus=EventBus(),
            subject=repr(contracts),
            start_block=BlockNumber(0),
        )
        await repeat_forever("following the chain", indexer.catch_up, 0.01)


if __name__ == "__main__":
    place, registry, store, splitters, rpc = sys.argv[1:]
    asyncio.run(follow(Path(place), Contracts(registry, store, splitters), rpc))
