"""How fast tokens go from one holder to the next."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from wylloh_analytics.chart import Chart, Column, Part, Shape, nothing
from wylloh_analytics.charts._time import per, rows_over_time, total, when
from wylloh_analytics.charts.holding import flow_of
from wylloh_analytics.labels import around
from wylloh_analytics.writing import in_percent, of, rounded, short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_analytics.moments import Period
    from wylloh_analytics.view import View
    from wylloh_analytics.writing import Number


_HUNDREDTHS = rounded(2, 100)
_VELOCITY = (
    Column("Velocity", Part.MAIN, _HUNDREDTHS, "%"),
    Column("Tokens that changed hands"),
    Column("Tokens held"),
    Column("Velocity before", Part.BEFORE, _HUNDREDTHS, "%"),
)


async def velocity(view: View) -> Chart:
    """Show the tokens that changed hands, as a part of those that are in holders' hands."""
    title, heads = f"Token velocity {per(view.period)}", (when(view.period), _VELOCITY)
    if view.scope is None:
        return nothing("velocity", title, f"Nobody holds a token of {view.films} yet.", *heads)
    held, before = await _held(view, view.period), await _held(view, view.period.before)
    points, earlier = await flow_of(view, view.period), await flow_of(view, view.period.before)
    if not any(held) and not any(before):
        return nothing("velocity", title, f"Nobody held a token of {view.films} in this time.", *heads)

    def cells(index: int) -> tuple[Number | None, ...]:
        moved = points[index]["moved"]
        return (
            _ratio(moved, held[index]),
            moved,
            held[index],
            _ratio(earlier[index]["moved"], before[index]),
        )

    return Chart(
        name="velocity",
        title=title,
        note=around(view.period, view.today),
        sentence=_sentence(total(points)["moved"], [count for count in held if count]),
        shape=Shape.LINE,
        rows_are=when(view.period),
        columns=_VELOCITY,
        rows=rows_over_time(view, _VELOCITY, cells),
    )


def _sentence(moved: int, held: Sequence[int]) -> str:
    """Compare with what was held on average while anything was: a film has a beginning."""
    went = f"{of(moved, 'token')} went from one holder to another"
    if not held:
        return f"{went}."
    average = Fraction(sum(held), len(held))
    return f"{went}, {in_percent(_ratio(moved, average))} of the {short(average)} held on average."


async def _held(view: View, period: Period) -> list[int]:
    """Give how many tokens were in holders' hands at the end of each point."""
    _, count = await view.sums.held_before(view.scope or 0, period.first)
    found = []
    for point in await flow_of(view, period):
        count += point["held"]
        found.append(count)
    return found


def _ratio(moved: int, held: int | Fraction) -> Fraction | None:
    return Fraction(moved) / held if held else None
