"""Open pages hear what happens to films and on chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.services.live import tell_of_films
from wylloh_server.services.live_chain import ChainNews

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from wylloh_server.app.outside import Outside
    from wylloh_server.services.bus import Bus
    from wylloh_server.services.live import Live


async def tell_open_pages(live: Live, outside: Outside, bus: Bus, stack: AsyncExitStack) -> None:
    """Tell from now on, until the stack closes."""
    tell_of_films(live, bus)
    storage = outside.database.storage
    news = ChainNews(live=live, history=storage.history, cursors=storage.cursors, bus=bus)
    await stack.enter_async_context(news.running())
