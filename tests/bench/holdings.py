"""How many tokens of many films a wallet holds, and where that stands on their ladders: what the library asks."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.bench_environment import VIEWER, BenchEnvironment
from tests.bench.turns import in_turns_async
from tests.components.registry import CHAIN_ID, LADDER
from wylloh_server.domain.chain_events import LadderChanged, LogPosition, ZERO_ADDRESS, TokensTransferred
from wylloh_server.domain.ports.chain import BlockHeader, BlockRange, ChainHead
from wylloh_server.domain.types import BlockNumber, Timestamp, TokenReference, parse_wallet
from wylloh_server.storage import open_database

_ROUNDS = 15
_FIRST = BlockHeader(BlockNumber(1), "0x" + "01" * 32, Timestamp(0))


def measure(bench_environment: BenchEnvironment) -> list[Figure]:
    """What opening the library asks of the projections."""
    folder = bench_environment.folder / "holdings"
    folder.mkdir()
    ours, floors = asyncio.run(
        _measured(folder / "holdings.sqlite3", bench_environment.scale.tokens, _ROUNDS)
    )
    floor = "the same join by sqlite3 over a kept connection, ladders not decoded"
    name = f"Holdings of {bench_environment.scale.tokens} films"
    return [Figure(name, "ms", "less", floor, ours, floors)]


async def _measured(place: Path, count: int, rounds: int) -> tuple[tuple[float, ...], ...]:
    wallet = parse_wallet(VIEWER.address)
    contract = parse_wallet("0x" + "c0" * 20)
    tokens = [TokenReference(CHAIN_ID, contract, secrets.randbits(256)) for _ in range(count)]
    async with open_database(place) as database:
        mark = LogPosition(_FIRST.number, _FIRST.hash, _FIRST.hash, 0, _FIRST.at)
        ladders = [LadderChanged(mark, token, LADDER) for token in tokens]
        minted = [TokensTransferred(mark, token, ZERO_ADDRESS, wallet, 5) for token in tokens[::2]]
        stretch = BlockRange(_FIRST.number, "", (_FIRST,), (*ladders, *minted))
        await database.storage.chain_index.extend(stretch, ChainHead(_FIRST, _FIRST.number))

        async def ours() -> float:
            begun = time.perf_counter()
            stacks = await database.storage.stacks.stacks(wallet, tokens)
            taken = (time.perf_counter() - begun) * 1000
            assert len(stacks) == count
            return taken

        with closing(sqlite3.connect(place)) as connection:
            joined = (
                "SELECT films.token, films.ladder, balances.amount FROM chain_films AS films LEFT JOIN"
                " chain_balances AS balances ON balances.token = films.token AND balances.wallet = ?"
            )

            async def bare() -> float:
                begun = time.perf_counter()
                connection.execute(joined, (bytes.fromhex(wallet[2:]),)).fetchall()
                return (time.perf_counter() - begun) * 1000

            await ours()
            return await in_turns_async(rounds, ours, bare)
