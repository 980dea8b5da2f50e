"""The first library page after a start: films of the chain, nothing cached, every node far away."""

from __future__ import annotations

import asyncio
import http.client
import json
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench.figures import Figure
from tests.bench.servers import wait_until_quiet, write_settings, wylloh
from tests.bench.stored_films import store_films
from tests.bench.bench_environment import PUBLISHER, VIEWER, BenchEnvironment, first_visit
from tests.bench.turns import in_turns, seconds
from tests.bench.bench_client import BenchClient
from tests.components.anvil import anvil
from tests.components.evm import Evm
from tests.components.registry import CHAIN_ID, LADDER, SHA256
from tests.components.rpc_proxy import rpc_proxy
from wylloh_server.adapters.chain import registry_calls
from wylloh_server.adapters.chain.registry_calls import NewFilm
from wylloh_server.adapters.ipfs import GatewayPool, IpfsPackages, open_block_store
from wylloh_server.domain.film import Description, Film, FilmState, TokenOrigin, film_id_for
from wylloh_server.domain.types import Cid, TokenReference, Wallet, parse_wallet

_ROUNDS = 3
_DELAY = 0.08
"""Seconds; what an RPC provider on another continent takes for each request."""
_SYNC_SECONDS = 300
_FLOOR = "one eth_blockNumber over the same line"


def measure(bench_environment: BenchEnvironment) -> list[Figure]:
    """Measure the first page of somebody who holds a token of every film: at once, and when all has started."""
    folder, count = bench_environment.folder / "cold", bench_environment.scale.gated_films
    root = asyncio.run(_package(folder))
    with anvil() as node, closing(Evm(node.url)) as evm:
        contract, films = _registered(evm, root, count)
        asyncio.run(store_films(folder / "data", films))
        chain = {"id": CHAIN_ID, "contract": contract, "poll_seconds": 1}
        cookies = _signed_in(bench_environment, folder, {**chain, "rpc": [node.url]}, evm)
        at_once, at_rest, floors = asyncio.run(_measured(bench_environment, folder, chain, cookies, node.url))
    name = f"Library page, {count} films, cold, RPC of {_DELAY * 1000:.0f} ms"
    return [
        Figure(f"{name}, at the first answer", "ms", "less", _FLOOR, at_once, floors),
        Figure(f"{name}, at rest", "ms", "less", _FLOOR, at_rest, floors),
    ]


async def _package(folder: Path) -> Cid:
    """Store a small package, so that the films are complete and no download is due."""
    files = folder / "files"
    files.mkdir(parents=True)
    (files / "feature.enc").write_bytes(b"film")
    store = await open_block_store(folder / "data" / "blocks")
    try:
        return await IpfsPackages(store, GatewayPool(None, ())).add_folder(files)
    finally:
        await store.close()


def _registered(evm: Evm, root: Cid, count: int) -> tuple[Wallet, list[Film]]:
    """Register films, give the viewer a token of each, and return the contract and the films."""
    publisher, viewer = (parse_wallet(account.address) for account in (PUBLISHER, VIEWER))
    contract = Wallet(evm.deploy("FilmRegistry", publisher, by=publisher).address)
    films = []
    for number in range(count):
        token = TokenReference(CHAIN_ID, contract, registry_calls.new_token_id(publisher))
        new = NewFilm(token, root, SHA256, 10_000, publisher, 500, LADDER)
        for call in (registry_calls.create_film(new), registry_calls.mint(token, viewer, 1)):
            evm.send(contract, call.data, by=publisher)
        origin = TokenOrigin(token, root, publisher, SHA256)
        about = Description(f"Film {number:04}")
        films.append(Film(film_id_for(str(token)), about, origin, FilmState.READY, 1.0))
    return contract, films


def _signed_in(
    bench_environment: BenchEnvironment, folder: Path, chain: dict[str, object], evm: Evm
) -> dict[str, str]:
    """Run the server until it has read the chain, and return the cookies of a viewer who signed in."""
    newest = int(evm.rpc("eth_blockNumber"), 16)
    settings = write_settings(folder, bench_environment.port, chain=chain)
    with first_visit(settings, bench_environment.port, films=bench_environment.scale.gated_films) as (
        running,
        bench_client,
    ):
        running.wait_for(partial(_has_read, folder / "data" / "wylloh.sqlite3", newest), _SYNC_SECONDS)
        return bench_client.cookies


def _has_read(file: Path, block: int) -> bool:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        (head,) = database.execute("SELECT max(head) FROM chain_state").fetchone()
    return head is not None and head >= block


async def _measured(
    bench_environment: BenchEnvironment,
    folder: Path,
    chain: dict[str, object],
    cookies: dict[str, str],
    node: str,
) -> tuple[tuple[float, ...], ...]:
    async with rpc_proxy(node) as proxy:
        proxy.delay = _DELAY
        settings = write_settings(folder, bench_environment.port, chain={**chain, "rpc": [proxy.url]})
        return await asyncio.to_thread(
            in_turns,
            min(_ROUNDS, bench_environment.scale.rounds),
            partial(_first_page, settings, bench_environment, cookies),
            partial(_first_page, settings, bench_environment, cookies, at_rest=True),
            partial(_one_request, proxy.url),
        )


def _first_page(
    settings: Path, bench_environment: BenchEnvironment, cookies: dict[str, str], *, at_rest: bool = False
) -> float:
    """Start the server and return the milliseconds of its first page."""
    pages: list[bytes] = []
    with (
        wylloh(settings, bench_environment.port) as running,
        BenchClient(f"http://127.0.0.1:{bench_environment.port}", cookies) as bench_client,
    ):
        if at_rest:
            wait_until_quiet(running, bench_environment.scale.settle_seconds)
        taken = seconds(lambda: pages.append(bench_client.get("/")))
    if b"Film 0000" not in pages[0]:
        raise RuntimeError(f"the page lacks the first film: {pages[0][:2000]!r}")
    return taken * 1000


def _one_request(url: str) -> float:
    asked = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []})
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(parts.netloc, timeout=30)) as connection:

        def ask() -> None:
            connection.request("POST", parts.path, asked, {"Content-Type": "application/json"})
            connection.getresponse().read()

        ask()  # connects
        return seconds(ask) * 1000
