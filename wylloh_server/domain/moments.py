"""Moments as text, in UTC. A page shows what `find_moments` finds in a text in the viewer's own zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from wylloh_server.domain.types import Timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["find_moments", "format_iso", "utc_day", "utc_minute", "utc_second"]

_WRITTEN = re.compile(r"\b\d{1,2} [A-Z][a-z]{2,8} \d{4}, \d{2}:\d{2} UTC\b", re.ASCII)


def utc_day(moment: float) -> str:
    """Return the day of a moment in UTC: `3 December 2026`."""
    day = datetime.fromtimestamp(moment, UTC)
    return f"{day.day} {day:%B %Y}"


def utc_minute(moment: float) -> str:
    """Return a moment to the minute: `3 December 2026, 18:00 UTC`."""
    return f"{utc_day(moment)}, {datetime.fromtimestamp(moment, UTC):%H:%M} UTC"


def utc_second(moment: float) -> str:
    """Return a moment to the second: `3 December 2026, 18:00:07 UTC`."""
    return f"{utc_day(moment)}, {datetime.fromtimestamp(moment, UTC):%H:%M:%S} UTC"


def format_iso(moment: float) -> str:
    """Return a moment for programs (ISO 8601, UTC, to the second): `2026-12-03T18:00:00Z`."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}"


def find_moments(text: str) -> Iterator[tuple[int, int, Timestamp]]:
    """Yield begin, end and value of each moment that a text has as `utc_minute` writes it."""
    for found in _WRITTEN.finditer(text):
        try:
            moment = datetime.strptime(found[0], "%d %B %Y, %H:%M UTC").replace(tzinfo=UTC)
        except ValueError:  # no month's name, or no day of it
            continue
        yield found.start(), found.end(), Timestamp(moment.timestamp())
