"""Pulling a package from another server's gateway: fetched, verified, stored, safe from a power cut."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import time
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.servers import wait_until_quiet, write_settings, wylloh
from tests.bench.bench_environment import BenchEnvironment
from tests.bench.turns import in_turns
from wylloh_server.adapters.ipfs import GatewayPool, IpfsPackages, open_block_store
from wylloh_server.domain.types import Cid
from wylloh_server.adapters.http.client import http_client

_ROUNDS = 3
_FLOOR = "SHA-256 over the same blocks on 1 thread, each written to a file, all synced; no network"


def measure(bench_environment: BenchEnvironment) -> list[Figure]:
    """Two real servers' worth of work on one machine, against hashing and writing alone."""
    bulk, blocks = bench_environment.bulk, _blocks(bench_environment.bulk.folder)
    settings = write_settings(bulk.folder, bench_environment.port)
    with wylloh(settings, bench_environment.port) as gateway:
        wait_until_quiet(gateway, bench_environment.scale.settle_seconds)
        ours, floors = in_turns(
            min(_ROUNDS, bench_environment.scale.rounds),
            lambda: asyncio.run(_pull(bench_environment, bulk.root, bulk.size)),
            lambda: _write(bench_environment.folder / "written", blocks, bulk.size),
        )
    return [Figure("Pull a package from a gateway", "MB/s", "more", _FLOOR, ours, floors)]


async def _pull(bench_environment: BenchEnvironment, root: Cid, size: int) -> float:
    folder = bench_environment.folder / "pulled"
    store = await open_block_store(folder)
    try:
        async with http_client() as http:
            pool = GatewayPool(http, (f"http://127.0.0.1:{bench_environment.port}",))
            begun = time.perf_counter()
            await IpfsPackages(store, pool).pull(root)
            taken = time.perf_counter() - begun
    finally:
        await store.close()
        shutil.rmtree(folder)
    return size / taken / 1e6


def _blocks(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in (folder / "data" / "blocks" / "blocks").glob("*/*")]


def _write(folder: Path, blocks: list[bytes], size: int) -> float:
    folder.mkdir()
    begun = time.perf_counter()
    names = []
    for block in blocks:
        names.append(folder / hashlib.sha256(block).hexdigest())
        names[-1].write_bytes(block)
    for name in (*names, folder):
        descriptor = os.open(name, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
    taken = time.perf_counter() - begun
    shutil.rmtree(folder)
    return size / taken / 1e6
