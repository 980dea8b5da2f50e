"""Asks the sums for what charts show: rows that were added up before, never single facts."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, case, func, select, union_all

from wylloh_analytics.statements import rows_of
from wylloh_analytics.tables import films, flow, ladders, money, plays, sizes, spans
from wylloh_analytics.time_buckets import Grain, first_of, month_of
from wylloh_analytics.totals import EVERYTHING, FLOW
from wylloh_server.sdk import RightsLadder, Tier, Wallet

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Select

    from wylloh_analytics.measures import Sizes
    from wylloh_analytics.time_buckets import Bucket
    from wylloh_server.sdk import FilmId, PluginTables

PLAYED = ("begun", "told", "finished", "permille")
"""What is counted of plays: begun; ended with a report of how far; of these watched to the end; the sum of
how far these came, in thousandths."""


class TotalsQueries:
    """The sums, as charts need them. Days are numbers, and meant to their end."""

    def __init__(self, tables: PluginTables) -> None:
        self._tables = tables

    async def films(self) -> dict[str, tuple[int, Wallet | None, int | None]]:
        """Return each film's scope, its publisher, and the scope of that; by token reference."""
        found = await rows_of(self._tables, select(films))
        return {token: (scope, publisher, theirs) for token, scope, publisher, theirs in found}

    async def flow(self, scope: int, grain: Grain, span: Bucket) -> dict[int, Counter[str]]:
        """Return the counts of `FLOW` of each hour or day in a span that has any."""
        inside = (flow.c.scope == scope) & (flow.c.grain == grain) & _between(flow.c.start, span)
        found = await rows_of(self._tables, select(flow).where(inside))
        return {start: Counter(dict(zip(FLOW, counts, strict=True))) for _, _, start, *counts in found}

    async def begin(self, scope: int) -> int | None:
        """Return the first day of which anything is known; None when nothing is."""
        days = (flow.c.scope == scope) & (flow.c.grain == Grain.DAY)
        ((first,),) = await rows_of(self._tables, select(func.min(flow.c.start)).where(days))
        return None if first is None else int(first)

    async def held_before(self, scope: int, day: int) -> tuple[int, int]:
        """Return how many wallets held how many tokens when a day began."""
        until = (flow.c.scope == scope) & (flow.c.grain == Grain.DAY) & (flow.c.start < day)
        wanted = select(func.sum(flow.c.came - flow.c.left), func.sum(flow.c.held)).where(until)
        ((holders, tokens),) = await rows_of(self._tables, wanted)
        return int(holders or 0), int(tokens or 0)

    async def of_films(self, scopes: Collection[int], span: Bucket) -> dict[int, tuple[int, int]]:
        """Return for each film how many wallets held it when a span of days ended, and its first sales.

        Sales are counted in tokens. Films without any facts are left out.
        """
        holders = func.sum(flow.c.came - flow.c.left)
        sold = func.sum(case((flow.c.start >= span.first, flow.c.presold + flow.c.sold), else_=0))
        until = flow.c.scope.in_(scopes) & (flow.c.grain == Grain.DAY) & (flow.c.start <= span.last)
        wanted = select(flow.c.scope, holders, sold).where(until).group_by(flow.c.scope)
        found = await rows_of(self._tables, wanted)
        return {scope: (int(wallets), int(tokens)) for scope, wallets, tokens in found}

    async def coins(self, scope: int) -> tuple[Wallet, ...]:
        """Return the coins that were paid with, the most usual first."""
        often = func.count().label("often")
        theirs = (money.c.scope == scope) & (money.c.grain == Grain.DAY)
        wanted = select(money.c.coin, often).where(theirs).group_by(money.c.coin)
        found = await rows_of(self._tables, wanted.order_by(often.desc(), money.c.coin))
        return tuple(Wallet(coin) for coin, _ in found)

    async def money(self, scope: int, grain: Grain, span: Bucket, coin: Wallet) -> dict[int, Counter[str]]:
        """Return what was paid in a coin, by hour or day and by kind of money."""
        inside = (money.c.scope == scope) & (money.c.grain == grain) & _between(money.c.start, span)
        wanted = select(money.c.start, money.c.kind, money.c.amount).where(inside, money.c.coin == coin)
        paid: dict[int, Counter[str]] = defaultdict(Counter)
        for start, kind, amount in await rows_of(self._tables, wanted):
            paid[start][kind] += int(amount)
        return paid

    async def sizes(self, scope: int, day: int) -> Sizes:
        """Return how many wallets held how many tokens at the end of a day."""
        found = await rows_of(self._tables, _histogram(sizes.c.scope == scope, day))
        return {int(tokens): int(wallets) for _, tokens, wallets in found}

    async def sizes_of_films(self, scope: int, day: int) -> dict[int, Sizes]:
        """Return the same for each film of a publisher, or of all; by the film's scope."""
        theirs = select(films.c.scope)
        if scope != EVERYTHING:
            theirs = theirs.where((films.c.publisher_scope == scope) | (films.c.scope == scope))
        found: dict[int, Sizes] = defaultdict(dict)
        for film, tokens, wallets in await rows_of(self._tables, _histogram(sizes.c.scope.in_(theirs), day)):
            found[film][int(tokens)] = int(wallets)
        return found

    async def held(self, scope: int, day: int) -> list[tuple[int, int]]:
        """Return the tokens held at the end of a day: `(day they came, tokens)`."""
        then = (spans.c.scope == scope) & (spans.c.left > day) & (spans.c.came <= day)
        wanted = select(spans.c.came, func.sum(spans.c.tokens)).where(then).group_by(spans.c.came)
        return [(came, int(tokens)) for came, tokens in await rows_of(self._tables, wanted) if tokens]

    async def gone(self, scope: int, span: Bucket) -> list[tuple[int, int]]:
        """Return the tokens that left their holders in a span of days: `(days held, tokens)`."""
        inside = (spans.c.scope == scope) & _between(spans.c.left, span)
        age = (spans.c.left - spans.c.came).label("age")
        wanted = select(age, func.sum(spans.c.tokens)).where(inside).group_by(age)
        return [(days, int(tokens)) for days, tokens in await rows_of(self._tables, wanted) if tokens]

    async def ladders(self, day: int) -> dict[int, RightsLadder]:
        """Return each film's ladder at the end of a day, by the film's scope."""
        until = select(ladders.c.scope, ladders.c.tiers).where(ladders.c.day <= day)
        found = await rows_of(self._tables, until.order_by(ladders.c.block, ladders.c.number))
        return {scope: _ladder(tiers) for scope, tiers in found}

    async def plays(self, films: Collection[FilmId] | None, span: Bucket) -> dict[int, Counter[str]]:
        """Return the counts of `PLAYED` for each day in a span, of some films or (None) of all together."""
        counts = [func.sum(plays.c[name]) for name in PLAYED]
        wanted = select(plays.c.day, *counts).where(_between(plays.c.day, span)).group_by(plays.c.day)
        if films is not None:
            wanted = wanted.where(plays.c.film.in_(films))
        found = await rows_of(self._tables, wanted)
        return {day: Counter(dict(zip(PLAYED, map(int, of_it), strict=True))) for day, *of_it in found}


def _between(column: ColumnElement[int], span: Bucket) -> ColumnElement[bool]:
    return column.between(span.first, span.last)


def _histogram(scope: ColumnElement[bool], day: int) -> Select[Any]:
    """Add up changes: whole months first, then the days of the last one."""
    month = month_of(day)
    parts = [
        select(sizes.c.scope, sizes.c.tokens, sizes.c.wallets).where(scope, sizes.c.grain == grain, inside)
        for grain, inside in (
            (Grain.MONTH, sizes.c.start < month),
            (Grain.DAY, sizes.c.start.between(first_of(month), day)),
        )
    ]
    both = union_all(*parts).subquery()
    wallets, keys = func.sum(both.c.wallets), (both.c.scope, both.c.tokens)
    return select(*keys, wallets).group_by(*keys).having(wallets != 0)


def _ladder(tiers: Sequence[Any]) -> RightsLadder:
    return RightsLadder(
        tuple(Tier(threshold, right, tuple(where), seats) for threshold, right, where, seats in tiers)
    )
