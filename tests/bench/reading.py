"""Reading a whole encrypted film from the block store: every block verified, every segment decrypted."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from concurrent.futures import ThreadPoolExecutor

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.bench.figures import Figure
from tests.bench.bench_environment import BOUND, Bulk, BenchEnvironment
from tests.bench.turns import in_turns
from wylloh_server.adapters.crypto import TinkFilmCipher
from wylloh_server.adapters.ipfs import GatewayPool, IpfsPackages, open_block_store

_ROUNDS = 3
_BLOCK = 1 << 20
_TAG = 16
_NONCE = bytes(12)


def measure(bench_environment: BenchEnvironment) -> list[Figure]:
    """The way playback reads, against bare hashing and decryption on one thread and on all."""
    bulk, threads = bench_environment.bulk, os.cpu_count() or 1
    bare = _Bare(bulk.size)
    ours, single, many = in_turns(
        min(_ROUNDS, bench_environment.scale.rounds),
        lambda: asyncio.run(_read(bulk)),
        lambda: bare.rate(1),
        lambda: bare.rate(threads),
    )
    name, floor = (
        "Read an encrypted film: verify and decrypt",
        "SHA-256 and AES-GCM over as many bytes in memory",
    )
    return [
        Figure(f"{name} 1 thread", "MB/s", "more", f"{floor}, on 1 thread", ours, single),
        Figure(f"{name} {threads} threads", "MB/s", "more", f"{floor}, on {threads} threads", ours, many),
    ]


async def _read(bulk: Bulk) -> float:
    """MB/s, through the same port and in the same steps as ffmpeg's reads during playback."""
    store = await open_block_store(bulk.folder / "data" / "blocks")
    try:
        sealed = await IpfsPackages(store, GatewayPool(None, ())).open_file(bulk.root, "feature.enc")
        film = TinkFilmCipher().open(sealed, bulk.key, BOUND)
        begun, position = time.perf_counter(), 0
        while data := await film.read(position, _BLOCK):
            position += len(data)
        taken = time.perf_counter() - begun
        await film.close()
    finally:
        await store.close()
    if position != bulk.size:
        raise RuntimeError(f"read {position} of {bulk.size} bytes")
    return position / taken / 1e6


class _Bare:
    """As many bytes in memory, sealed in the same steps."""

    def __init__(self, size: int) -> None:
        self._aead = AESGCM(os.urandom(32))
        self._size = size
        steps = range(0, size, _BLOCK - _TAG)
        self._sealed = [
            self._aead.encrypt(_NONCE, os.urandom(min(_BLOCK - _TAG, size - at)), None) for at in steps
        ]

    def rate(self, threads: int) -> float:
        """MB/s of hashing and decrypting everything."""
        begun = time.perf_counter()
        with ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(self._one, self._sealed):
                pass
        return self._size / (time.perf_counter() - begun) / 1e6

    def _one(self, sealed: bytes) -> None:
        hashlib.sha256(sealed).digest()
        self._aead.decrypt(_NONCE, sealed, None)
