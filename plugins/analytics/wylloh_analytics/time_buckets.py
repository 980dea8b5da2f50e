"""Hours, days and periods, all in UTC, as whole numbers counted from 1970-01-01.

A day has one number everywhere on earth. A server's own timezone would make the same chain give other sums on
another server, and a day of daylight saving would have 23 or 25 hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from wylloh_server.sdk import InvalidValue, quote_input

if TYPE_CHECKING:
    from collections.abc import Mapping

HOURS = 24
_HOUR_SECONDS = 3600
_EPOCH = date(1970, 1, 1).toordinal()
_LAST_SECOND = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
"""A block whose clock went mad is counted on the last day that can be written."""


class Grain(IntEnum):
    """How finely something is summed up; the number is what the database keeps."""

    HOUR = 0
    DAY = 1
    MONTH = 2


def hour_of(at: float) -> int:
    """Return the hour of a moment."""
    return int(min(max(at, 0), _LAST_SECOND) // _HOUR_SECONDS)


def day_of(at: float) -> int:
    """Return the day of a moment."""
    return hour_of(at) // HOURS


@lru_cache(maxsize=64)
def month_of(day: int) -> int:
    """Return the month of a day: twelve times the year, and January is 0."""
    when = date_of(day)
    return when.year * 12 + when.month - 1


def first_of(month: int) -> int:
    """Return the first day of a month."""
    return number_of(date(month // 12, month % 12 + 1, 1))


def date_of(day: int) -> date:
    """Return the date of a day."""
    return date.fromordinal(_EPOCH + day)


def number_of(when: date) -> int:
    """Return the day of a date."""
    return when.toordinal() - _EPOCH


@dataclass(frozen=True, slots=True)
class Bucket:
    """One point of a chart over time: hours or days from `first` to `last`, both included."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class ChartPeriod:
    """Days from `first` to `last`, both included, cut into points.

    Attributes:
        name: `day`, `week`, `month`, `quarter`, `year` or `custom`.
        grain: of one point: an hour, or a day.
        step: how many days one point takes.
    """

    name: str
    first: int
    last: int

    @property
    def days(self) -> int:
        """How many days it has."""
        return self.last - self.first + 1

    @property
    def grain(self) -> Grain:
        """Of what its points are made."""
        return Grain.HOUR if self.days == 1 else Grain.DAY

    @property
    def step(self) -> int:
        """How many days one point takes, so that there are never many more points than a screen can show."""
        return 1 if self.days <= _DAILY else 7 if self.days <= _WEEKLY else 30

    @property
    def before(self) -> ChartPeriod:
        """The period of the same length that ends where this one begins."""
        return ChartPeriod(self.name, self.first - self.days, self.first - 1)

    @property
    def after(self) -> ChartPeriod:
        """The period of the same length that begins where this one ends."""
        return ChartPeriod(self.name, self.last + 1, self.last + self.days)

    @property
    def span(self) -> Bucket:
        """All of it, in hours or days as its grain is."""
        if self.grain is Grain.HOUR:
            return Bucket(self.first * HOURS, self.first * HOURS + HOURS - 1)
        return Bucket(self.first, self.last)

    @property
    def buckets(self) -> tuple[Bucket, ...]:
        """Its points, oldest first; the last one may be shorter."""
        whole = self.span
        starts = range(whole.first, whole.last + 1, self.step)
        return tuple(Bucket(start, min(start + self.step - 1, whole.last)) for start in starts)


PERIODS: Mapping[str, int] = {"day": 1, "week": 7, "month": 30, "quarter": 91, "year": 364}
"""The periods one can choose, and how many days each has: whole weeks, so that weekends meet weekends."""

_USUAL = ("year", "quarter", "month")
_DAILY = 186
_WEEKLY = 1100
_LONGEST = 36_600


def usual(begin: int | None, today: int) -> str:
    """Name the period to begin with: the longest of which the one before lies within what is known.

    So there is something to compare with as soon as there can be. `begin` is the first day of which anything
    is known, None for nothing. A month is the shortest.
    """
    long_enough = (name for name in _USUAL if begin is not None and begin <= today + 1 - 2 * PERIODS[name])
    return next(long_enough, _USUAL[-1])


def period_of(name: str, first: str, last: str, today: int) -> ChartPeriod:
    """Read a period out of an address; the texts are empty or as in `2026-11-21`.

    A named one ends with `last`, or today. A custom one is all from `first` to `last`, without `first` a
    quarter of a year. Days that have not come yet are left out.

    Raises:
        InvalidValue: what is wrong with it.
    """
    until = _day(last) if last else today
    end = min(until, today)
    if name in PERIODS:
        return ChartPeriod(name, end - PERIODS[name] + 1, end)
    if name != "custom":
        raise InvalidValue(
            f"There is no period {quote_input(name)}.", fix=f"Use {', '.join(PERIODS)} or custom."
        )
    begin = _day(first) if first else end - PERIODS["quarter"] + 1
    if begin > until:
        raise InvalidValue("The first day comes after the last one.", fix="Exchange the two dates.")
    if begin > today:
        raise InvalidValue(f"{date_of(begin)} lies in the future.", fix=f"Today is {date_of(today)} (UTC).")
    if end - begin >= _LONGEST:
        raise InvalidValue("That is more than a hundred years.", fix="Choose dates closer to each other.")
    return ChartPeriod("custom", begin, end)


def _day(text: str) -> int:
    try:
        day = number_of(date.fromisoformat(text))
    except ValueError:
        fix = "Write dates as in 2026-11-21."
        raise InvalidValue(f"{quote_input(text)} is no date.", fix=fix) from None
    if day < 0:
        raise InvalidValue(f"Nothing is known from before {date_of(0)}.", fix="Choose a later day.")
    return day
