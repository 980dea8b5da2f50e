"""What stands beside the points of a chart over time, and below them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_analytics.time_buckets import HOURS, Grain, date_of

if TYPE_CHECKING:
    from datetime import date

    from wylloh_analytics.time_buckets import Bucket, ChartPeriod

_MONTHLY = 45
_YEARLY = 800


@dataclass(frozen=True, slots=True)
class Label:
    """A point of time: for people, for programs, and what stands below it in the drawing, mostly nothing."""

    text: str
    key: str
    tick: str


def labels(period: ChartPeriod) -> tuple[Label, ...]:
    """Name the points of a period."""
    if period.grain is Grain.HOUR:
        return tuple(_hour(bucket.first, date_of(period.first)) for bucket in period.buckets)
    found = []
    for number, bucket in enumerate(period.buckets):
        first = date_of(bucket.first)
        text = written(first) if period.step == 1 else f"{written(first)} to {written(date_of(bucket.last))}"
        found.append(Label(text, first.isoformat(), _tick(period, number, bucket)))
    return tuple(found)


def written(day: date) -> str:
    """Write a date: `21 Nov 2026`."""
    return f"{day.day} {day:%b %Y}"


def between(period: ChartPeriod) -> str:
    """Write the days of a period: `23 Aug 2026 to 21 Nov 2026`, `21 Nov 2026`."""
    first, last = written(date_of(period.first)), written(date_of(period.last))
    return last if period.days == 1 else f"{first} to {last}"


def spoken(period: ChartPeriod) -> str:
    """Return how long a period is: `91 days`."""
    return {"day": "day", "week": "7 days", "year": "52 weeks"}.get(
        period.name, "day" if period.days == 1 else f"{period.days:,} days"
    )


def around(period: ChartPeriod, today: int) -> str:
    """Return which time a chart shows, and which the one before it."""
    if period.days == 1:
        when = "today" if period.last == today else written(date_of(period.last))
        return f"{when}, hour by hour, and the day before as a dotted line"
    if period.last == today:
        return f"the last {spoken(period)}, and those before as a dotted line"
    return f"{between(period)}, and as long before as a dotted line"


def _hour(hour: int, day: date) -> Label:
    clock = f"{hour % HOURS:02}:00"
    return Label(clock, f"{day.isoformat()}T{clock}Z", clock if hour % 6 == 0 else "")


def _tick(period: ChartPeriod, number: int, bucket: Bucket) -> str:
    first, last = date_of(bucket.first), date_of(bucket.last)
    if period.days <= 7 * period.step:
        return f"{first:%a}" if period.step == 1 else written(first)
    if period.days <= _MONTHLY:
        return f"{first.day} {first:%b}" if number % 7 == 0 else ""
    if period.days > _YEARLY:
        return (
            f"{last.year}" if number == 0 or first.year != last.year or first.timetuple().tm_yday == 1 else ""
        )
    return f"{last:%b}" if number == 0 or last.day <= period.step else ""
