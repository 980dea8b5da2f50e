"""Who holds: how many, how unequally, and for how long."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from wylloh_analytics.chart import Chart, Column, Part, Row, Shape, nothing
from wylloh_analytics.charts._time import in_points, rows_over_time, total, when
from wylloh_analytics.labels import around
from wylloh_analytics.measures import AGES, by_age, lorenz, median, top_share
from wylloh_analytics.measures import holders as count_of
from wylloh_analytics.moments import Bucket
from wylloh_analytics.writing import in_percent, of, percent, short

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable

    from wylloh_analytics.moments import Period
    from wylloh_analytics.view import View
    from wylloh_analytics.writing import Number

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


async def flow_of(view: View, period: Period) -> list[Counter[str]]:
    """Give what was counted at each point of a period."""
    if view.scope is None:
        return in_points({}, period)
    return in_points(await view.sums.flow(view.scope, period.grain, period.span), period)


async def holders(view: View) -> Chart:
    """Show how many wallets hold tokens, over time."""
    heads = when(view.period), _HOLDERS
    if view.scope is None:
        return nothing("holders", "Holders", f"Nobody holds a token of {view.films} yet.", *heads)
    now, before = await _standing(view, view.period), await _standing(view, view.period.before)
    points = await flow_of(view, view.period)
    if not any(now) and not any(before):
        return nothing("holders", "Holders", f"Nobody held a token of {view.films} in this time.", *heads)

    def cells(index: int) -> tuple[Number | None, ...]:
        return now[index], points[index]["came"], points[index]["left"], before[index]

    changed = total(points)
    return Chart(
        name="holders",
        title="Holders",
        note=around(view.period, view.today),
        sentence=_holders_sentence(now[-1], changed["came"], changed["left"]),
        shape=Shape.LINE,
        rows_are=when(view.period),
        columns=_HOLDERS,
        rows=rows_over_time(view, _HOLDERS, cells),
    )


def _holders_sentence(count: int, came: int, left: int) -> str:
    moves = f"{came:,} came and {left:,} left" if came or left else "nobody came or left"
    return f"{of(count, 'wallet holds', 'wallets hold')} tokens at the end; {moves}."


async def _standing(view: View, period: Period) -> list[int]:
    """Give how many wallets held tokens at the end of each point."""
    count, _ = await view.sums.held_before(view.scope or 0, period.first)
    found = []
    for point in await flow_of(view, period):
        count += point["came"] - point["left"]
        found.append(count)
    return found


async def concentration(view: View) -> Chart:
    """Draw the Lorenz curve of all holdings."""
    title, heads = "Concentration", ("Holders", _CONCENTRATION)
    if view.scope is None:
        return nothing("concentration", title, f"Nobody holds a token of {view.films} yet.", *heads)
    now = await view.sums.sizes(view.scope, view.period.last)
    then = await view.sums.sizes(view.scope, view.day_before)
    curve, before = lorenz(now, _POINTS), lorenz(then, _POINTS)
    if not curve:
        return nothing("concentration", title, f"Nobody held a token of {view.films} then.", *heads)
    rows = []
    for point in range(_POINTS + 1):
        part = Fraction(point, _POINTS)
        label = f"Smallest {short(part, 0, 100)} %"
        tick = f"{short(part, 0, 100)} %" if point % 5 == 0 else ""
        rows.append(Row(label, percent(part), (curve[point], before[point] if before else None, part), tick))
    return Chart(
        name="concentration",
        title=title,
        note="the part of all tokens that the smallest holders have, at the end of this time; "
        "dotted at its beginning, grey if everybody held the same",
        sentence=_concentration_sentence(count_of(now), top_share(now), top_share(then)),
        shape=Shape.CURVE,
        rows_are="Holders",
        columns=_CONCENTRATION,
        rows=tuple(rows),
    )


def _concentration_sentence(count: int, share: Fraction | None, before: Fraction | None) -> str:
    if count <= _LARGEST:
        return f"{of(count, 'wallet holds', 'wallets hold')} all tokens."
    held = f"The ten largest of {count:,} holders have {in_percent(share)} of the tokens"
    return f"{held}." if before is None else f"{held}, {in_percent(before)} at the beginning."


async def holding_periods(view: View) -> Chart:
    """Show for how long tokens have been held."""
    title, heads = "Holding periods", ("Held for", _PERIODS)
    if view.scope is None:
        return nothing("holding-periods", title, f"Nobody holds a token of {view.films} yet.", *heads)
    now, before = await ages(view, view.period.last), await ages(view, view.day_before)
    gone = await view.sums.gone(view.scope, Bucket(view.period.first, view.period.last))
    if not now and not before and not gone:
        why = f"Nobody held a token of {view.films} in this time."
        return nothing("holding-periods", title, why, *heads)
    classes = zip(AGES, by_age(now), by_age(gone), by_age(before), strict=True)
    rows = [Row(name, name, tuple(numbers), tick) for (name, tick, _), *numbers in classes]
    return Chart(
        name="holding-periods",
        title=title,
        note="tokens by how long they have been held, at the end of this time; dotted at its beginning",
        sentence=_periods_sentence(now, gone),
        shape=Shape.BARS,
        rows_are="Held for",
        columns=_PERIODS,
        rows=tuple(rows),
    )


async def ages(view: View, day: int) -> list[tuple[int, int]]:
    """Give `(days held, tokens)` at the end of a day."""
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
    return of(int(number), "day") if number.denominator == 1 else f"{short(number, 1)} days"
