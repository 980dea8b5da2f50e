"""What single commands need of the server, without its pages."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from wylloh_server.adapters.chain import PoolContractReader, RegistryChain
from wylloh_server.adapters.files.upload_files import EncryptedUploads
from wylloh_server.adapters.http.client import http_client
from wylloh_server.app.adapters import UPLOADS, configured_contracts, open_adapters
from wylloh_server.app.chain_sync import build_indexer, follows_chain
from wylloh_server.app.publishing import build_publisher_removal
from wylloh_server.app.rpc import rpc_pool
from wylloh_server.app.services import (
    HealthSources,
    build_downloader,
    build_film_sync,
    build_health_sources,
    build_probes,
    build_publishing,
    build_rights,
)
from wylloh_server.domain.chain_events import NOTHING_READ
from wylloh_server.domain.errors import WyllohError
from wylloh_server.services.chain.payee_check import PayeeCheck
from wylloh_server.services.operations.event_bus import EventBus
from wylloh_server.services.operations.health import run_checks
from wylloh_server.services.operations.live_updates import LiveUpdates
from wylloh_server.services.operations.public_address import check_public_address
from wylloh_server.storage import open_database
from wylloh_server.storage.database import Storage
from wylloh_server.storage.engine import sqlite_file

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wylloh_server.adapters.chain import RpcPool
    from wylloh_server.config import Settings
    from wylloh_server.domain.ports.chain import ContractReader
    from wylloh_server.domain.types import Wallet
    from wylloh_server.services.chain.indexer import Indexer
    from wylloh_server.services.operations.health import Check
    from wylloh_server.services.publishing.film_packaging import FilmPackaging
    from wylloh_server.services.retrieval.film_sync import FilmSync
    from wylloh_server.services.retrieval.ingest import Downloader
    from wylloh_server.storage.films import FilmRepository

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class PublishingCommandServices:
    """What `film publish` works with."""

    publishing: FilmPackaging
    payees: PayeeCheck
    pool: RpcPool


@dataclass(frozen=True, slots=True)
class FilmCommandServices:
    """What `film pull` and `film list` work with."""

    stored: FilmRepository
    indexer: Indexer
    film_sync: FilmSync
    downloader: Downloader


@asynccontextmanager
async def open_publishing(settings: Settings) -> AsyncIterator[PublishingCommandServices]:
    """Open what publishing needs."""
    async with open_adapters(settings) as adapters:
        rights = build_rights(settings, adapters, EventBus())
        packaging = build_publishing(settings, adapters, rights)
        payees = PayeeCheck(configured_contracts(settings), adapters.database.storage.coins)
        yield PublishingCommandServices(packaging, payees, adapters.pool)


@asynccontextmanager
async def open_films(settings: Settings) -> AsyncIterator[FilmCommandServices]:
    """Open the library and what fetches films into it."""
    async with open_adapters(settings) as adapters:
        rights = build_rights(settings, adapters, EventBus())
        stored, bus = adapters.database.storage.films, EventBus()
        yield FilmCommandServices(
            stored,
            build_indexer(settings, adapters, bus),
            build_film_sync(adapters, bus),
            build_downloader(adapters, rights, bus),
        )


async def remove_account(settings: Settings, storage: Storage, wallet: Wallet) -> None:
    """Forget a wallet that owns nothing here, beside a server that may be running: see `AccessRemoval`.

    A running server ends what plays on its devices, and its open pages, when it finds the sessions gone.
    """
    await storage.accounts.remove(wallet)
    await storage.sessions.remove_of(wallet)
    await storage.personal_data.remove_of(wallet)
    # Nothing is read or written, so the secret of the uploads is not needed.
    uploads = EncryptedUploads(settings.server.data / UPLOADS, b"")
    await build_publisher_removal(storage, uploads, LiveUpdates()).forget(wallet)


async def check_everything(settings: Settings) -> tuple[Check, ...]:
    """Run every check. Opens hardly anything, so that what is broken is one failed check among others."""
    async with AsyncExitStack() as stack:
        storage = await _open_storage(settings, stack)
        http = await stack.enter_async_context(http_client())
        pool = await stack.enter_async_context(rpc_pool(settings))
        known = _health_sources(settings, storage, PoolContractReader(pool))
        probes = build_probes(settings, http, RegistryChain(pool), known)
        return await run_checks({**probes, "Address": partial(_check_address, settings)})


async def _check_address(settings: Settings) -> str:
    async def resolve(name: str) -> object:
        return await asyncio.get_running_loop().getaddrinfo(name, None)

    return await check_public_address(settings.server.public_url, settings.server.host, resolve)


async def _open_storage(settings: Settings, stack: AsyncExitStack) -> Storage | Exception | None:
    """Open the database once for all checks; return why it does not open, or None where no server has run."""
    try:
        file = sqlite_file(settings.database_url)
        if file is not None and not file.exists():
            return None  # asking must make no database
        return (await stack.enter_async_context(open_database(settings.database_url))).storage
    except (WyllohError, OSError) as error:
        return error


def _health_sources(
    settings: Settings, storage: Storage | Exception | None, reader: ContractReader
) -> HealthSources:
    if isinstance(storage, Storage):
        return build_health_sources(settings, storage, reader)

    async def answer(without: _T) -> _T:
        if isinstance(storage, Exception):
            raise storage
        return without

    history = NOTHING_READ if follows_chain(settings) else None
    return HealthSources(
        film_counts=partial(answer, {}),
        history=partial(answer, history),
        held_back=partial(answer, ()),
        wrong_keys=partial(answer, ()),
        reader=reader,
    )
