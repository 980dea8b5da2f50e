"""Open pages hear what happens to films and on chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.services.chain.chain_updates import ChainUpdates
from wylloh_server.services.operations.live_updates import publish_film_updates

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from wylloh_server.app.adapters import Adapters
    from wylloh_server.services.operations.event_bus import EventBus
    from wylloh_server.services.operations.live_updates import LiveUpdates


async def notify_open_pages(
    live: LiveUpdates, adapters: Adapters, bus: EventBus, stack: AsyncExitStack
) -> None:
    """Notify open pages until the stack closes."""
    publish_film_updates(live, bus)
    storage = adapters.database.storage
    news = ChainUpdates(live=live, history=storage.history, cursors=storage.cursors, bus=bus)
    await stack.enter_async_context(news.running())
