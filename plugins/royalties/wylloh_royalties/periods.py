"""Stretches of time that a statement is about: months, quarters, years, or any days. Days are days in UTC."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.sdk import InvalidValue, Timestamp, format_day, quote_input

if TYPE_CHECKING:
    from collections.abc import Mapping

_CODE = re.compile(r"([0-9]{4})(?:-(?:(0[1-9]|1[0-2])|Q([1-4])))?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EARLIEST, _LATEST = 1970, 9998
_ORDINALS = ("First", "Second", "Third", "Fourth")
_WHOLE_YEAR, _QUARTER = 12, 3


@dataclass(frozen=True, slots=True)
class StatementPeriod:
    """From the beginning of one day to the end of another.

    Attributes:
        kind: `month`, `quarter`, `year` or `custom`.
        query: how it is written into an address: `period=2026-Q4`, `from=2026-11-01&to=2026-11-05`.
        code: a name for files: `2026-Q4`, `2026-11-01_2026-11-05`.
    """

    kind: str
    name: str
    query: str
    code: str
    first: dt.date
    last: dt.date

    @property
    def begins(self) -> Timestamp:
        """The first moment."""
        return _midnight(self.first)

    @property
    def ends(self) -> Timestamp:
        """The first moment afterwards."""
        return _midnight(self.last + dt.timedelta(days=1))

    @property
    def days(self) -> str:
        """The days it goes from and to: `1 October 2026 to 31 December 2026 (UTC)`."""
        return f"{format_day(self.begins)} to {format_day(self.ends - 1)} (UTC)"

    def next(self, steps: int = 1) -> StatementPeriod | None:
        """Return the period of the same kind so many later; None for custom ones, and beyond the calendar."""
        months = {"month": 1, "quarter": _QUARTER, "year": _WHOLE_YEAR}.get(self.kind)
        if months is None:
            return None
        year, month = divmod(self.first.year * _WHOLE_YEAR + self.first.month - 1 + steps * months, 12)
        if not _EARLIEST <= year <= _LATEST:
            return None
        return _calendar(self.kind, year, month + 1)


def period_of(query: Mapping[str, str], today: dt.date) -> StatementPeriod:
    """Read the period that an address asks for; without one, the month of `today`.

    Raises:
        InvalidValue: it is no period, or ends before it begins.
    """
    if query.get("from") or query.get("to"):
        return _custom(query.get("from", ""), query.get("to", ""))
    code = query.get("period", "")
    if not code:
        return around(today, "month")
    found = _CODE.fullmatch(code)
    if found is None or not _EARLIEST <= int(found[1]) <= _LATEST:
        raise InvalidValue(
            f"{quote_input(code)} is no period.",
            fix="Write it like 2026-11, 2026-Q4 or 2026, or choose days.",
        )
    if found[2]:
        return _calendar("month", int(found[1]), int(found[2]))
    if found[3]:
        return _calendar("quarter", int(found[1]), int(found[3]) * _QUARTER)
    return _calendar("year", int(found[1]), 1)


def around(day: dt.date, kind: str) -> StatementPeriod:
    """Return the month, quarter or year that a day lies in."""
    return _calendar(kind, min(max(day.year, _EARLIEST), _LATEST), day.month)


def day_of(moment: float) -> dt.date:
    """Return the day in UTC of a moment."""
    return dt.datetime.fromtimestamp(moment, dt.UTC).date()


def _calendar(kind: str, year: int, month: int) -> StatementPeriod:
    if kind == "month":
        first = dt.date(year, month, 1)
        name, code, months = f"{first:%B %Y}", f"{year}-{month:02d}", 1
    elif kind == "quarter":
        quarter = (month - 1) // _QUARTER
        first = dt.date(year, quarter * _QUARTER + 1, 1)
        name, code, months = f"{_ORDINALS[quarter]} quarter of {year}", f"{year}-Q{quarter + 1}", _QUARTER
    else:
        first = dt.date(year, 1, 1)
        name, code, months = str(year), str(year), _WHOLE_YEAR
    after = first.month - 1 + months
    last = dt.date(year + after // 12, after % 12 + 1, 1) - dt.timedelta(days=1)
    return StatementPeriod(kind, name, f"period={code}", code, first, last)


def _custom(begin: str, end: str) -> StatementPeriod:
    first, last = _day(begin, "first"), _day(end, "last")
    if last < first:
        raise InvalidValue("The last day lies before the first.", fix="Choose a later last day.")
    name = f"{first.day} {first:%B %Y} to {last.day} {last:%B %Y}"
    return StatementPeriod("custom", name, f"from={first}&to={last}", f"{first}_{last}", first, last)


def _day(text: str, which: str) -> dt.date:
    try:
        day = dt.date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None or not _EARLIEST <= day.year <= _LATEST:
        raise InvalidValue(f"The {which} day is missing or wrong.", fix="Write it like 2026-11-05.")
    return day


def _midnight(day: dt.date) -> Timestamp:
    return Timestamp(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp())
