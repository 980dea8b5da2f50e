"""Keeps the index up to date with the library and the chain, in the background: pages never wait for it."""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from wylloh_server.sdk import (
    ChainAdvanced,
    ChainError,
    EventQuery,
    FilmAdded,
    FilmDescribed,
    FilmReady,
    FilmRemoved,
    NotFound,
    PollLoop,
    StoreFeeChanged,
)
from wylloh_store.index import StoreIndex
from wylloh_store.projection import StoreProjection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterable, Mapping
    from contextlib import AbstractAsyncContextManager

    from wylloh_server.sdk import Event, Film, FilmId, PluginContext, Wallet
    from wylloh_store.offer import FilmMarket

TOPIC = "plugin:store"
"""The live topic of everything the store shows."""

_MOST_TOPICS = 100
"""Films whose open pages are notified; when more changed at once, nobody looks at one of them."""
_MOST_FEES = 1000


def index_of(context: PluginContext) -> StoreIndex:
    """Return the index of a running server."""
    return sync_of(context).index


def sync_of(context: PluginContext) -> StoreSync:
    """Return what `lifespan` yielded."""
    sync: StoreSync = context.state
    return sync


@asynccontextmanager
async def synchronized(context: PluginContext) -> AsyncIterator[StoreSync]:
    """Open the store with what is known already, and keep it up to date until the context ends."""
    sync = StoreSync(context)
    await sync.open()
    async with sync.running():
        yield sync


class StoreSync:
    """Keeps the index up to date; what happens during an update is collected for the next one."""

    def __init__(self, context: PluginContext) -> None:
        self.index = StoreIndex()
        self._context = context
        self._projection = StoreProjection(context)
        self._loop = PollLoop(self._poll, context.log, "the store is behind")
        self._chain_changed = True
        self._changed_films: dict[FilmId, bool] = {}
        """Whether the film is in the library now."""
        self._unread_coins: set[Wallet] = set()

    async def open(self) -> None:
        """Fill the index from the library and from what was read of the chain before."""
        markets = await self._projection.markets()
        self._unread_coins = _coins_in(markets.values())
        await self._read_clock()
        await self.index.set_markets(markets, markets)
        cards = await self._context.library.films(None)
        await self.index.put_films([card.film for card in cards])

    def handle_event(self, event: Event) -> None:
        """Record what has changed. Never waits: the plugin's queue stays short."""
        match event:
            case ChainAdvanced():
                self._chain_changed = True
            case FilmAdded(film=film) | FilmDescribed(film=film) | FilmReady(film=film):
                self._changed_films[film] = True
            case FilmRemoved(film=film):
                self._changed_films[film] = False
            case _:
                return
        self._loop.wake()

    @property
    def idle(self) -> bool:
        """Whether everything heard of so far is in the index."""
        return self._loop.idle

    def running(self) -> AbstractAsyncContextManager[None]:
        """Follow the chain and the library until the context ends."""
        return self._loop.running(self._projection.halt)

    async def _poll(self) -> None:
        chain, films = self._chain_changed, self._changed_films
        self._chain_changed, self._changed_films = False, {}
        try:
            await self._update_films(films)
            if (chain and await self._read_chain()) or films:
                self._context.live.changed(TOPIC)
        except Exception:
            self._chain_changed |= chain
            self._changed_films = films | self._changed_films
            raise

    async def _update_films(self, films: Mapping[FilmId, bool]) -> None:
        await self.index.drop_films([film_id for film_id, here in films.items() if not here])
        here = [await self._film(film_id) for film_id, here in films.items() if here]
        await self.index.put_films([film for film in here if film])

    async def _film(self, film_id: FilmId) -> Film | None:
        try:
            return await self._context.library.film(film_id)
        except NotFound:
            return None  # it may have been removed since

    async def _read_chain(self) -> bool:
        """Process all that is new; return whether the index has changed."""
        changed = self.index.reading
        while not self._projection.halted and (events := await self._projection.advance()) is not None:
            if not events:
                continue
            changed = True
            every: Any = events  # every kind read has a token
            touched = {str(event.token) for event in every}
            self.index.forget_holdings()
            markets = await self._projection.markets(touched)
            self._unread_coins |= _coins_in(markets.values()) - self.index.coins.keys()
            await self.index.set_markets(markets, touched)
            self._notify(touched)
        await self._read_clock()
        changed |= await self._read_coins()
        await self._read_fee()
        self.index.reading = False
        return changed

    async def _read_clock(self) -> None:
        state = await self._context.chain.state()
        if state.at is not None:
            self.index.chain_time = state.at

    async def _read_coins(self) -> bool:
        """Read the names of new coins. One that cannot be read now is tried again at the next poll."""
        read = False
        for address in tuple(self._unread_coins):
            with suppress(ChainError):
                await self.index.add_coin(await self._context.chain.coin(address))
                self._unread_coins.discard(address)
                read = True
        return read

    async def _read_fee(self) -> None:
        """Read the store's part of each sale; its owner may change that."""
        found = await self._context.chain.history(EventQuery(kinds=(StoreFeeChanged,), limit=_MOST_FEES))
        fees = [event.basis_points for event in found if isinstance(event, StoreFeeChanged)]
        if fees:
            self.index.fee_basis_points = fees[0]
            self.index.fee_rose = min(fees) < fees[0]

    def _notify(self, tokens: Collection[str]) -> None:
        """Refresh the open pages of these films."""
        if not self.index.reading and len(tokens) <= _MOST_TOPICS:
            films = [film for token in tokens if (film := self.index.films.get(token))]
            self._context.live.changed(*(f"film:{film.id}" for film in films))


def _coins_in(markets: Iterable[FilmMarket]) -> set[Wallet]:
    found: set[Wallet] = set()
    for one in markets:
        found |= {offered.coin for offered in (*one.listings, one.offer, one.ended) if offered}
    return found
