"""Films and their money: which pay a splitter, what sales brought to it, and whom one's own films pay."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_royalties.messages import OTHER_TRANSFERS, counted
from wylloh_royalties.payees import Receiver, receiver_at
from wylloh_royalties.projection import ROYALTY, SALE
from wylloh_royalties.splitter_sync import TOPIC, sync_of
from wylloh_server.sdk import (
    EventQuery,
    FilmCreated,
    InvalidValue,
    Page,
    format_percent,
    parse_address,
    require_viewer,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wylloh_royalties.coins import Coins
    from wylloh_royalties.projection import Balance, Income, Payee
    from wylloh_royalties.splitter_sync import SplitterSync
    from wylloh_server.sdk import Film, PluginContext, PluginRequest, Reply, Wallet

_MOST_FILMS = 200
_ABOUT = {SALE: "first sales", ROYALTY: "resales"}


@dataclass(frozen=True, slots=True)
class PayingFilm:
    """A film whose money a splitter gets, and of which sales."""

    title: str
    film: Film | None
    sales: str


@dataclass(frozen=True, slots=True)
class Earned:
    """What came in of one coin from one film, in words; empty texts for nothing."""

    title: str
    film: Film | None
    sales: str
    resales: str
    together: str


@dataclass(frozen=True, slots=True)
class PublishedFilm:
    """Whom one of one's own films pays. `sale` is None while it is not sold."""

    title: str
    film: Film | None
    sale: Receiver | None
    royalty: Receiver
    royalty_share: str


async def films_line(sync: SplitterSync, splitter: Wallet) -> str:
    """Name the films whose money a splitter gets, in a few words; empty if there is none."""
    return counted([film.title for film in paying_films(sync, await sync.projection.paying(splitter))])


def paying_films(sync: SplitterSync, payees: Iterable[Payee]) -> list[PayingFilm]:
    """Put together by film which sales pay."""
    kinds: defaultdict[str, list[str]] = defaultdict(list)
    for payee in payees:
        kinds[payee.token].append(_ABOUT[payee.kind])
    films = [
        PayingFilm(sync.title(token), sync.films.get(token), " and ".join(sorted(about)))
        for token, about in kinds.items()
    ]
    return sorted(films, key=_by_title)


def earned(
    sync: SplitterSync,
    incomes: Iterable[Income],
    balances: Iterable[Balance],
    pending: Mapping[Wallet, int | None],
    coins: Coins,
) -> list[Earned]:
    """Return what came into a splitter from which film, and what from elsewhere.

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
    lines = []
    for (token, coin), by_kind in sums.items():
        sales, resales = (
            coins.written(by_kind[kind], coin) if by_kind[kind] else "" for kind in (SALE, ROYALTY)
        )
        together = coins.written(sum(by_kind.values()), coin)
        lines.append(Earned(sync.title(token), sync.films.get(token), sales, resales, together))
    rest = [coin for coin in coins.ordered(other) if other[coin] > 0 and pending.get(coin, 0) is not None]
    return sorted(lines, key=_by_title) + [
        Earned(OTHER_TRANSFERS, None, "", "", coins.written(other[coin], coin)) for coin in rest
    ]


async def own_films(context: PluginContext, request: PluginRequest) -> Reply:
    """Show whom the viewer's own films pay, and what an address in the query is."""
    viewer, sync = require_viewer(request), sync_of(context)
    typed, error, looked = request.query.get("address", ""), None, None
    try:
        looked = await receiver_at(context, parse_address(typed)) if typed.strip() else None
    except InvalidValue as problem:
        error = problem
    facts = await context.chain.history(
        EventQuery(kinds=(FilmCreated,), wallet=viewer.wallet, limit=_MOST_FILMS)
    )
    created = [fact for fact in facts if isinstance(fact, FilmCreated)]
    payees = await sync.projection.payees([str(fact.token) for fact in created])
    values = {
        "films": await _own_films(context, sync, created, payees),
        "typed": typed,
        "looked": looked,
        "percents": [format_percent(share.basis_points) for share in looked.shares] if looked else (),
        "error": error,
        "topic": TOPIC,
    }
    return Page("films.html", values, status=400 if error else 200)


async def _own_films(
    context: PluginContext, sync: SplitterSync, created: Iterable[FilmCreated], payees: Iterable[Payee]
) -> list[PublishedFilm]:
    sales = {payee.token: payee.receiver for payee in payees if payee.kind == SALE}
    addresses = dict.fromkeys([*sales.values(), *(fact.royalty_receiver for fact in created)])
    receivers = {address: await receiver_at(context, address) for address in addresses}
    films = [
        PublishedFilm(
            sync.title(token),
            sync.films.get(token),
            receivers[sales[token]] if token in sales else None,
            receivers[fact.royalty_receiver],
            format_percent(fact.royalty_basis_points),
        )
        for fact in created
        for token in (str(fact.token),)
    ]
    return sorted(films, key=_by_title)


def _by_title(row: PayingFilm | Earned | PublishedFilm) -> tuple[bool, str]:
    """Sort rows by title, films that the library lacks last."""
    return row.film is None, row.title.casefold()
