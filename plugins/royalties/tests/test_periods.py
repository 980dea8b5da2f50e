"""Months, quarters, years and days in UTC."""

from __future__ import annotations

import datetime as dt

import pytest

from wylloh_royalties.periods import around, day_of, period_of
from wylloh_server.sdk import InvalidValue

TODAY = dt.date(2026, 11, 21)


@pytest.mark.parametrize(
    ("query", "first", "last", "name"),
    [
        ({}, "2026-11-01", "2026-11-30", "November 2026"),
        ({"period": "2024-02"}, "2024-02-01", "2024-02-29", "February 2024"),
        ({"period": "2026-Q4"}, "2026-10-01", "2026-12-31", "Fourth quarter of 2026"),
        ({"period": "2026-Q1"}, "2026-01-01", "2026-03-31", "First quarter of 2026"),
        ({"period": "2026"}, "2026-01-01", "2026-12-31", "2026"),
        (
            {"from": "2026-11-05", "to": "2026-11-05"},
            "2026-11-05",
            "2026-11-05",
            "5 November 2026 to 5 November 2026",
        ),
    ],
)
def test_periods_are_whole_days(query, first, last, name):
    period = period_of(query, TODAY)
    assert (str(period.first), str(period.last), period.name) == (first, last, name)
    assert day_of(period.begins) == period.first
    assert day_of(period.ends - 0.001) == period.last
    assert day_of(period.ends) == period.last + dt.timedelta(days=1)
    again = period_of(dict(part.split("=") for part in period.query.split("&")), TODAY)
    assert again == period


@pytest.mark.parametrize("kind", ["month", "quarter", "year"])
def test_periods_follow_each_other_without_a_gap(kind):
    period = around(dt.date(2023, 1, 31), kind)
    for _ in range(30):
        after = period.next()
        assert after.begins == period.ends
        assert after.next(-1) == period
        period = after


def test_the_calendar_has_ends_and_custom_days_no_neighbours():
    assert around(dt.date(1970, 1, 1), "year").next(-1) is None
    assert around(dt.date(9998, 12, 1), "month").next() is None
    assert period_of({"from": "2026-01-01", "to": "2026-02-01"}, TODAY).next() is None


@pytest.mark.parametrize(
    "query",
    [
        {"period": "2026-13"},
        {"period": "2026-Q5"},
        {"period": "next month"},
        {"period": "0001"},
        {"period": "9999-12"},
        {"from": "2026-02-30", "to": "2026-03-01"},
        {"from": "2026-03-01"},
        {"from": "2026-03-02", "to": "2026-03-01"},
        {"from": "20260301", "to": "2026-03-02"},
    ],
)
def test_what_is_no_period_is_refused(query):
    with pytest.raises(InvalidValue):
        period_of(query, TODAY)
