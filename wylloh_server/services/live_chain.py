"""Tells open pages what happened on chain, as the history learns of it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import WyllohError
from wylloh_server.domain.events import ChainAdvanced
from wylloh_server.domain.film import film_id_of
from wylloh_server.domain.onchain import NOBODY
from wylloh_server.domain.topics import WALLET, film_topic

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from wylloh_server.domain.events import Event
    from wylloh_server.domain.onchain import Change
    from wylloh_server.domain.ports.history import History
    from wylloh_server.domain.ports.storage import Cursors
    from wylloh_server.domain.types import Wallet
    from wylloh_server.services.bus import Bus
    from wylloh_server.services.live import Live

_log = logging.getLogger(__name__)

_CURSOR = "live"
_AT_ONCE = 500
_MOST_WALLETS = 100
"""When a stretch of history concerns more wallets than this, everybody is told to look."""

_PARTIES = ("sender", "receiver", "buyer", "seller", "recipient", "publisher", "owner")


class ChainNews:
    """Turns new facts, and those a reorg took back, into topics: films, and the wallets that took part."""

    def __init__(self, *, live: Live, history: History, cursors: Cursors, bus: Bus) -> None:
        self._live = live
        self._history = history
        self._cursors = cursors
        self._advanced = asyncio.Event()
        bus.subscribe(self._heard)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Tell until the context ends. How far was told survives a restart."""
        self._advanced.set()
        task = asyncio.create_task(self._work(), name="telling of the chain")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def tell(self) -> None:
        """Tell all that is new."""
        cursor = await self._cursors.get(_CURSOR) or 0
        while True:
            changes = await self._history.changes(cursor, limit=_AT_ONCE)
            self._tell(changes.steps)
            if changes.cursor != cursor:
                await self._cursors.put(_CURSOR, changes.cursor)
            cursor = changes.cursor
            if len(changes.steps) < _AT_ONCE:
                return

    def _heard(self, event: Event) -> None:
        if isinstance(event, ChainAdvanced):
            self._advanced.set()

    async def _work(self) -> None:
        while True:
            await self._advanced.wait()
            self._advanced.clear()
            try:
                await self.tell()
            except WyllohError as problem:
                _log.warning("open pages do not hear of the chain: %s", problem)

    def _tell(self, steps: Iterable[Change]) -> None:
        events = [step.event for step in steps]
        tokens = {token for event in events if (token := getattr(event, "token", None)) is not None}
        self._live.changed(*(film_topic(film_id_of(str(token))) for token in sorted(tokens)))
        wallets = {wallet for event in events for wallet in _parties(event)}
        if len(wallets) > _MOST_WALLETS:
            self._live.changed(WALLET)
            return
        for wallet in sorted(wallets):
            self._live.changed(WALLET, wallet=wallet)


def _parties(event: object) -> Iterable[Wallet]:
    named = (getattr(event, name, None) for name in _PARTIES)
    return (wallet for wallet in named if wallet is not None and wallet != NOBODY)
