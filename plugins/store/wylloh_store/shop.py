"""The shop of one running server: its titles, and how they are found. Others keep it true, see `keeper`."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from wylloh_server.sdk import Timestamp
from wylloh_store.catalogue import Catalogue
from wylloh_store.goods import Goods
from wylloh_store.search import TextIndex
from wylloh_store.titles import title_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from wylloh_server.sdk import Coin, Film, FilmId, Wallet
    from wylloh_store.catalogue import Found
    from wylloh_store.titles import Title
    from wylloh_store.wish import Wish

_MOST_KEPT = 500
"""Viewers whose holdings are remembered."""
_IN_ONE_BREATH = 200
"""Titles worked out before others may use the event loop."""


class Holdings:
    """What viewers hold, remembered until the chain has changed."""

    def __init__(self) -> None:
        self.version = 0
        self._kept: dict[Wallet, Mapping[str, int]] = {}

    def of(self, wallet: Wallet) -> Mapping[str, int] | None:
        """Give what is remembered of a wallet."""
        return self._kept.get(wallet)

    def keep(self, wallet: Wallet, held: Mapping[str, int], version: int) -> None:
        """Remember what a wallet held when `version` was; what has changed since is not remembered."""
        if version == self.version:
            if len(self._kept) >= _MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[wallet] = held

    def forget(self) -> None:
        """The chain has changed."""
        self.version += 1
        self._kept.clear()


class Shop:
    """Everything for sale, as of the last block the server has read.

    Attributes:
        coins: every coin in which something is offered, as far as it could be read.
        reading: whether the chain's past has not been taken in yet.
        fee_basis_points: the store's part of each sale; None while nobody could say.
        holdings: what viewers hold.
    """

    def __init__(self) -> None:
        self.coins: dict[Wallet, Coin] = {}
        self.reading = True
        self.fee_basis_points: int | None = None
        self.holdings = Holdings()
        self._catalogue = Catalogue()
        self._text = TextIndex()
        self._films: dict[str, Film] = {}
        self._goods: dict[str, Goods] = {}
        self._changing: dict[FilmId, float] = {}
        self._ahead = 0.0

    @property
    def now(self) -> float:
        """The moment prices are shown for: this machine's time, or the chain's where that is ahead."""
        return max(time.time(), self._ahead)

    def set_clock(self, chain_time: float) -> None:
        """Take note of the newest block's time."""
        self._ahead = chain_time

    def goods(self, film: Film) -> Goods | None:
        """Give what the chain says about a film's tokens; None for a film from a folder."""
        if film.token is None:
            return None
        return self._goods.get(str(film.token)) or Goods(film.token, Timestamp(0))

    def film_of(self, token: object) -> Film | None:
        """Find the film of a token reference, if the library has it."""
        return self._films.get(str(token))

    def films(self) -> Collection[Film]:
        """Give every film with a token that the library has."""
        return self._films.values()

    def title(self, film: FilmId) -> Title | None:
        """Find a title, as of now."""
        self._let_time_pass()
        return self._catalogue.get(film)

    def find(
        self, wish: Wish, holdings: Mapping[str, int] | None = None, viewer: Wallet | None = None
    ) -> Found:
        """Search the catalogue, for somebody who holds some tokens, by their references."""
        self._let_time_pass()
        ranked = self._text.search(wish.text, max(1, len(self._catalogue))) if wish.text else None
        held = {token: number for token, number in (holdings or {}).items() if token in self._films}
        within = {
            self._films[token].id: self._within(self._films[token], number, viewer)
            for token, number in held.items()
        }
        return self._catalogue.find(wish, ranked, within)

    def _within(self, film: Film, holding: int, viewer: Wallet | None) -> dict[str, str]:
        """Give the rights of a film that somebody who holds some has, or can buy what is missing for."""
        goods, now = self.goods(film), self.now
        if goods is None or goods.ladder is None:
            return {}
        offered = goods.without(viewer)
        return {
            tier.right: tier.name
            for tier in goods.ladder.tiers
            if tier.threshold <= holding or offered.cost(tier.threshold - holding, now)
        }

    async def show_films(self, films: Iterable[Film]) -> None:
        """Put films on the shelves, or what is said about them now. Those without a token stay outside."""
        placed = []
        for number, film in enumerate(films):
            if film.token is None:
                continue
            self._films[str(film.token)] = film
            placed.append((self._shelve(film), film))
            if number % _IN_ONE_BREATH == 0:
                await asyncio.sleep(0)
        if placed:
            await asyncio.to_thread(self._text.put, placed)

    async def take_away(self, films: Collection[FilmId]) -> None:
        """Take films off the shelves."""
        for token in [token for token, film in self._films.items() if film.id in films]:
            del self._films[token]
        for film in films:
            self._changing.pop(film, None)
        places = [place for film in films if (place := self._catalogue.drop(film)) is not None]
        if places:
            await asyncio.to_thread(self._text.drop, places)

    async def add_coin(self, coin: Coin) -> None:
        """Get to know a coin, and show prices in it."""
        self.coins[coin.address] = coin
        await self.set_goods(self._goods, [token for token in self._films if token in self._goods])

    async def set_goods(self, goods: Mapping[str, Goods], tokens: Iterable[str]) -> None:
        """Take note of what the chain says now about some tokens; those without goods are not for sale."""
        for number, token in enumerate(tokens):
            if token in goods:
                self._goods[token] = goods[token]
            else:
                self._goods.pop(token, None)
            if token in self._films:
                self._shelve(self._films[token])
            if number % _IN_ONE_BREATH == 0:
                await asyncio.sleep(0)

    def _shelve(self, film: Film) -> int:
        goods, now = self.goods(film), self.now
        assert goods is not None  # noqa: S101 - only films with tokens get here
        change = goods.next_change(now)
        if change is None:
            self._changing.pop(film.id, None)
        else:
            self._changing[film.id] = change
        return self._catalogue.put(title_of(film, goods, self.coins, now))

    def _let_time_pass(self) -> None:
        """Work out the titles anew whose presale or sale has begun since."""
        now = self.now
        due = {film for film, moment in self._changing.items() if moment <= now}
        for title in [self._catalogue.get(film) for film in due]:
            if title is not None:
                self._shelve(title.film)
