"""Who may look at what, and at which time and coin they do.

What is on chain everybody can read, so everybody who is signed in may see charts of it. What is watched on
this server is shown to the film's publisher, and to owners and admins.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from wylloh_analytics.queries import TotalsQueries
from wylloh_analytics.time_buckets import HOURS, date_of, hour_of, period_of, usual
from wylloh_analytics.totals import EVERYTHING
from wylloh_analytics.view import View
from wylloh_server.sdk import ChainError, Coin, FilmId, InvalidValue, Role, parse_wallet, short_address

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from wylloh_analytics.time_buckets import ChartPeriod
    from wylloh_server.sdk import Film, PluginContext, PluginRequest, Viewer, Wallet

_SMALLEST_UNITS = 0


@dataclass(frozen=True, slots=True)
class Subject:
    """The films somebody looks at.

    Attributes:
        title: the film's, or what several are called.
        path: its address, below the plugin's own.
        scope: under which their sums are kept; None when nothing is.
        viewing: whose plays may be seen; None all of them.
        on_chain: whether the chain has anything to say about them.
        film: if it is one film.
        mine: whether these are only the viewer's own films, where there are others.
        may_choose: whether the viewer may choose between their own films and all.
    """

    title: str
    path: str
    scope: int | None
    viewing: Collection[FilmId] | None
    on_chain: bool
    film: Film | None = None
    mine: bool = False
    may_choose: bool = False


@dataclass(frozen=True, slots=True)
class RequestScope:
    """What one request is about: the films, and the view of them.

    Attributes:
        asked: what other addresses on the page take along.
        typed: the two dates as somebody typed them, where they cannot be used.
        wrong: why they cannot.
    """

    subject: Subject
    view: View
    asked: Mapping[str, str] = field(default_factory=dict)
    typed: tuple[str, str] = ("", "")
    wrong: InvalidValue | None = None

    def address(self, path: str = "", **changed: str) -> str:
        """Return the URL of the same films, time and coin, with `changed` applied; empty ones left out."""
        query = {name: value for name, value in (dict(self.asked) | changed).items() if value}
        base = f"/plugins/analytics/{self.subject.path}"
        whole = "/".join(filter(None, (base.rstrip("/"), path))) if path else base
        return f"{whole}?{urlencode(query)}" if query else whole


async def read_scope(
    context: PluginContext, request: PluginRequest, *, lenient: bool = False
) -> RequestScope:
    """Find out what a request is about.

    `lenient` takes the usual time where dates cannot be used, with the reason in `RequestScope.wrong`.

    Raises:
        NotFound: there is no such film.
        InvalidValue: the period or the coin is none.
    """
    if request.viewer is None:
        raise InvalidValue("Nobody is signed in.", fix="Sign in first.")
    sums = TotalsQueries(context.tables)
    subject = await _subject(context, sums, request, request.viewer)
    hour = await _this_hour(context)
    today = hour // HOURS
    query = request.query
    standard = usual(await sums.begin(subject.scope or 0), today)
    period, wrong = _period(query, standard, today)
    if wrong is not None and not lenient:
        raise wrong
    coins = tuple([await _coin(context, coin) for coin in await sums.coins(subject.scope or 0)])
    view = View(
        sums=sums,
        period=period,
        today=today,
        hour=hour,
        scope=subject.scope,
        one_film=subject.film is not None,
        viewing=subject.viewing,
        coin=_chosen(coins, query.get("coin", "")),
        coins=coins,
        part=query.get("part", ""),
    )
    typed = (query.get("from", ""), query.get("to", "")) if wrong else ("", "")
    return RequestScope(subject, view, _asked(query, period, today), typed, wrong)


def _period(query: Mapping[str, str], standard: str, today: int) -> tuple[ChartPeriod, InvalidValue | None]:
    """Read the period that is asked for; where its dates are none, the usual one and what is wrong.

    Raises:
        InvalidValue: it is no period at all.
    """
    name = query.get("period") or standard
    period_of(name, "", "", today)
    try:
        return period_of(name, query.get("from", ""), query.get("to", ""), today), None
    except InvalidValue as wrong:
        return period_of(standard, "", "", today), wrong


async def _subject(
    context: PluginContext, sums: TotalsQueries, request: PluginRequest, viewer: Viewer
) -> Subject:
    known, chain = await sums.films(), reads_chain(context)
    if "film" in request.params:
        film = await context.library.film(FilmId(request.params["film"]))
        scope, publisher, _ = known.get(str(film.token), (None, None, None))
        sees = viewer.role.includes(Role.ADMIN) or (
            viewer.role.includes(Role.PUBLISHER) and publisher == viewer.wallet
        )
        on_chain = chain and film.token is not None
        return Subject(film.title, f"film/{film.id}", scope, [film.id] if sees else [], on_chain, film)
    theirs = {token for token, (_, publisher, _) in known.items() if publisher == viewer.wallet}
    scope = next((wide for token, (_, _, wide) in known.items() if token in theirs), None)
    everything = viewer.role.includes(Role.ADMIN)
    if request.query.get("of") == "mine" or (viewer.role is Role.PUBLISHER):
        own = [card.film.id for card in await context.library.films(None) if str(card.film.token) in theirs]
        return Subject("Your films", "", scope, own, chain, mine=True, may_choose=everything)
    viewing: Collection[FilmId] | None = None if everything else ()
    return Subject("All films", "", EVERYTHING, viewing, chain, may_choose=everything and bool(theirs))


def reads_chain(context: PluginContext) -> bool:
    """Return whether this server reads a chain; without one there is nothing but what is watched here."""
    return context.chain.contracts.registry is not None


async def _this_hour(context: PluginContext) -> int:
    """Return the hour it is, by this server's clock; or by the chain's, should that be ahead."""
    newest = (await context.chain.state()).at
    return hour_of(max(time.time(), newest or 0))


async def _coin(context: PluginContext, address: Wallet) -> Coin:
    """Return a coin; while nobody can be asked about it, one whose amounts are in its smallest unit."""
    try:
        return await context.chain.coin(address)
    except ChainError:
        return Coin(address, f"units of {short_address(address)}", _SMALLEST_UNITS, permits=False)


def _chosen(coins: tuple[Coin, ...], wanted: str) -> Coin | None:
    if not wanted:
        return coins[0] if coins else None
    address = parse_wallet(wanted)
    for coin in coins:
        if coin.address == address:
            return coin
    raise InvalidValue("Nothing here was paid in that coin.", fix="Choose another coin.")


def _asked(query: Mapping[str, str], period: ChartPeriod, today: int) -> dict[str, str]:
    """Keep of a query what other addresses on the page take along."""
    kept = {name: query[name] for name in ("coin", "of", "part") if query.get(name)}
    if period.name == "custom":
        kept |= {"from": date_of(period.first).isoformat()}
    if period.name == "custom" or period.last != today:
        kept |= {"to": date_of(period.last).isoformat()}
    return kept | {"period": period.name}
