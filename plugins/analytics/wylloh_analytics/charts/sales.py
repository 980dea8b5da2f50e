"""Money: what buyers paid, and what of it came before a film's regular sale began."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from wylloh_analytics.chart import Chart, ChartOption, Column, Part
from wylloh_analytics.charts.time_axis import in_points, per, rows_over_time, total, when
from wylloh_analytics.labels import around
from wylloh_analytics.number_format import in_coins, short
from wylloh_server.sdk import format_count

if TYPE_CHECKING:
    from collections import Counter

    from wylloh_analytics.number_format import Number
    from wylloh_analytics.time_buckets import ChartPeriod
    from wylloh_analytics.view import View
    from wylloh_server.sdk import Coin

_PARTS = {
    "": ("Revenue", ("presale", "release", "royalty")),
    "first": ("First sales", ("presale", "release")),
    "resale": ("Resales", ("resale",)),
    "royalty": ("Royalties", ("royalty",)),
}
"""What the line can show: a name, and the kinds of money in it. Resales are other holders' money."""
_TWO_DIGITS = 10


async def money_of(view: View, period: ChartPeriod) -> list[Counter[str]]:
    """Return what was paid in the view's coin at each point of a period, by kind."""
    if view.scope is None or view.coin is None:
        return in_points({}, period)
    paid = await view.sums.money(view.scope, period.grain, period.span, view.coin.address)
    return in_points(paid, period)


def amount(paid: Counter[str], part: str = "") -> int:
    """Add up the kinds of money of one part of revenue."""
    return sum(paid[kind] for kind in _PARTS[part][1])


async def revenue(view: View) -> Chart:
    """Show first sales and royalties, and beside them resales."""
    part = view.part if view.part in _PARTS else ""
    columns = _revenue_columns(view.coin, part)
    chart = Chart("revenue", "Revenue", when(view.period), columns)
    if view.coin is None:
        return chart.without_rows(f"Nothing of {view.films} was sold yet.")
    points, before = await money_of(view, view.period), await money_of(view, view.period.before)
    if not any(amount(paid, one) for paid in (*points, *before) for one in _PARTS):
        return chart.without_rows(f"Nothing of {view.films} was sold in this time.")

    def cells(index: int) -> tuple[Number | None, ...]:
        paid = points[index]
        parts = [amount(paid, one) for one in _PARTS]
        return (*parts, paid["fee"], amount(before[index], part))

    choices = tuple(ChartOption(label, one, one == part) for one, (label, _) in _PARTS.items())
    chart = replace(chart, title=f"{_PARTS[part][0]} {per(view.period)}", choices=choices)
    return chart.shown(
        around(view.period, view.today),
        _revenue_sentence(view.coin, total(points)),
        rows_over_time(view, columns, cells),
    )


def _of_money(label: str, coin: Coin | None, part: Part = Part.TABLE) -> Column:
    if coin is None:
        return Column(label, part)
    return Column(label, part, in_coins(coin.decimals), coin.symbol)


def _revenue_columns(coin: Coin | None, part: str) -> tuple[Column, ...]:
    drawn = tuple(
        _of_money(label, coin, Part.MAIN if one == part else Part.TABLE) for one, (label, _) in _PARTS.items()
    )
    fee = _of_money("Store's part of first sales", coin)
    return (*drawn, fee, _of_money(f"{_PARTS[part][0]} before", coin, Part.BEFORE))


def _presale_columns(coin: Coin | None) -> tuple[Column, ...]:
    return (
        _of_money("Release", coin, Part.MAIN),
        _of_money("Presale", coin, Part.SECOND),
        Column("Tokens in release"),
        Column("Tokens in presale"),
        _of_money("Release before", coin, Part.BEFORE),
        _of_money("Presale before", coin),
    )


def _revenue_sentence(coin: Coin, paid: Counter[str]) -> str:
    first, royalties, resales = (coin.written(amount(paid, part)) for part in ("first", "royalty", "resale"))
    return (
        f"First sales of {first} and royalties of {royalties}. "
        f"Holders sold tokens to each other for {resales}, royalties included."
    )


async def presale(view: View) -> Chart:
    """Compare what was sold before the regular sale began with what was sold after."""
    title, columns = f"Presale and release {per(view.period)}", _presale_columns(view.coin)
    chart = Chart("presale", title, when(view.period), columns)
    if view.scope is None or view.coin is None:
        return chart.without_rows(f"Nothing of {view.films} was sold yet.")
    points, before = await money_of(view, view.period), await money_of(view, view.period.before)
    if not any(amount(paid, "first") for paid in (*points, *before)):
        why = f"There were no first sales of {view.films} in this time."
        return chart.without_rows(why)
    tokens = in_points(await view.sums.flow(view.scope, view.period.grain, view.period.span), view.period)

    def cells(index: int) -> tuple[Number | None, ...]:
        paid, sold, earlier = points[index], tokens[index], before[index]
        now = paid["release"], paid["presale"], sold["sold"], sold["presold"]
        return (*now, earlier["release"], earlier["presale"])

    return chart.shown(
        around(view.period, view.today),
        _presale_sentence(view, total(points), total(tokens)),
        rows_over_time(view, columns, cells),
    )


def _presale_sentence(view: View, paid: Counter[str], sold: Counter[str]) -> str:
    presold = _sold("presale", view, paid["presale"], sold["presold"])
    released = _sold("regular sale", view, paid["release"], sold["sold"])
    return f"{presold} {released}"


def _sold(where: str, view: View, paid: int, tokens: int) -> str:
    if not tokens or view.coin is None:
        return f"No tokens in {where}."
    if len(view.coins) > 1:  # the tokens were paid in several coins, the money is of one
        return f"{format_count(tokens, 'token')} in {where}, of which some for {view.coin.written(paid)}."
    each = _each(view.coin, Fraction(paid, tokens))
    return (
        f"{format_count(tokens, 'token')} in {where} for {view.coin.written(paid)}, {each} each on average."
    )


def _each(coin: Coin, units: Fraction) -> str:
    """Write an average with two decimals; with more where its first two digits stand further back."""
    coins, places = units / 10**coin.decimals, min(2, coin.decimals)
    while places < coin.decimals and coins * 10**places < _TWO_DIGITS:
        places += 1
    return f"{short(coins, places)} {coin.symbol}"
