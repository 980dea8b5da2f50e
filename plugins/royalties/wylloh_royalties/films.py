"""Films and their money: which pay a splitter, what sales brought to it, and whom one's own films pay."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_royalties.addresses import address_of
from wylloh_royalties.asking import viewer_of
from wylloh_royalties.keeper import TOPIC, keeper_of
from wylloh_royalties.ledger import ROYALTY, SALE
from wylloh_royalties.receivers import Receiver, receiver_at
from wylloh_royalties.shares import percent
from wylloh_royalties.words import counted
from wylloh_server.sdk import FilmCreated, InvalidValue, Page

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wylloh_royalties.coins import Coins
    from wylloh_royalties.keeper import Keeper
    from wylloh_royalties.ledger import Balance, Income, Payee
    from wylloh_server.sdk import Film, PluginContext, PluginRequest, Reply, Wallet

_MOST_FILMS = 200
_ABOUT = {SALE: "first sales", ROYALTY: "resales"}


@dataclass(frozen=True, slots=True)
class PayingFilm:
    """A film whose money a splitter gets; `says` of which sales."""

    title: str
    film: Film | None
    says: str


@dataclass(frozen=True, slots=True)
class Earned:
    """What came in of one coin from one film, in words; empty texts for nothing."""

    title: str
    film: Film | None
    sales: str
    resales: str
    together: str


@dataclass(frozen=True, slots=True)
class OwnFilm:
    """Whom one of one's own films pays. `sale` is None while it is not sold."""

    title: str
    film: Film | None
    sale: Receiver | None
    royalty: Receiver
    royalty_share: str


async def films_line(keeper: Keeper, splitter: Wallet) -> str:
    """Name the films whose money a splitter gets, in a few words; empty if there is none."""
    return counted([film.title for film in paying_films(keeper, await keeper.ledger.paying(splitter))])


def paying_films(keeper: Keeper, payees: Iterable[Payee]) -> list[PayingFilm]:
    """Put together by film which sales pay."""
    kinds: defaultdict[str, list[str]] = defaultdict(list)
    for payee in payees:
        kinds[payee.token].append(_ABOUT[payee.kind])
    films = [
        PayingFilm(keeper.titles.title(token), keeper.titles.film(token), " and ".join(sorted(about)))
        for token, about in kinds.items()
    ]
    return sorted(films, key=lambda film: (film.film is None, film.title.casefold()))


def earned(
    keeper: Keeper,
    incomes: Iterable[Income],
    balances: Iterable[Balance],
    pending: Mapping[Wallet, int | None],
    coins: Coins,
) -> list[Earned]:
    """Say what came into a splitter from which film, and what from elsewhere.

    All that came in is what was set aside and what is not divided yet. What of it no sale in the store
    explains are other transfers; they are left out of a coin whose undivided part nobody can say.
    """
    sums: defaultdict[tuple[str, Wallet], dict[str, int]] = defaultdict(lambda: {SALE: 0, ROYALTY: 0})
    other: defaultdict[Wallet, int] = defaultdict(int)
    for balance in balances:
        other[balance.coin] += balance.credited
    for coin, amount in pending.items():
        other[coin] += amount or 0
    for income in incomes:
        sums[income.token, income.coin][income.kind] += income.amount
        other[income.coin] -= income.amount
    lines = [_earned(keeper, token, by_kind, coin, coins) for (token, coin), by_kind in sums.items()]
    lines.sort(key=lambda line: (line.film is None, line.title.casefold()))
    rest = [coin for coin in coins.ordered(other) if other[coin] > 0 and pending.get(coin, 0) is not None]
    return lines + [
        Earned("Other transfers", None, "", "", coins.written(other[coin], coin)) for coin in rest
    ]


def _earned(keeper: Keeper, token: str, by_kind: Mapping[str, int], coin: Wallet, coins: Coins) -> Earned:
    sales, resales = (coins.written(part, coin) if part else "" for part in (by_kind[SALE], by_kind[ROYALTY]))
    together = coins.written(sum(by_kind.values()), coin)
    return Earned(keeper.titles.title(token), keeper.titles.film(token), sales, resales, together)


async def own_films(context: PluginContext, request: PluginRequest) -> Reply:
    """Show whom the viewer's own films pay; an address in the query is looked at, too."""
    viewer, keeper = viewer_of(request), keeper_of(context)
    typed, error, looked = request.query.get("address", ""), None, None
    try:
        looked = await receiver_at(context, address_of(typed)) if typed.strip() else None
    except InvalidValue as problem:
        error = problem
    facts = await context.chain.history(kinds=(FilmCreated,), wallet=viewer.wallet, limit=_MOST_FILMS)
    created = [fact for fact in facts if isinstance(fact, FilmCreated)]
    payees = await keeper.ledger.payees([str(fact.token) for fact in created])
    values = {
        "films": await _own_films(context, keeper, created, payees),
        "typed": typed,
        "looked": looked,
        "percents": [percent(share.basis_points) for share in looked.shares] if looked else (),
        "error": error,
        "topic": TOPIC,
    }
    return Page("films.html", values, status=400 if error else 200)


async def _own_films(
    context: PluginContext, keeper: Keeper, created: Iterable[FilmCreated], payees: Iterable[Payee]
) -> list[OwnFilm]:
    sales = {payee.token: payee.receiver for payee in payees if payee.kind == SALE}
    known: dict[Wallet, Receiver] = {}

    async def receiver(address: Wallet) -> Receiver:
        if address not in known:
            known[address] = await receiver_at(context, address)
        return known[address]

    found = []
    for fact in created:
        token = str(fact.token)
        sale = await receiver(sales[token]) if token in sales else None
        royalty = await receiver(fact.royalty_receiver)
        title, film = keeper.titles.title(token), keeper.titles.film(token)
        found.append(OwnFilm(title, film, sale, royalty, percent(fact.royalty_basis_points)))
    return sorted(found, key=lambda own: (own.film is None, own.title.casefold()))
