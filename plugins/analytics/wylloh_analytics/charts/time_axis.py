"""What charts over time share: their points, and the same points of the period before."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from wylloh_analytics.chart import ChartRow, Part
from wylloh_analytics.labels import labels
from wylloh_analytics.time_buckets import Grain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from wylloh_analytics.chart import Column
    from wylloh_analytics.number_format import Number
    from wylloh_analytics.time_buckets import Bucket, ChartPeriod
    from wylloh_analytics.view import View

PER: Mapping[int, str] = {1: "per day", 7: "per week", 30: "per 30 days"}


def per(period: ChartPeriod) -> str:
    """Return what one point of a period stands for: `per day`."""
    return "per hour" if period.grain is Grain.HOUR else PER[period.step]


def when(period: ChartPeriod) -> str:
    """Name the first column of a table over time."""
    return "Hour (UTC)" if period.grain is Grain.HOUR else "Day (UTC)" if period.step == 1 else "Days (UTC)"


def summed(counts: Mapping[int, Counter[str]], bucket: Bucket) -> Counter[str]:
    """Add up the hours or days of one point."""
    whole: Counter[str] = Counter()
    for start in range(bucket.first, bucket.last + 1):
        if start in counts:
            whole.update(counts[start])
    return whole


def in_points(counts: Mapping[int, Counter[str]], period: ChartPeriod) -> list[Counter[str]]:
    """Add up counts for each point of a period."""
    return [summed(counts, bucket) for bucket in period.buckets]


def total(points: Sequence[Counter[str]]) -> Counter[str]:
    """Add up all points."""
    whole: Counter[str] = Counter()
    for point in points:
        whole.update(point)
    return whole


def begun(view: View) -> int:
    """Count the points that have begun: of today's hours some are still to come."""
    if view.period.grain is not Grain.HOUR:
        return len(view.period.buckets)
    return sum(bucket.first <= view.hour for bucket in view.period.buckets)


def rows_over_time(
    view: View, columns: Sequence[Column], cells: Callable[[int], tuple[Number | None, ...]]
) -> tuple[ChartRow, ...]:
    """Make a table's rows, one for each point; `cells` gives the numbers of the one with that index.

    Of hours still to come only what was before is known.
    """
    known = begun(view)
    rows = []
    for index, label in enumerate(labels(view.period)):
        numbers = cells(index)
        if index >= known:
            parts = [column.part for column in columns]
            numbers = tuple(
                number if part is Part.BEFORE else None for number, part in zip(numbers, parts, strict=True)
            )
        rows.append(ChartRow(label.text, label.key, numbers, label.tick))
    return tuple(rows)
