"""Who holds: how many, how unequally, and for how long."""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate
from typing import TYPE_CHECKING

from wylloh_analytics.chart import Chart, ChartRow, Column, Part, Shape
from wylloh_analytics.charts.time_axis import in_points, rows_over_time, total, when
from wylloh_analytics.labels import around
from wylloh_analytics.measures import AGES, by_age, lorenz, median, top_share
from wylloh_analytics.measures import holders as count_of
from wylloh_analytics.number_format import PERCENT, in_percent, percent, short
from wylloh_analytics.time_buckets import Bucket
from wylloh_server.sdk import format_count

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable

    from wylloh_analytics.number_format import Number
    from wylloh_analytics.time_buckets import ChartPeriod
    from wylloh_analytics.view import View

_POINTS = 20
_LARGEST = 10

_HOLDERS = (
    Column("Holders", Part.MAIN),
    Column("Came"),
    Column("Left"),
    Column("Holders before", Part.BEFORE),
)
_CONCENTRATION = (
    Column("Of all tokens", Part.MAIN, percent, "%"),
    Column("At the beginning", Part.BEFORE, percent, "%"),
    Column("If all held the same", Part.SECOND, percent, "%"),
)
_PERIODS = (
    Column("Tokens held", Part.MAIN),
    Column("Passed on in this time", Part.SECOND),
    Column("Tokens held at the beginning", Part.BEFORE),
)


async def flow_of(view: View, period: ChartPeriod) -> list[Counter[str]]:
    """Return what was counted at each point of a period."""
    if view.scope is None:
        return in_points({}, period)
    return in_points(await view.sums.flow(view.scope, period.grain, period.span), period)


async def holders(view: View) -> Chart:
    """Show how many wallets hold tokens, over time."""
    chart = Chart("holders", "Holders", when(view.period), _HOLDERS)
    if view.scope is None:
        return chart.without_rows(f"Nobody holds a token of {view.films} yet.")
    (now, _), (before, _) = [await held_at_points(view, one) for one in (view.period, view.period.before)]
    points = await flow_of(view, view.period)
    if not any(now) and not any(before):
        return chart.without_rows(f"Nobody held a token of {view.films} in this time.")

    def cells(index: int) -> tuple[Number | None, ...]:
        return now[index], points[index]["came"], points[index]["left"], before[index]

    changed = total(points)
    return chart.shown(
        around(view.period, view.today),
        _holders_sentence(now[-1], changed["came"], changed["left"]),
        rows_over_time(view, _HOLDERS, cells),
    )


def _holders_sentence(count: int, came: int, left: int) -> str:
    moves = f"{came:,} came and {left:,} left" if came or left else "nobody came or left"
    return f"{format_count(count, 'wallet holds', 'wallets hold')} tokens at the end; {moves}."


async def held_at_points(view: View, period: ChartPeriod) -> tuple[list[int], list[int]]:
    """Return how many wallets held tokens at the end of each point, and how many tokens."""
    wallets, tokens = await view.sums.held_before(view.scope or 0, period.first)
    points = await flow_of(view, period)
    holders = accumulate((point["came"] - point["left"] for point in points), initial=wallets)
    held = accumulate((point["held"] for point in points), initial=tokens)
    return list(holders)[1:], list(held)[1:]


async def concentration(view: View) -> Chart:
    """Draw the Lorenz curve of all holdings."""
    chart = Chart("concentration", "Concentration", "Holders", _CONCENTRATION, Shape.CURVE)
    if view.scope is None:
        return chart.without_rows(f"Nobody holds a token of {view.films} yet.")
    now = await view.sums.sizes(view.scope, view.period.last)
    then = await view.sums.sizes(view.scope, view.day_before)
    curve, before = lorenz(now, _POINTS), lorenz(then, _POINTS)
    if not curve:
        return chart.without_rows(f"Nobody held a token of {view.films} then.")
    rows = []
    for point in range(_POINTS + 1):
        part = Fraction(point, _POINTS)
        label = f"Smallest {short(part, 0, 100)}{PERCENT}"
        tick = f"{short(part, 0, 100)}{PERCENT}" if point % 5 == 0 else ""
        rows.append(
            ChartRow(label, percent(part), (curve[point], before[point] if before else None, part), tick)
        )
    return chart.shown(
        "the part of all tokens that the smallest holders have, at the end of this time; "
        "dotted at its beginning, grey if everybody held the same",
        _concentration_sentence(count_of(now), top_share(now), top_share(then)),
        rows,
    )


def _concentration_sentence(count: int, share: Fraction | None, before: Fraction | None) -> str:
    if count <= _LARGEST:
        return f"{format_count(count, 'wallet holds', 'wallets hold')} all tokens."
    held = f"The ten largest of {count:,} holders have {in_percent(share)} of the tokens"
    return f"{held}." if before is None else f"{held}, {in_percent(before)} at the beginning."


async def holding_periods(view: View) -> Chart:
    """Show for how long tokens have been held."""
    chart = Chart("holding-periods", "Holding periods", "Held for", _PERIODS, Shape.BARS)
    if view.scope is None:
        return chart.without_rows(f"Nobody holds a token of {view.films} yet.")
    now, before = await ages(view, view.period.last), await ages(view, view.day_before)
    gone = await view.sums.gone(view.scope, Bucket(view.period.first, view.period.last))
    if not now and not before and not gone:
        why = f"Nobody held a token of {view.films} in this time."
        return chart.without_rows(why)
    classes = zip(AGES, by_age(now), by_age(gone), by_age(before), strict=True)
    rows = [ChartRow(name, name, tuple(numbers), tick) for (name, tick, _), *numbers in classes]
    return chart.shown(
        "tokens by how long they have been held, at the end of this time; dotted at its beginning",
        _periods_sentence(now, gone),
        rows,
    )


async def ages(view: View, day: int) -> list[tuple[int, int]]:
    """Return `(days held, tokens)` at the end of a day."""
    if view.scope is None:
        return []
    return [(day - came, tokens) for came, tokens in await view.sums.held(view.scope, day)]


def _periods_sentence(now: Iterable[tuple[int, int]], gone: Iterable[tuple[int, int]]) -> str:
    middle, left = median(now), median(gone)
    held = "Nobody holds tokens at the end."
    if middle is not None:
        held = f"Half of all tokens have been held for {days(middle)} or more."
    if left is None:
        return f"{held} Nobody passed any on."
    return f"{held} Of those sold or given to others, half had been held for {days(left)} or more."


def days(number: Fraction) -> str:
    """Write a number of days: `143 days`, `12.5 days`."""
    return format_count(int(number), "day") if number.denominator == 1 else f"{short(number, 1)} days"
