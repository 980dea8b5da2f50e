"""How many tokens of many films a wallet holds: batched, through the pool with its failover and checks."""

from __future__ import annotations

import asyncio
import http.client
import json
import secrets
import time
from urllib.parse import urlsplit

from tests.bench.figures import Figure
from tests.bench.theatre import VIEWER, Chain, Theatre
from tests.bench.turns import in_turns_async
from tests.components.registry import CHAIN_ID, open_pool
from wylloh_server.adapters.chain import RegistryChain
from wylloh_server.adapters.chain._wire import balance_query
from wylloh_server.domain.types import TokenReference, wallet_of

_ROUNDS = 15


def measure(theatre: Theatre) -> list[Figure]:
    """What opening the library asks of the chain."""
    ours, floors = asyncio.run(_measured(theatre.chain, theatre.scale.tokens, _ROUNDS))
    floor = "the same eth_call sent bare to the same node over a kept connection, answer not decoded"
    name = f"Holdings of {theatre.scale.tokens} films"
    return [Figure(name, "ms", "less", floor, ours, floors)]


async def _measured(chain: Chain, count: int, rounds: int) -> tuple[tuple[float, ...], ...]:
    wallet = wallet_of(VIEWER.address)
    tokens = [TokenReference(CHAIN_ID, chain.contract, secrets.randbits(256)) for _ in range(count)]
    call = {"to": chain.contract, "data": balance_query(wallet, [token.token_id for token in tokens])}
    asked = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [call, "latest"]})
    connection = http.client.HTTPConnection(urlsplit(chain.rpc).netloc, timeout=30)
    async with open_pool(chain.rpc, contract=chain.contract) as pool:
        reader = RegistryChain(pool, chain.contract)

        async def ours() -> float:
            begun = time.perf_counter()
            await reader.holdings(wallet, tokens)
            return (time.perf_counter() - begun) * 1000

        async def bare() -> float:
            begun = time.perf_counter()
            connection.request("POST", "/", asked, {"Content-Type": "application/json"})
            json.loads(connection.getresponse().read())
            return (time.perf_counter() - begun) * 1000

        await ours()  # connects, and checks chain and contract once
        try:
            return await in_turns_async(rounds, ours, bare)
        finally:
            connection.close()
