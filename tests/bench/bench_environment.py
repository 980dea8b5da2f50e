"""What the measurements share, each part made when it is first asked for: a chain, a prepared server, a bulk file."""

from __future__ import annotations

import asyncio
import io
import os
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.bench.scale import Scale
from tests.bench.servers import free_port, wait_until_quiet, write_settings, wylloh
from tests.bench.bench_client import BenchClient
from tests.components.anvil import anvil
from tests.components.films import make_film
from tests.components.registry import ACCOUNTS, CHAIN_ID, LADDER, deployed
from wylloh_server.adapters.chain import registry_calls, sign_manifest
from wylloh_server.adapters.chain.registry_calls import NewFilm
from wylloh_server.adapters.chain.transaction_sender import send
from wylloh_server.adapters.crypto import TinkFilmCipher
from wylloh_server.adapters.files.local_files import local_film
from wylloh_server.adapters.ipfs import GatewayPool, IpfsPackages, open_block_store
from wylloh_server.app import open_publishing
from demo.child_processes import Child
from wylloh_server.config import load_settings
from wylloh_server.domain.film import Description, film_id_for
from wylloh_server.domain.types import Cid, ContentKey, FilmId, TokenReference, Wallet, parse_wallet
from wylloh_server.services.publishing.film_packaging import PublishOrder

PUBLISHER, VIEWER = ACCOUNTS[0], ACCOUNTS[1]
BOUND = b"wylloh-film-v1|bench|feature"
_READY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Chain:
    """A running chain and the registry on it."""

    rpc: str
    contract: Wallet

    @property
    def settings(self) -> dict[str, Any]:
        """The section of a server's settings."""
        return {"rpc": [self.rpc], "id": CHAIN_ID, "contract": self.contract, "poll_seconds": 1}


@dataclass(frozen=True, slots=True)
class Bulk:
    """A large encrypted file as a package in the data folder of a server that can serve it."""

    folder: Path
    root: Cid
    key: ContentKey
    size: int


@dataclass(frozen=True, slots=True)
class HolderServer:
    """A server's folder as it was left: films ready, a viewer signed in, nothing played yet."""

    folder: Path
    port: int
    cookies: dict[str, str]
    sections: dict[str, dict[str, Any]]
    settle_seconds: float

    @contextmanager
    def opened(self) -> Iterator[Child]:
        """Run the server until the context ends, then put its data back; inside, it is quiet.

        It runs where the viewer signed in, because cookies belong to a data folder.
        """
        data, kept = self.folder / "data", self.folder / "kept"
        shutil.copytree(data, kept)
        try:
            with wylloh(write_settings(self.folder, self.port, **self.sections), self.port) as running:
                wait_until_quiet(running, self.settle_seconds)
                yield running
        finally:
            shutil.rmtree(data)
            kept.rename(data)

    def bench_client(self) -> BenchClient:
        """The viewer, back with the cookies of the first visit."""
        return BenchClient(f"http://127.0.0.1:{self.port}", self.cookies)


class BenchEnvironment:
    """Use it as a context manager: at its end nothing is left.

    Args:
        folder: an empty folder for everything; the caller's to delete.
        scale: how much of everything.
    """

    def __init__(self, folder: Path, scale: Scale) -> None:
        self.folder = folder
        self.scale = scale
        self.port = free_port()
        self._stack = ExitStack()

    def __enter__(self) -> BenchEnvironment:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @cached_property
    def chain(self) -> Chain:
        """A chain with a registry."""
        rpc = self._stack.enter_context(anvil()).url
        return Chain(rpc, asyncio.run(_deploy(rpc)))

    @cached_property
    def film(self) -> Path:
        """A film as a plain file, in a folder of its own."""
        folder = self.folder / "films"
        folder.mkdir()
        scale = self.scale
        return make_film(folder / "Plain.mp4", scale.film_seconds, size=scale.film_size, subtitles=False)

    @cached_property
    def cinema(self) -> HolderServer:
        """A server with the film twice: encrypted and gated by tokens, and as the plain file in its folder."""
        folder = self.folder / "cinema"
        folder.mkdir()
        sections = {
            "chain": self.chain.settings,
            "library": {"folders": [str(self.film.parent)], "pull": "all"},
        }
        settings = write_settings(folder, self.port, **sections)
        asyncio.run(_publish(settings, self.film, self.gated))
        with first_visit(settings, self.port, films=2) as (_, bench_client):
            return HolderServer(folder, self.port, bench_client.cookies, sections, self.scale.settle_seconds)

    @cached_property
    def gated(self) -> TokenReference:
        """The token of the encrypted film."""
        token_id = registry_calls.new_token_id(parse_wallet(PUBLISHER.address))
        return TokenReference(CHAIN_ID, self.chain.contract, token_id)

    @property
    def films(self) -> dict[str, FilmId]:
        """The cinema's films by the way they are kept."""
        return {"encrypted": film_id_for(str(self.gated)), "folder": folder_film(self.cinema.folder / "data")}

    @cached_property
    def bulk(self) -> Bulk:
        """A large encrypted file, packed into the data folder of a server."""
        return asyncio.run(_pack(self.folder / "bulk", self.scale.bulk_bytes))


@contextmanager
def first_visit(settings: Path, port: int, films: int) -> Iterator[tuple[Child, BenchClient]]:
    """Run a server until the context ends; inside, its films are ready and a visitor has claimed it."""
    with wylloh(settings, port) as running, BenchClient(f"http://127.0.0.1:{port}") as bench_client:
        wait_for_films(running, settings.parent / "data", films)
        bench_client.sign_in(VIEWER, re.search(r"claim=([A-Z0-9]+)", running.said())[1])
        yield running, bench_client


def folder_film(data: Path) -> FilmId:
    """Return the id of the one film that a server has from a folder."""
    with closing(sqlite3.connect(f"file:{data / 'wylloh.sqlite3'}?mode=ro", uri=True)) as database:
        ((film,),) = database.execute("SELECT id FROM films WHERE path IS NOT NULL").fetchall()
    return FilmId(film)


def wait_for_films(running: Child, data: Path, count: int) -> None:
    """Wait until so many films can be played."""

    def ready() -> bool:
        with closing(sqlite3.connect(f"file:{data / 'wylloh.sqlite3'}?mode=ro", uri=True)) as database:
            return database.execute("SELECT count(*) FROM films WHERE state = 'ready'").fetchone() == (count,)

    running.wait_for(ready, _READY_SECONDS)


async def _deploy(rpc: str) -> Wallet:
    async with deployed(rpc) as registry:
        return registry.contract


async def _publish(settings: Path, film: Path, token: TokenReference) -> None:
    publisher = parse_wallet(PUBLISHER.address)
    loaded = load_settings(settings)
    async with open_publishing(loaded) as holder_server:
        order = PublishOrder(
            film=local_film(film),
            description=Description("Encrypted"),
            token=token,
            publisher=publisher,
            custodian_url=loaded.server.public_url,
        )
        staged = await holder_server.publishing.stage(order)
        root = await holder_server.publishing.finish(
            staged, sign_manifest(PUBLISHER, token, staged.manifest_sha256)
        )
        new = NewFilm(token, root, staged.manifest_sha256, 10_000, publisher, 500, LADDER)
        await send(holder_server.pool, registry_calls.create_film(new), PUBLISHER)
        await send(holder_server.pool, registry_calls.mint(token, parse_wallet(VIEWER.address), 1), PUBLISHER)
        await holder_server.publishing.discard(staged)


async def _pack(folder: Path, size: int) -> Bulk:
    cipher, staging = TinkFilmCipher(), folder / "staging"
    staging.mkdir(parents=True)
    key = cipher.new_key()
    with (staging / "feature.enc").open("wb") as target:
        await asyncio.to_thread(cipher.encrypt, io.BytesIO(os.urandom(size)), target, key, BOUND)
    store = await open_block_store(folder / "data" / "blocks")
    try:
        root = await IpfsPackages(store, GatewayPool(None, ())).add_folder(staging)
    finally:
        await store.close()
    shutil.rmtree(staging)
    return Bulk(folder, root, key, size)
