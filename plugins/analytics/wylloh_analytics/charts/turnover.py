"""How fast tokens go from one holder to the next."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from wylloh_analytics.chart import Chart, Column, Part
from wylloh_analytics.charts.holding import flow_of, held_at_points
from wylloh_analytics.charts.time_axis import per, rows_over_time, total, when
from wylloh_analytics.labels import around
from wylloh_analytics.number_format import in_percent, rounded, short
from wylloh_server.sdk import format_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_analytics.number_format import Number
    from wylloh_analytics.view import View


_HUNDREDTHS = rounded(2, 100)
_VELOCITY = (
    Column("Velocity", Part.MAIN, _HUNDREDTHS, "%"),
    Column("Tokens that changed hands"),
    Column("Tokens held"),
    Column("Velocity before", Part.BEFORE, _HUNDREDTHS, "%"),
)


async def velocity(view: View) -> Chart:
    """Show the tokens that changed hands, as a part of those that are in holders' hands."""
    chart = Chart("velocity", f"Token velocity {per(view.period)}", when(view.period), _VELOCITY)
    if view.scope is None:
        return chart.without_rows(f"Nobody holds a token of {view.films} yet.")
    (_, held), (_, before) = [await held_at_points(view, one) for one in (view.period, view.period.before)]
    points, earlier = await flow_of(view, view.period), await flow_of(view, view.period.before)
    if not any(held) and not any(before):
        return chart.without_rows(f"Nobody held a token of {view.films} in this time.")

    def cells(index: int) -> tuple[Number | None, ...]:
        moved = points[index]["moved"]
        return (
            _ratio(moved, held[index]),
            moved,
            held[index],
            _ratio(earlier[index]["moved"], before[index]),
        )

    return chart.shown(
        around(view.period, view.today),
        _sentence(total(points)["moved"], [count for count in held if count]),
        rows_over_time(view, _VELOCITY, cells),
    )


def _sentence(moved: int, held: Sequence[int]) -> str:
    """Compare with what was held on average while anything was: a film has a beginning."""
    went = f"{format_count(moved, 'token')} went from one holder to another"
    if not held:
        return f"{went}."
    average = Fraction(sum(held), len(held))
    return f"{went}, {in_percent(_ratio(moved, average))} of the {short(average)} held on average."


def _ratio(moved: int, held: int | Fraction) -> Fraction | None:
    return Fraction(moved) / held if held else None
