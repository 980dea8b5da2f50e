"""Keeps the shop true to the library and the chain, in the background: pages never wait for it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wylloh_server.sdk import (
    ChainAdvanced,
    ChainError,
    FilmAdded,
    FilmDescribed,
    FilmReady,
    FilmRemoved,
    NotFound,
)
from wylloh_store.ledger import Ledger
from wylloh_store.market import Market
from wylloh_store.shop import Shop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterable

    from wylloh_server.sdk import Event, Film, FilmId, PluginContext, Wallet
    from wylloh_store.goods import Goods

TOPIC = "plugin:store"
"""The live topic of everything the store shows."""

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
"""Seconds until something that failed is tried again; doubled each time."""
_GRACE = 0.7
"""Seconds for a step that is being done when the server stops: a question to the database is not cut off."""
_MOST_TOLD = 100
"""Films whose open pages are told; when more changed at once, nobody looks at one of them."""

_open: dict[int, Keeper] = {}
"""The keepers of running servers, by the identity of their plugin's context: a process can run several."""


def shop_of(context: PluginContext) -> Shop:
    """Give the shop of a running server."""
    return _open[id(context)].shop


def keeper_of(context: PluginContext) -> Keeper:
    """Give who keeps it."""
    return _open[id(context)]


@asynccontextmanager
async def keeping(context: PluginContext) -> AsyncIterator[None]:
    """Open the shop with what is known already, and keep it until the context ends."""
    keeper = Keeper(context)
    await keeper.open()
    work = asyncio.create_task(keeper.work())
    _open[id(context)] = keeper
    try:
        yield
    finally:
        del _open[id(context)]
        keeper.stop()
        await asyncio.wait({work}, timeout=_GRACE)
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work


@dataclass(slots=True)
class _News:
    """What is to be looked at."""

    chain: bool = False
    films: set[FilmId] = field(default_factory=set)
    gone: set[FilmId] = field(default_factory=set)

    def __bool__(self) -> bool:
        return self.chain or bool(self.films) or bool(self.gone)


class Keeper:
    """Does one thing after the other, so that what comes in meanwhile is collected and done at once."""

    def __init__(self, context: PluginContext) -> None:
        self.shop = Shop()
        self._context = context
        self._ledger = Ledger(context)
        self._news = _News(chain=True)
        self._bell = asyncio.Event()
        self._bell.set()
        self._idle = self._stopping = False
        self._unread: set[Wallet] = set()

    async def open(self) -> None:
        """Fill the shelves from the library and from what was read of the chain before."""
        goods = await self._ledger.goods()
        self._unread = _coins_in(goods.values())
        await self._read_clock()
        await self.shop.set_goods(goods, goods)
        cards = await self._context.library.films(None)
        await self.shop.show_films([card.film for card in cards])

    def hear(self, event: Event) -> None:
        """Note what has to be looked at. Never waits: the plugin's queue stays short."""
        match event:
            case ChainAdvanced():
                self._news.chain = True
            case FilmAdded(film=film) | FilmDescribed(film=film) | FilmReady(film=film):
                self._news.films.add(film)
                self._news.gone.discard(film)
            case FilmRemoved(film=film):
                self._news.gone.add(film)
                self._news.films.discard(film)
            case _:
                return
        self._idle = False
        self._bell.set()

    @property
    def idle(self) -> bool:
        """Whether everything heard of so far is on the shelves."""
        return self._idle

    def stop(self) -> None:
        """Let `work` end after the step it is doing."""
        self._stopping = True
        self._bell.set()

    async def work(self) -> None:
        """Keep the shop until stopped. What fails is tried again; meanwhile the shop shows what it knew."""
        pause = _FIRST_PAUSE
        while True:
            await self._bell.wait()
            self._bell.clear()
            if self._stopping:
                return
            news, self._news = self._news, _News()
            try:
                await self._look(news)
            except Exception as error:  # noqa: BLE001 - nothing may end this
                self._put_back(news)
                self._context.log.warning("the store is behind", reason=str(error), again_in_seconds=pause)
                await asyncio.sleep(pause)
                pause = min(_LONGEST_PAUSE, 2 * pause)
                continue
            pause = _FIRST_PAUSE
            self._idle = not self._news

    async def _look(self, news: _News) -> None:
        if news.gone:
            await self.shop.take_away(news.gone)
        if news.films:
            await self.shop.show_films(
                [film for film_id in news.films if (film := await self._film(film_id))]
            )
        if (news.chain and await self._read_chain()) or news.films or news.gone:
            self._context.live.changed(TOPIC)

    async def _film(self, film_id: FilmId) -> Film | None:
        try:
            return await self._context.library.film(film_id)
        except NotFound:
            return None  # it left again before this was heard

    async def _read_chain(self) -> bool:
        """Take in all that is new; say whether the shop shows something else now."""
        changed = self.shop.reading
        while not self._stopping and (touched := await self._ledger.read_on()) is not None:
            changed = True
            self.shop.holdings.forget()
            goods = await self._ledger.goods(touched)
            self._unread |= _coins_in(goods.values()) - self.shop.coins.keys()
            await self.shop.set_goods(goods, touched)
            self._tell(touched)
        await self._read_clock()
        changed |= await self._read_coins()
        await self._read_fee()
        self.shop.reading = False
        return changed

    async def _read_clock(self) -> None:
        state = await self._context.chain.state()
        if state.at is not None:
            self.shop.set_clock(state.at)

    async def _read_coins(self) -> bool:
        """Ask for the names of new coins. One that cannot be read now is asked for at the next look."""
        read = False
        for address in tuple(self._unread):
            with suppress(ChainError):
                await self.shop.add_coin(await self._context.chain.coin(address))
                self._unread.discard(address)
                read = True
        return read

    async def _read_fee(self) -> None:
        """Ask what the store takes; its owner may change that."""
        if self._context.chain.contracts.store is not None:
            with suppress(ChainError):
                self.shop.fee_basis_points = await Market(self._context).fee_basis_points()

    def _tell(self, tokens: Collection[str]) -> None:
        """Let the open pages of these films draw themselves anew."""
        if not self.shop.reading and len(tokens) <= _MOST_TOLD:
            films = [film for token in tokens if (film := self.shop.film_of(token))]
            self._context.live.changed(*(f"film:{film.id}" for film in films))

    def _put_back(self, news: _News) -> None:
        self._news.chain |= news.chain
        self._news.films |= news.films - self._news.gone
        self._news.gone |= news.gone - self._news.films
        self._bell.set()


def _coins_in(goods: Iterable[Goods]) -> set[Wallet]:
    found: set[Wallet] = set()
    for one in goods:
        found |= {listing.coin for listing in one.listings} | ({one.offer.coin} if one.offer else set())
    return found
