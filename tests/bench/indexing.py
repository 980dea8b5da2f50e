"""A long history: read from the chain, decoded, added up and stored, so that it survives a power cut."""

from __future__ import annotations

import asyncio
import http.client
import json
import time
from contextlib import closing
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench.figures import Figure
from tests.bench.bench_environment import BenchEnvironment
from tests.bench.turns import in_turns_async
from tests.components.anvil import anvil
from tests.components.evm import Contract, Evm
from tests.components.registry import open_pool
from wylloh_server.adapters.chain import ChainLogReader
from wylloh_server.adapters.system_clock import system_clock
from wylloh_server.storage import open_database
from wylloh_server.domain.chain_events import Contracts
from wylloh_server.domain.types import BlockNumber
from wylloh_server.services.operations.event_bus import EventBus
from wylloh_server.services.chain.indexer import Indexer

_ROUNDS = 3
_IN_A_BLOCK = 500


def measure(bench_environment: BenchEnvironment) -> list[Figure]:
    """What a new server needs to know a film that many people have."""
    folder = bench_environment.folder / "indexing"
    folder.mkdir()
    with anvil() as node, closing(Evm(node.url)) as evm:
        registry = _history(evm, bench_environment.scale.chain_events)
        ours, floors = asyncio.run(
            _measured(node.url, registry, bench_environment.scale.chain_events, folder)
        )
    floor = "one eth_getLogs of the same range over a kept connection, its JSON parsed and thrown away"
    return [
        Figure(f"Index {bench_environment.scale.chain_events:,} events", "s", "less", floor, ours, floors)
    ]


def _history(evm: Evm, events: int) -> Contract:
    """Mint to as many wallets as there are events, some hundreds in each block."""
    registry = evm.deploy("Announcer")
    for first in range(0, events, _IN_A_BLOCK):
        data = registry.data("mints", 7, 1_000_000 + first, min(_IN_A_BLOCK, events - first))
        call = {"from": evm.accounts[0], "to": registry.address, "data": data, "gas": hex(12_000_000)}
        assert evm.rpc("eth_sendTransactionSync", call)["status"] == "0x1"
    return registry


async def _measured(url: str, registry: Contract, events: int, folder: Path) -> tuple[tuple[float, ...], ...]:
    question = {"address": registry.address, "fromBlock": "0x0", "toBlock": "latest"}
    asked = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_getLogs", "params": [question]})
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)
    numbers = count()

    async def ours() -> float:
        async with open_database(folder / f"{next(numbers)}.sqlite3") as database, open_pool(url) as pool:
            contracts = Contracts(registry.address, None, None)
            indexer = Indexer(
                logs=ChainLogReader(pool, registry.address, contracts),
                history=database.storage.history,
                index=database.storage.chain_index,
                bus=EventBus(),
                subject="bench",
                start_block=BlockNumber(0),
            )
            begun = time.perf_counter()
            await indexer.catch_up()
            taken = time.perf_counter() - begun
            assert await database.storage.history.count() == events
            return taken

    async def bare() -> float:
        begun = time.perf_counter()
        connection.request("POST", "/", asked, {"Content-Type": "application/json"})
        logs = json.loads(connection.getresponse().read())["result"]
        taken = time.perf_counter() - begun
        assert len(logs) == events
        return taken

    try:
        return await in_turns_async(_ROUNDS, ours, bare)
    finally:
        connection.close()
