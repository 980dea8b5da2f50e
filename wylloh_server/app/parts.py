"""What single commands need of the server, without its pages."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.adapters.chain import RegistryChain
from wylloh_server.adapters.database import open_database
from wylloh_server.adapters.ipfs.node_rpc import NodeRpc
from wylloh_server.app.following import follows_chain, index_state
from wylloh_server.app.inside import (
    build_discovery,
    build_probes,
    build_publishing,
    build_puller,
    build_rights,
)
from wylloh_server.app.outside import contract_of, open_outside, rpc_pool
from wylloh_server.domain.onchain import NOTHING_READ
from wylloh_server.services.bus import Bus
from wylloh_server.services.health import run_checks
from wylloh_server.web.client import http_client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wylloh_server.adapters.chain import RpcPool
    from wylloh_server.config import Settings
    from wylloh_server.domain.film import Film
    from wylloh_server.domain.onchain import IndexState
    from wylloh_server.domain.ports.storage import Films as StoredFilms
    from wylloh_server.services.health import Check
    from wylloh_server.services.ingest import Discovery, Puller
    from wylloh_server.services.publishing import Publishing


@dataclass(frozen=True, slots=True)
class Publisher:
    """What `film publish` works with."""

    publishing: Publishing
    pool: RpcPool
    node: NodeRpc | None


@dataclass(frozen=True, slots=True)
class Films:
    """What `film pull` and `film list` work with."""

    stored: StoredFilms
    discovery: Discovery
    puller: Puller


@asynccontextmanager
async def open_publishing(settings: Settings) -> AsyncIterator[Publisher]:
    """Open what publishing needs."""
    async with open_outside(settings) as outside:
        rights = build_rights(settings, outside, Bus())
        node = NodeRpc(settings.ipfs.node_rpc) if settings.ipfs.node_rpc else None
        yield Publisher(build_publishing(settings, outside, rights), outside.pool, node)


@asynccontextmanager
async def open_films(settings: Settings) -> AsyncIterator[Films]:
    """Open the library and what fetches films into it."""
    async with open_outside(settings) as outside:
        rights = build_rights(settings, outside, Bus())
        stored, bus = outside.database.storage.films, Bus()
        yield Films(stored, build_discovery(settings, outside, bus), build_puller(outside, rights, bus))


async def check_everything(settings: Settings) -> tuple[Check, ...]:
    """Run every check. Opens hardly anything, so that what is broken is one failed check among others."""
    # Where no server has run yet, asking must make no database.
    begun = bool(settings.database.url) or settings.database_file.exists()

    async def films() -> tuple[Film, ...]:
        if not begun:
            return ()
        async with open_database(settings.database_url) as database:
            return await database.storage.films.all()

    async def history() -> IndexState | None:
        if not begun:
            return NOTHING_READ if follows_chain(settings) else None
        async with open_database(settings.database_url) as database:
            return await index_state(settings, database.storage.history)

    async with http_client() as http, rpc_pool(settings) as pool:
        return await run_checks(
            build_probes(settings, http, RegistryChain(pool, contract_of(settings)), films, history)
        )
