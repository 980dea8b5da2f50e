"""What is watched on this server: per film and day, never per person."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from wylloh_analytics.chart import Chart, ChartRow, Column, Part, Shape
from wylloh_analytics.charts.time_axis import in_points, total
from wylloh_analytics.labels import around, labels, written
from wylloh_analytics.number_format import PERCENT, percent, short
from wylloh_analytics.time_buckets import Bucket, ChartPeriod, Grain, date_of
from wylloh_server.sdk import format_count

if TYPE_CHECKING:
    from collections import Counter

    from wylloh_analytics.number_format import Number
    from wylloh_analytics.view import View

_PLAYS = (
    Column("Begun", Part.MAIN),
    Column("Watched to the end", Part.SECOND),
    Column("Watched on average", Part.TABLE, percent, "%"),
    Column("Begun before", Part.BEFORE),
    Column("Watched to the end before"),
    Column("Watched on average before", Part.TABLE, percent, "%"),
)


async def plays(view: View) -> Chart:
    """Show how often films were begun, and how often watched to the end."""
    shape = Shape.BARS if view.period.days == 1 else Shape.LINE
    rows_are = "Day (UTC)" if view.period.step == 1 else "Days (UTC)"
    chart = Chart("plays", "Plays and completion", rows_are, _PLAYS, shape)
    if view.viewing is not None and not view.viewing:
        why = "What is watched here is shown to the film's publisher and to the owner."
        return chart.without_rows(why)
    points, before = await _played(view, view.period), await _played(view, view.period.before)
    if not total(points) and not total(before):
        return chart.without_rows(f"Nobody watched {view.films} here in this time.")
    named = _names(view.period)
    rows = [
        ChartRow(label, key, _cells(now, then), tick)
        for (label, key, tick), now, then in zip(named, points, before, strict=True)
    ]
    return chart.shown(
        _note(view),
        _sentence(total(points)),
        rows,
    )


async def _played(view: View, period: ChartPeriod) -> list[Counter[str]]:
    """Return what was played at each point of a period; its one day is one point, as hours are not kept."""
    counts = await view.sums.plays(view.viewing, Bucket(period.first, period.last))
    if period.grain is Grain.HOUR:
        return [total(list(counts.values()))]
    return in_points(counts, period)


def _names(period: ChartPeriod) -> list[tuple[str, str, str]]:
    if period.grain is Grain.HOUR:
        day = date_of(period.first)
        return [(written(day), day.isoformat(), written(day))]
    return [(label.text, label.key, label.tick) for label in labels(period)]


def _note(view: View) -> str:
    if view.period.grain is Grain.HOUR:
        return "this day, and dotted the day before; hours are not kept"
    return around(view.period, view.today)


def _cells(now: Counter[str], before: Counter[str]) -> tuple[Number | None, ...]:
    then = before["begun"], before["finished"], _average(before)
    return now["begun"], now["finished"], _average(now), *then


def _average(played: Counter[str]) -> Fraction | None:
    return Fraction(played["permille"], 1000 * played["told"]) if played["told"] else None


def _sentence(played: Counter[str]) -> str:
    begun = f"Begun {format_count(played['begun'], 'time')}."
    if not played["told"]:
        return f"{begun} No player told how far."
    finished = Fraction(played["finished"], played["told"])
    return (
        f"{begun} {short(finished, 0, 100)}{PERCENT} were watched to the end, "
        f"and {short(_average(played), 0, 100)}{PERCENT} of the film on average."
    )
