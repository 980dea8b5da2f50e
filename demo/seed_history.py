"""What happened before today: three months of presales, sales, resales, gifts and payouts, always the same.

The sums come out right by themselves because every one is a real transaction; only the time is set.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from demo.demo_films import CATALOGUE, LIGHT, ROYALTY_PERCENT
from demo.seed_market import FEE
from wylloh_server.sdk import ZERO_ADDRESS
from wylloh_store.sale_terms import SaleTerms

if TYPE_CHECKING:
    from demo.demo_films import DemoFilm
    from demo.seed_ledger import SeedLedger
    from demo.seed_market import SeedMarket
    from wylloh_server.domain.types import TokenReference, Wallet

DAY = 86_400
_WEEK = 7
_CENT = 10_000
"""A cent in the demo dollar's smallest unit: it has six decimals."""
_UNLIMITED = 2**255
_OFFER = "setOffer(uint256,(address,address,uint64,uint64,uint256,(uint256,uint256)[]),uint16)"
_AGREED = "(address,uint256,uint256,bytes32)"


@dataclass(frozen=True, slots=True)
class SeedTransaction:
    """One thing somebody does, `days` ago."""

    days: float
    kind: str
    who: Wallet
    film: DemoFilm
    count: int = 0
    listing: int = 0


@dataclass(frozen=True, slots=True)
class SeedHistory:
    """Everything needed to make it happen."""

    ledger: SeedLedger
    market: SeedMarket
    tokens: dict[str, TokenReference]
    today: float

    async def happen(self, since: float, until: float) -> None:
        """Do what was done more than `until` and at most `since` days ago, in its order."""
        for deed in seed_transactions(self.market):
            if until < deed.days <= since:
                await self.ledger.at(self.today - deed.days * DAY)
                await getattr(self, f"_{deed.kind}")(deed)

    async def _buy(self, deed: SeedTransaction) -> None:
        token = self.tokens[deed.film.key].token_id
        agreed = self._agreed(deed, self.market.publisher, self.market.splitter)
        await self._call(deed.who, f"buy(uint256,uint256,{_AGREED})", token, deed.count, agreed)

    async def _list(self, deed: SeedTransaction) -> None:
        token, price = self.tokens[deed.film.key].token_id, deed.film.price * 9 // 10 * _CENT
        terms = (token, deed.count, self.market.coin, price, FEE, 0)
        await self._call(deed.who, "list(uint256,uint256,address,uint256,uint16,uint256)", *terms)

    async def _take(self, deed: SeedTransaction) -> None:
        seller = self.market.cinema
        agreed = self._agreed(deed, seller, seller, royalty=ROYALTY_PERCENT * 100)
        await self._call(deed.who, f"buyListed(uint256,uint256,{_AGREED})", deed.listing, deed.count, agreed)

    async def _cancel(self, deed: SeedTransaction) -> None:
        await self._call(deed.who, "cancel(uint256)", deed.listing)

    async def _give(self, deed: SeedTransaction) -> None:
        token = self.tokens[deed.film.key]
        values = (deed.who, self.market.cinema, token.token_id, deed.count, b"")
        function = "safeTransferFrom(address,address,uint256,uint256,bytes)"
        await self.ledger.call(deed.who, token.contract, function, *values)

    async def _share(self, deed: SeedTransaction) -> None:
        await self.ledger.call(deed.who, self.market.splitter, "distribute(address)", self.market.coin)

    async def _withdraw(self, deed: SeedTransaction) -> None:
        function = "withdraw(address,address)"
        await self.ledger.call(deed.who, self.market.splitter, function, deed.who, self.market.coin)

    def _agreed(
        self, deed: SeedTransaction, seller: Wallet, payee: Wallet, *, royalty: int = 0
    ) -> tuple[object, ...]:
        """Return what the buyer agrees to: any price, at any time, with the parts as they are."""
        token, market = self.tokens[deed.film.key], self.market
        terms = SaleTerms(
            chain_id=token.chain_id,
            store=market.store,
            token_id=token.token_id,
            listing=deed.listing,
            seller=seller,
            payee=payee,
            coin=market.coin,
            fee_basis_points=FEE,
            royalty_receiver=market.splitter if royalty else ZERO_ADDRESS,
            royalty_basis_points=royalty,
        )
        return market.coin, _UNLIMITED, _UNLIMITED, terms.hash

    async def _call(self, who: Wallet, function: str, *arguments: object) -> None:
        await self.ledger.call(who, self.market.store, function, *arguments)


async def put_on_sale(
    ledger: SeedLedger, market: SeedMarket, film: DemoFilm, token: TokenReference, today: float
) -> None:
    """Mint a film's stock into the store and set its price, a week of presale first where it had one."""
    opened = int(today - film.days * DAY)
    sale = opened + (_WEEK * DAY if film.presale else 0)
    steps = ((1, film.price * _CENT), (50, film.price * 85 // 100 * _CENT))
    offer = (market.splitter, market.coin, opened, sale, film.presale * _CENT, steps)
    publisher = market.publisher
    mint = "mint(address,uint256,uint256)"
    await ledger.call(publisher, market.registry, mint, market.store, token.token_id, film.stock)
    await ledger.call(publisher, market.store, _OFFER, token.token_id, offer, FEE)


def seed_transactions(market: SeedMarket) -> tuple[SeedTransaction, ...]:
    """Return the whole past in its order: what the four wallets did, and what others bought."""
    told = [*_collector(market), *_cinema(market), *_crowd(market), *_payouts(market)]
    return tuple(sorted(told, key=lambda deed: -deed.days))


def _collector(market: SeedMarket) -> list[SeedTransaction]:
    """Buy early, stack up for small venues, collect one film in bulk: 120 of Light in the end."""
    films = {film.key: film for film in CATALOGUE}
    who = market.collector
    bought = [
        (89, "light", 1),
        (82, "colony", 2),
        (68, "coastline", 50),
        (60, "light", 9),
        (55, "row-by-row", 3),
        (41, "light", 90),
        (40, "coastline", 201),
        (33, "three-corners", 5),
        (18, "light", 20),
        (9, "dusk", 1),
    ]
    return [SeedTransaction(days, "buy", who, films[key], count) for days, key, count in bought]


def _cinema(market: SeedMarket) -> list[SeedTransaction]:
    """A cinema buys enough for its hall and streams one film, and sells again what it does not need."""
    who = market.cinema
    light, colony, dusk = LIGHT, CATALOGUE[1], CATALOGUE[5]
    return [
        SeedTransaction(87, "buy", who, light, 100),
        SeedTransaction(78, "buy", who, colony, 120),
        SeedTransaction(50, "buy", who, light, 150),
        SeedTransaction(44, "list", who, light, 60, listing=1),
        SeedTransaction(19, "buy", who, dusk, 60),
        SeedTransaction(17, "buy", who, dusk, 360),
        SeedTransaction(12, "list", who, colony, 40, listing=2),
        SeedTransaction(5, "list", who, dusk, 10, listing=3),
        SeedTransaction(4, "cancel", who, dusk, listing=3),
    ]


def _crowd(market: SeedMarket) -> list[SeedTransaction]:
    """Return the purchases of others, on days from a fixed seed, some from the cinema's listings."""
    chance = random.Random(7)  # noqa: S311 - the same past every time, and nothing to keep secret
    bought = []
    for number in range(52):
        film = chance.choice(CATALOGUE)
        days = chance.uniform(1, film.days - 1.5)
        who, count = market.crowd[number % len(market.crowd)], chance.choice((1, 1, 1, 2, 3, 5, 12))
        bought.append(SeedTransaction(days, "buy", who, film, count))
    taken = [
        SeedTransaction(days, "take", who, film, count, listing)
        for days, who, film, count, listing in (
            (43, market.crowd[0], LIGHT, 10, 1),
            (39, market.crowd[1], LIGHT, 15, 1),
            (27, market.crowd[2], LIGHT, 5, 1),
            (15, market.crowd[3], LIGHT, 8, 1),
            (11, market.crowd[1], CATALOGUE[1], 6, 2),
            (7, market.crowd[4], CATALOGUE[1], 4, 2),
            (3, market.crowd[0], LIGHT, 3, 1),
        )
    ]
    gifts = [SeedTransaction(2.5, "give", market.collector, CATALOGUE[2], 1)]
    return [*bought, *taken, *gifts]


def _payouts(market: SeedMarket) -> list[SeedTransaction]:
    """Income is divided every three weeks; the makers take theirs out now and then."""
    shared = [SeedTransaction(days, "share", market.publisher, LIGHT) for days in (70, 49, 28, 8)]
    taken = [SeedTransaction(days, "withdraw", market.makers[0], LIGHT) for days in (48.5, 7.5)]
    return [*shared, *taken, SeedTransaction(27, "withdraw", market.makers[1], LIGHT)]
