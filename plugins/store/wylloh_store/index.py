"""Everything for sale on one running server, and how it is found. `sync` keeps it up to date."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from cachetools import LRUCache

from wylloh_server.sdk import FilmIndex, Timestamp
from wylloh_store.catalog import Catalog
from wylloh_store.offer import FilmMarket
from wylloh_store.store_film import store_film

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from wylloh_server.sdk import Coin, Film, FilmId, Wallet
    from wylloh_store.catalog import Found
    from wylloh_store.search_query import SearchQuery

_MOST_HOLDINGS = 500
"""Viewers whose holdings are remembered."""
_AT_ONCE = 200
"""Films that are indexed before others may use the event loop."""


class StoreIndex:
    """Everything for sale, as of the last block the server has read.

    Attributes:
        films: the library's films by token.
        coins: every coin in which something is offered, as far as it could be read.
        chain_time: the newest block's time.
        reading: whether the chain's past has not been processed yet.
        fee_basis_points: the store's part of each sale; None while it could not be read.
        fee_rose: whether it was less before: prices and offers of then leave the store no more.
        holdings: what viewers hold by token, None for one who is not counted. See `holdings_of`.
    """

    def __init__(self) -> None:
        self.films: dict[str, Film] = {}
        self.coins: dict[Wallet, Coin] = {}
        self.chain_time = 0.0
        self.reading = True
        self.fee_basis_points: int | None = None
        self.fee_rose = False
        self.forget_holdings()
        self._catalog = Catalog()
        self._text = FilmIndex()
        self._markets: dict[str, FilmMarket] = {}
        self._changing: dict[FilmId, float] = {}

    def forget_holdings(self) -> None:
        """Begin with no holdings, in a new cache: what is being counted still goes into the one before."""
        self.holdings: LRUCache[Wallet, Mapping[str, int] | None] = LRUCache(_MOST_HOLDINGS)

    @property
    def now(self) -> float:
        """The moment prices are shown for: this machine's time, or the chain's where that is ahead."""
        return max(time.time(), self.chain_time)

    def market(self, film: Film) -> FilmMarket | None:
        """Return the market of a film's tokens; None for a film from a folder."""
        if film.token is None:
            return None
        return self._markets.get(str(film.token)) or FilmMarket(film.token, Timestamp(0))

    def find(
        self, query: SearchQuery, holdings: Mapping[str, int] | None = None, viewer: Wallet | None = None
    ) -> Found:
        """Search the catalog, for somebody who holds some tokens, by their references."""
        self._update_prices()
        ranked = self._text.search(query.text, max(1, len(self._catalog))) if query.text else None
        within = {
            self.films[token].id: self._within(self.films[token], number, viewer)
            for token, number in (holdings or {}).items()
            if token in self.films
        }
        return self._catalog.find(query, ranked, within)

    def _within(self, film: Film, holding: int, viewer: Wallet | None) -> dict[str, str]:
        """Return the rights of a film that somebody who holds some has, or can buy what is missing for."""
        market, now = self.market(film), self.now
        if market is None or market.ladder is None:
            return {}
        offered = market.without(viewer)
        return {
            tier.right: tier.name
            for tier in market.ladder.tiers
            if tier.threshold <= holding or offered.cost(tier.threshold - holding, now)
        }

    async def put_films(self, films: Iterable[Film]) -> None:
        """Add films, or replace what is known of them. Those without a token are left out."""
        placed = []
        for number, film in enumerate(films):
            if film.token is None:
                continue
            self.films[str(film.token)] = film
            placed.append((self._put(film), film))
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
        if placed:
            await asyncio.to_thread(self._text.put, placed)

    async def drop_films(self, films: Collection[FilmId]) -> None:
        """Remove films."""
        for token in [token for token, film in self.films.items() if film.id in films]:
            del self.films[token]
        for film in films:
            self._changing.pop(film, None)
        places = [place for film in films if (place := self._catalog.drop(film)) is not None]
        if places:
            await asyncio.to_thread(self._text.drop, places)

    async def add_coin(self, coin: Coin) -> None:
        """Add a coin, and show prices in it."""
        self.coins[coin.address] = coin
        await self.set_markets(self._markets, [token for token in self.films if token in self._markets])

    async def set_markets(self, markets: Mapping[str, FilmMarket], tokens: Iterable[str]) -> None:
        """Store the markets of some tokens; those without one are not for sale."""
        for number, token in enumerate(tokens):
            if token in markets:
                self._markets[token] = markets[token]
            else:
                self._markets.pop(token, None)
            if token in self.films:
                self._put(self.films[token])
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)

    def _put(self, film: Film) -> int:
        market, now = self.market(film), self.now
        assert market is not None  # noqa: S101 - only films with tokens get here
        change = market.next_change(now)
        if change is None:
            self._changing.pop(film.id, None)
        else:
            self._changing[film.id] = change
        return self._catalog.put(store_film(film, market, self.coins, now))

    def _update_prices(self) -> None:
        """Put those films again whose presale or sale has begun since."""
        now = self.now
        due = {film for film, moment in self._changing.items() if moment <= now}
        for found in [self._catalog.get(film) for film in due]:
            if found is not None:
                self._put(found.film)
