"""What follows the chain, and what plugins ask of it, put together."""

from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING

from wylloh_server.adapters.chain import ChainLogReader, PoolContractReader
from wylloh_server.app.adapters import configured_contracts, registry_address
from wylloh_server.domain.types import BlockNumber, ChainId
from wylloh_server.services.chain.chain_queries import ChainQueries
from wylloh_server.services.chain.indexer import Indexer

if TYPE_CHECKING:
    from wylloh_server.app.adapters import Adapters
    from wylloh_server.config import Settings
    from wylloh_server.domain.chain_events import IndexState
    from wylloh_server.services.operations.event_bus import EventBus
    from wylloh_server.storage.chain_history import ChainHistoryRepository


def build_onchain(settings: Settings, adapters: Adapters) -> ChainQueries:
    """Build what plugins ask of the chain."""
    return ChainQueries(
        contracts=configured_contracts(settings),
        history=adapters.database.storage.history,
        coins=adapters.database.storage.coins,
        reader=PoolContractReader(adapters.pool),
        chain_id=ChainId(settings.chain.id),
        explorer=settings.chain.explorer,
    )


def build_indexer(settings: Settings, adapters: Adapters, bus: EventBus) -> Indexer:
    """Build what follows the chain."""
    contracts, storage = configured_contracts(settings), adapters.database.storage
    start_block = BlockNumber(settings.chain.start_block)
    return Indexer(
        logs=ChainLogReader(adapters.pool, registry_address(settings), contracts),
        history=storage.history,
        index=storage.chain_index,
        bus=bus,
        subject=f"chain {settings.chain.id}, from block {start_block}: {astuple(contracts)}",
        start_block=start_block,
    )


def follows_chain(settings: Settings) -> bool:
    """Return whether there is a chain to follow."""
    return bool(settings.chain.rpc and settings.chain.contract)


async def index_state(settings: Settings, history: ChainHistoryRepository) -> IndexState | None:
    """Return how far the chain has been read; None if none is followed."""
    return await history.state() if follows_chain(settings) else None
