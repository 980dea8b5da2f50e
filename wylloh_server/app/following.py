"""What follows the chain, and what plugins ask of it, put together."""

from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING

from wylloh_server.adapters.chain import ChainHistory, PoolReader
from wylloh_server.adapters.clock import system_clock
from wylloh_server.app.outside import contract_of, contracts_of
from wylloh_server.domain.types import BlockNumber, ChainId, Seconds
from wylloh_server.services.caretaker import repeating
from wylloh_server.services.indexer import INDEX, Indexer
from wylloh_server.services.onchain import OnChain

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from wylloh_server.app.outside import Outside
    from wylloh_server.config import Settings
    from wylloh_server.domain.onchain import IndexState
    from wylloh_server.domain.ports.history import History
    from wylloh_server.domain.ports.world import Jobs
    from wylloh_server.services.bus import Bus

_KEY = "chain"


def build_onchain(settings: Settings, outside: Outside) -> OnChain:
    """Build what plugins ask of the chain."""
    return OnChain(
        contracts=contracts_of(settings),
        history=outside.database.storage.history,
        coins=outside.database.storage.coins,
        reader=PoolReader(outside.pool),
        chain_id=ChainId(settings.chain.id),
        explorer=settings.chain.explorer,
    )


def build_indexer(settings: Settings, outside: Outside, bus: Bus) -> Indexer:
    """Build what follows the chain."""
    contracts, storage = contracts_of(settings), outside.database.storage
    start_block = BlockNumber(settings.chain.start_block)
    return Indexer(
        logs=ChainHistory(outside.pool, contract_of(settings), contracts),
        history=storage.history,
        index=storage.chain_index,
        bus=bus,
        clock=system_clock,
        subject=f"chain {settings.chain.id}, from block {start_block}: {astuple(contracts)}",
        start_block=start_block,
    )


def follows_chain(settings: Settings) -> bool:
    """Say whether there is a chain to follow."""
    return bool(settings.chain.rpc and settings.chain.contract)


async def index_state(settings: Settings, history: History) -> IndexState | None:
    """Say how far the chain has been read; None if none is followed."""
    return await history.state() if follows_chain(settings) else None


def register_following(settings: Settings, indexer: Indexer, jobs: Jobs) -> None:
    """Name what follows the chain as durable background work: one job that ends only with the server."""
    every = Seconds(settings.chain.poll_seconds)
    if follows_chain(settings):
        jobs.register(INDEX, lambda _: indexer.follow(every))


async def start_following(settings: Settings, jobs: Jobs, stack: AsyncExitStack) -> None:
    """Begin to follow the chain, and see to it that the job never stays ended."""
    if follows_chain(settings):
        every = Seconds(settings.chain.poll_seconds)
        work = repeating("starting to follow the chain", lambda: jobs.start(INDEX, _KEY), every)
        await stack.enter_async_context(work)
