"""What kinds of holders there are: new and returning, small and exhibiting, and where rights name places."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wylloh_analytics.chart import Chart, ChartRow, Column, Part, Shape
from wylloh_analytics.charts.holding import flow_of
from wylloh_analytics.charts.time_axis import per, rows_over_time, total, when
from wylloh_analytics.labels import around
from wylloh_analytics.measures import by_territory, by_tier
from wylloh_server.sdk import format_count

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wylloh_analytics.number_format import Number
    from wylloh_analytics.view import View
    from wylloh_server.sdk import Tier

_NEWCOMERS = (
    Column("New", Part.MAIN),
    Column("Returning", Part.SECOND),
    Column("New before", Part.BEFORE),
    Column("Returning before"),
)
_EXHIBITORS = (
    Column("Holders", Part.MAIN),
    Column("Tokens they hold"),
    Column("Holders at the beginning", Part.BEFORE),
    Column("Tokens they held then"),
)
_GEOGRAPHY = (Column("Holders", Part.MAIN), Column("Holders at the beginning", Part.BEFORE))

_AT_HOME = "personal"
"""The right to watch at home, as contracts call it."""


async def newcomers(view: View) -> Chart:
    """Show wallets that got tokens for the first time, and those that came back."""
    title = f"New and returning wallets {per(view.period)}"
    chart = Chart("newcomers", title, when(view.period), _NEWCOMERS)
    if view.scope is None:
        return chart.without_rows(f"Nobody holds a token of {view.films} yet.")
    points, before = await flow_of(view, view.period), await flow_of(view, view.period.before)
    if not any(point["fresh"] + point["again"] for point in (*points, *before)):
        return chart.without_rows(f"Nobody got tokens of {view.films} in this time.")

    def cells(index: int) -> tuple[Number | None, ...]:
        now, then = points[index], before[index]
        return now["fresh"], now["again"], then["fresh"], then["again"]

    found, once = total(points), "an hour" if view.period.days == 1 else "a day"
    again = format_count(found["again"], "time")
    back = f"Wallets that had got some before came back {again}, counted once {once}."
    return chart.shown(
        around(view.period, view.today),
        f"{format_count(found['fresh'], 'wallet')} got tokens for the first time. "
        f"{back if found['again'] else 'Nobody came back for more.'}",
        rows_over_time(view, _NEWCOMERS, cells),
    )


@dataclass(frozen=True, slots=True)
class _Reached:
    """A right, from how many tokens on it is given, and the holders for whom it is the highest."""

    name: str
    threshold: int
    wallets: int = 0
    tokens: int = 0


_NOT_YET = _Reached("No right yet", 0)
_NOBODY = _Reached("", 0)


async def exhibitors(view: View) -> Chart:
    """Compare holders by the highest right they have reached."""
    title, rows_are = "Small holders and exhibitors", "Highest right reached"
    chart = Chart("exhibitors", title, rows_are, _EXHIBITORS, Shape.BARS)
    if view.scope is None:
        return chart.without_rows(f"Nobody holds a token of {view.films} yet.")
    now, before = await _by_right(view, view.period.last), await _by_right(view, view.day_before)
    if not any(reached.wallets for reached in (*now.values(), *before.values())):
        return chart.without_rows(f"Nobody held a token of {view.films} in this time.")
    known = before | now
    rows = [
        _right_row(right, known[right].name, now.get(right, _NOBODY), before.get(right, _NOBODY))
        for right in sorted(known, key=lambda right: (known[right].threshold, right))
    ]
    return chart.shown(
        "holders by the highest right they reached, at the end of this time; dotted at its beginning",
        _exhibitors_sentence(view, now),
        rows,
    )


def _right_row(right: str, name: str, now: _Reached, before: _Reached) -> ChartRow:
    return ChartRow(name, right or "none", (now.wallets, now.tokens, before.wallets, before.tokens), name)


async def _by_right(view: View, day: int) -> dict[str, _Reached]:
    """Count holders by right, film by film: who holds several films counts once for each."""
    ladders = await view.sums.ladders(day)
    found: dict[str, _Reached] = {}
    for film, sizes in (await view.sums.sizes_of_films(view.scope or 0, day)).items():
        if film not in ladders:
            continue
        found |= {tier.right: found.get(tier.right) or _reached(tier) for tier in ladders[film].tiers}
        for tier, (wallets, tokens) in by_tier(sizes, ladders[film]).items():
            right = tier.right if tier else ""
            before = found.get(right) or _reached(tier)
            found[right] = replace(before, wallets=before.wallets + wallets, tokens=before.tokens + tokens)
    return found


def _reached(tier: Tier | None) -> _Reached:
    return _Reached(tier.name, tier.threshold) if tier else _NOT_YET


def _exhibitors_sentence(view: View, now: Mapping[str, _Reached]) -> str:
    small = sum(reached.wallets for right, reached in now.items() if right == _AT_HOME)
    more = sum(reached.wallets for right, reached in now.items() if right not in {"", _AT_HOME})
    counted = "" if view.one_film else " Who holds several films counts once for each."
    return (
        f"{format_count(small, 'small holder')} can watch at home, and "
        f"{format_count(more, 'exhibitor has', 'exhibitors have')} reached a further right.{counted}"
    )


async def geography(view: View) -> Chart:
    """Show where rights hold that name a place: the only places anybody here knows of."""
    chart = Chart("geography", "Geography", "Territory (ISO 3166)", _GEOGRAPHY, Shape.BARS)
    if view.scope is None:
        return chart.without_rows(f"Nobody holds a token of {view.films} yet.")
    now, before = await _by_place(view, view.period.last), await _by_place(view, view.day_before)
    if not now and not before:
        why = f"No holder of {view.films} has reached a right that names a territory."
        return chart.without_rows(why)
    places = sorted(now | before, key=lambda place: (-now[place], place))
    return chart.shown(
        "holders who reached a right that names a territory, by territory; dotted at the beginning",
        f"Rights that name {format_count(len(places), 'territory', 'territories')} "
        "have been reached. Where people are is not counted.",
        (ChartRow(place, place, (now[place], before[place]), place) for place in places),
    )


async def _by_place(view: View, day: int) -> Counter[str]:
    ladders = await view.sums.ladders(day)
    found: Counter[str] = Counter()
    for film, sizes in (await view.sums.sizes_of_films(view.scope or 0, day)).items():
        if film in ladders:
            found.update(by_territory(sizes, ladders[film]))
    return found
