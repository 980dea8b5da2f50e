"""Moments as text, and found again in a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wylloh_server.domain.moments import find_moments, format_iso, utc_day, utc_minute
from wylloh_server.sdk import format_minute

MOMENT = 1_796_320_800


def test_a_moment_names_utc():
    assert utc_day(MOMENT) == "3 December 2026"
    assert utc_minute(MOMENT) == "3 December 2026, 18:00 UTC"
    assert format_iso(MOMENT) == "2026-12-03T18:00:00Z"


@given(st.integers(min_value=0, max_value=253_402_300_799 // 60))
def test_what_is_written_is_found_and_plugins_write_it_alike(minutes):
    text = utc_minute(minutes * 60)
    assert format_minute(minutes * 60) == text
    assert list(find_moments(f"It begins on {text}: soon.")) == [(13, 13 + len(text), minutes * 60)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "3 December 2026",
        "3 December 2026, 18:00",
        "31 February 2026, 18:00 UTC",
        "3 Decemb 2026, 18:00 UTC",
    ],
)
def test_what_is_no_whole_moment_is_left_alone(text):
    assert list(find_moments(text)) == []
