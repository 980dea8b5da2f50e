"""Follows chain and library in the background, and refreshes open pages when money moved."""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from wylloh_royalties.pending_balances import PendingBalances
from wylloh_royalties.projection import RoyaltiesProjection
from wylloh_server.sdk import (
    ChainAdvanced,
    FilmAdded,
    FilmDescribed,
    FilmRemoved,
    NotFound,
    PollLoop,
    RecipientsChanged,
    SplitterCreated,
    TransactionConfirmed,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from contextlib import AbstractAsyncContextManager

    from wylloh_server.sdk import Event, Film, PluginContext, Wallet

TOPIC = "plugin:royalties"
"""The live topic of the list of splitters. `topic_of` names that of one of them."""
UNKNOWN_FILM = "A film that is not here"

_SHARES = (SplitterCreated, RecipientsChanged)
"""Events that give somebody another share."""
_MOST_TOPICS = 100
"""Splitters whose open pages are notified one by one; when more have changed, all are."""


def sync_of(context: PluginContext) -> SplitterSync:
    """Return what `lifespan` yielded."""
    sync: SplitterSync = context.state
    return sync


def topic_of(splitter: Wallet) -> str:
    """Return the live topic of a splitter's money."""
    return f"{TOPIC}:{splitter}"


@asynccontextmanager
async def synchronized(context: PluginContext) -> AsyncIterator[SplitterSync]:
    """Follow the chain until the context ends."""
    sync = SplitterSync(context)
    for card in await context.library.films(None):
        sync.add_film(card.film)
    async with sync.running():
        yield sync


class SplitterSync:
    """What `lifespan` yields: the projection, the balances of splitters, and the films.

    Attributes:
        projection: who is paid, and how much.
        pending: what is in splitters and not divided yet.
        films: the library's films by token (CAIP-19).
    """

    def __init__(self, context: PluginContext) -> None:
        self.projection = RoyaltiesProjection(context)
        self.pending = PendingBalances(context.chain)
        self.films: dict[str, Film] = {}
        self._context = context
        self._loop = PollLoop(self._poll, context.log, "royalties are behind")

    @property
    def idle(self) -> bool:
        """Whether everything heard of so far is in the tables."""
        return self._loop.idle

    def title(self, token: str) -> str:
        """Return the title of a film by token, also of one that the library lacks."""
        return self.films[token].title if token in self.films else UNKNOWN_FILM

    def add_film(self, film: Film) -> None:
        """Add a film that has a token, or replace it."""
        if film.token is not None:
            self.films[str(film.token)] = film

    async def handle_event(self, event: Event) -> None:
        """Record what has changed; quick, so that the plugin's queue stays short."""
        match event:
            case ChainAdvanced():
                self._loop.wake()
            case TransactionConfirmed(plugin="royalties"):
                self._context.live.changed(TOPIC)
            case FilmAdded(film=film) | FilmDescribed(film=film):
                with suppress(NotFound):  # it may have been removed since
                    self.add_film(await self._context.library.film(film))
            case FilmRemoved(film=film):
                self.films = {token: kept for token, kept in self.films.items() if kept.id != film}

    def running(self) -> AbstractAsyncContextManager[None]:
        """Follow the chain until the context ends."""
        return self._loop.running(self.projection.halt)

    async def _poll(self) -> None:
        while not self.projection.halted and (events := await self.projection.advance()) is not None:
            self._notify(self.projection.touched, shares=any(isinstance(event, _SHARES) for event in events))
        self._notify(await self.pending.refresh(), shares=False)

    def _notify(self, splitters: Iterable[Wallet], *, shares: bool) -> None:
        topics = [topic_of(splitter) for splitter in splitters]
        if len(topics) > _MOST_TOPICS or shares:
            topics = [TOPIC, *topics[:_MOST_TOPICS]]
        if topics:
            self._context.live.changed(*topics)
