"""Days, hours and periods in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wylloh_analytics.labels import around, between, labels, spoken
from wylloh_analytics.time_buckets import (
    PERIODS,
    Grain,
    ChartPeriod,
    date_of,
    day_of,
    first_of,
    hour_of,
    month_of,
    number_of,
    period_of,
    usual,
)
from wylloh_server.domain.errors import InvalidValue

TODAY = number_of(date(2026, 11, 21))
SECONDS = st.integers(0, int(datetime(9999, 12, 30, tzinfo=UTC).timestamp()))


@given(SECONDS)
def test_moments_fall_into_the_hours_days_and_months_of_the_calendar(seconds):
    when = datetime.fromtimestamp(seconds, UTC)
    day = day_of(seconds)
    assert date_of(day) == when.date()
    assert number_of(when.date()) == day
    assert hour_of(seconds) == day * 24 + when.hour
    assert (month_of(day) // 12, month_of(day) % 12 + 1) == (when.year, when.month)
    assert date_of(first_of(month_of(day))) == when.date().replace(day=1)


def test_a_block_whose_clock_went_mad_is_counted_on_the_last_day_there_is():
    assert date_of(day_of(2**64)) == date(9999, 12, 31)
    assert day_of(-5) == 0


@pytest.mark.parametrize(("name", "days"), PERIODS.items())
def test_a_named_period_ends_today_and_the_one_before_where_it_begins(name, days):
    period = period_of(name, "", "", TODAY)
    assert (period.last, period.days) == (TODAY, days)
    assert (period.before.last, period.before.days) == (period.first - 1, days)
    assert period.before.after == period


def test_a_period_may_end_on_another_day_but_not_after_today():
    assert date_of(period_of("week", "", "2026-11-01", TODAY).last) == date(2026, 11, 1)
    assert period_of("week", "", "2027-11-01", TODAY).last == TODAY


def test_a_custom_period_is_from_one_day_to_another():
    period = period_of("custom", "2026-01-01", "2026-03-31", TODAY)
    assert (date_of(period.first), date_of(period.last), period.days) == (
        date(2026, 1, 1),
        date(2026, 3, 31),
        90,
    )
    assert period_of("custom", "", "", TODAY).days == PERIODS["quarter"]


@pytest.mark.parametrize(
    ("name", "first", "last", "sentence"),
    [
        ("decade", "", "", "There is no period “decade”."),
        ("custom", "2026-02-30", "2026-03-01", "“2026-02-30” is no date."),
        ("custom", "2026-03-01", "2026-02-01", "The first day comes after the last one."),
        ("custom", "1899-01-01", "2026-02-01", "Nothing is known from before 1970-01-01."),
        ("custom", "2026-11-22", "2026-11-23", "2026-11-22 lies in the future."),
        ("custom", "2999-02-01", "2999-01-01", "The first day comes after the last one."),
        ("custom", "1970-01-01", "2099-01-01", None),
        ("week", "", "tomorrow", "“tomorrow” is no date."),
        ("week", "", "x" * 5000, f"“{'x' * 59}…” is no date."),
        ("week", "", "0001-01-01", "Nothing is known from before 1970-01-01."),
    ],
)
def test_what_is_no_period_is_refused_in_a_sentence(name, first, last, sentence):
    if sentence is None:
        assert period_of(name, first, last, TODAY).last == TODAY
        return
    with pytest.raises(InvalidValue) as refused:
        period_of(name, first, last, TODAY)
    assert str(refused.value) == sentence
    assert refused.value.fix


def test_more_than_a_hundred_years_are_refused():
    far = number_of(date(2199, 1, 1))
    with pytest.raises(InvalidValue, match="a hundred years"):
        period_of("custom", "1970-01-01", "2199-01-01", far)


@pytest.mark.parametrize(
    ("known_days", "name"),
    [
        (None, "month"), (1, "month"), (60, "month"), (181, "month"), (182, "quarter"), (727, "quarter"),
        (728, "year"), (9000, "year"),
    ],
)  # fmt: skip
def test_the_usual_period_is_the_longest_that_can_be_compared(known_days, name):
    begin = None if known_days is None else TODAY - known_days + 1
    assert usual(begin, TODAY) == name
    if known_days and known_days > 60:
        assert period_of(name, "", "", TODAY).before.first >= begin


@given(st.integers(1, 40_000))
def test_points_cover_a_period_without_gap_and_fit_on_a_screen(days):
    period = ChartPeriod("custom", TODAY - days + 1, TODAY)
    buckets = period.buckets
    assert (buckets[0].first, buckets[-1].last) == (period.span.first, period.span.last)
    assert all(one.last + 1 == other.first for one, other in zip(buckets, buckets[1:], strict=False))
    assert len(buckets) == len(period.before.buckets) == len(labels(period))
    assert len(buckets) <= max(186, days // 30 + 1)
    assert period.grain is (Grain.HOUR if days == 1 else Grain.DAY)


def ticks(name):
    return [(label.key, label.tick) for label in labels(period_of(name, "", "", TODAY)) if label.tick]


def test_points_are_named_for_people_for_programs_and_below_the_drawing():
    day = labels(period_of("day", "", "", TODAY))
    assert (day[13].text, day[13].key) == ("13:00", "2026-11-21T13:00Z")
    assert [label.tick for label in day if label.tick] == ["00:00", "06:00", "12:00", "18:00"]
    assert [tick for _, tick in ticks("week")] == ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    assert ticks("month")[0] == ("2026-10-23", "23 Oct")
    assert ticks("quarter") == [
        ("2026-08-23", "Aug"),
        ("2026-09-01", "Sep"),
        ("2026-10-01", "Oct"),
        ("2026-11-01", "Nov"),
    ]
    assert len({tick for _, tick in ticks("year")}) == 12
    assert labels(period_of("year", "", "", TODAY))[0].text == "23 Nov 2025 to 29 Nov 2025"


def test_years_stand_below_what_is_longer():
    long = ChartPeriod("custom", number_of(date(2020, 5, 1)), TODAY)
    assert [label.tick for label in labels(long) if label.tick] == [
        "2020", "2021", "2022", "2023", "2024", "2025", "2026",
    ]  # fmt: skip


def test_a_chart_says_which_time_it_shows():
    assert around(period_of("quarter", "", "", TODAY), TODAY) == (
        "the last 91 days, and those before as a dotted line"
    )
    assert between(period_of("week", "", "", TODAY)) == "15 Nov 2026 to 21 Nov 2026"
    assert between(period_of("day", "", "", TODAY)) == "21 Nov 2026"
    assert around(period_of("day", "", "", TODAY), TODAY).startswith("today, hour by hour")
    assert around(period_of("day", "", "2026-11-02", TODAY), TODAY).startswith("2 Nov 2026, hour by hour")
    assert around(period_of("week", "", "2026-11-02", TODAY), TODAY).startswith("27 Oct 2026 to 2 Nov 2026")
    assert [spoken(period_of(name, "", "", TODAY)) for name in PERIODS] == [
        "day", "7 days", "30 days", "91 days", "52 weeks",
    ]  # fmt: skip
