"""Notifies open pages of new chain events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.domain.events import ChainAdvanced
from wylloh_server.domain.film import film_id_for
from wylloh_server.domain.topics import WALLET, film_topic
from wylloh_server.services.operations.scheduler import run_on_event

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractAsyncContextManager

    from wylloh_server.domain.chain_events import EventChange
    from wylloh_server.services.operations.event_bus import EventBus
    from wylloh_server.services.operations.live_updates import LiveUpdates
    from wylloh_server.storage.chain_history import ChainHistoryRepository
    from wylloh_server.storage.cursors import CursorRepository

_CURSOR = "live"
_AT_ONCE = 500
_MOST_WALLETS = 100
"""When a stretch of history concerns more wallets than this, everybody is told to look."""


class ChainUpdates:
    """Turns new facts, and those a reorg took back, into topics: films, and the wallets that took part."""

    def __init__(
        self, *, live: LiveUpdates, history: ChainHistoryRepository, cursors: CursorRepository, bus: EventBus
    ) -> None:
        self._live = live
        self._history = history
        self._cursors = cursors
        self._bus = bus

    def running(self) -> AbstractAsyncContextManager[None]:
        """Notify open pages until the context ends. The position survives a restart."""
        return run_on_event(self._bus, ChainAdvanced, "telling open pages of the chain", self.publish)

    async def publish(self) -> None:
        """Notify open pages of all new events."""
        cursor = await self._cursors.get(_CURSOR) or 0
        while True:
            changes = await self._history.changes(cursor, limit=_AT_ONCE)
            self._tell(changes.steps)
            if changes.cursor != cursor:
                await self._cursors.put(_CURSOR, changes.cursor)
            cursor = changes.cursor
            if len(changes.steps) < _AT_ONCE:
                return

    def _tell(self, steps: Iterable[EventChange]) -> None:
        events = [step.event for step in steps]
        tokens = {token for event in events if (token := getattr(event, "token", None)) is not None}
        self._live.changed(*(film_topic(film_id_for(str(token))) for token in sorted(tokens)))
        wallets = {wallet for event in events for wallet in event.parties()}
        if len(wallets) > _MOST_WALLETS:
            self._live.changed(WALLET)
            return
        for wallet in sorted(wallets):
            self._live.changed(WALLET, wallet=wallet)
