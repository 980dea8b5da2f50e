"""What is watched on this server: per film and day, never per person."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from wylloh_analytics.chart import Chart, Column, Part, Row, Shape, nothing
from wylloh_analytics.charts._time import in_points, total
from wylloh_analytics.labels import around, labels, written
from wylloh_analytics.moments import Bucket, Grain, Period, date_of
from wylloh_analytics.writing import of, percent, short

if TYPE_CHECKING:
    from collections import Counter

    from wylloh_analytics.view import View
    from wylloh_analytics.writing import Number

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
    title, heads = "Plays and completion", ("Day (UTC)" if view.period.step == 1 else "Days (UTC)", _PLAYS)
    if view.viewing is not None and not view.viewing:
        why = "What is watched here is shown to the film's publisher and to the owner."
        return nothing("plays", title, why, *heads)
    points, before = await _played(view, view.period), await _played(view, view.period.before)
    if not total(points) and not total(before):
        return nothing("plays", title, f"Nobody watched {view.films} here in this time.", *heads)
    named = _names(view.period)
    rows = [
        Row(label, key, _cells(now, then), tick)
        for (label, key, tick), now, then in zip(named, points, before, strict=True)
    ]
    return Chart(
        name="plays",
        title=title,
        note=_note(view),
        sentence=_sentence(total(points)),
        shape=Shape.BARS if len(rows) == 1 else Shape.LINE,
        rows_are=heads[0],
        columns=_PLAYS,
        rows=tuple(rows),
    )


async def _played(view: View, period: Period) -> list[Counter[str]]:
    """Give what was played at each point of a period; its one day is one point, as hours are not kept."""
    counts = await view.sums.plays(view.viewing, Bucket(period.first, period.last))
    if period.grain is Grain.HOUR:
        return [total(list(counts.values()))]
    return in_points(counts, period)


def _names(period: Period) -> list[tuple[str, str, str]]:
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
    begun = f"Begun {of(played['begun'], 'time')}."
    if not played["told"]:
        return f"{begun} No player told how far."
    finished = Fraction(played["finished"], played["told"])
    return (
        f"{begun} {short(finished, 0, 100)} % were watched to the end, "
        f"and {short(_average(played), 0, 100)} % of the film on average."
    )
