"""What templates do with plain values: each function is a filter of the same name."""

from __future__ import annotations

import re
import time
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_UP, Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from wylloh_server.domain.byte_size import format_byte_size
from wylloh_server.domain.languages import language_name
from wylloh_server.domain.moments import find_moments, format_iso, utc_day, utc_minute, utc_second
from wylloh_server.domain.types import short_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = [
    "FILTERS",
    "ago",
    "cents",
    "count",
    "date",
    "language",
    "languages",
    "moment",
    "runtime",
    "second",
    "short_address",
    "things",
    "times",
    "until",
]

_THINGS = ("Nothing", "One thing", "Two things", "Three things", "Four things", "Five things")
_MINUTE = 60
_HOUR = 3600
_DAY = 86_400
_JUST_NOW = 5 * _MINUTE
"""Sessions note no more often than this that they were seen."""
_CENT = Decimal("0.01")
_ROUNDINGS = {"nearest": ROUND_HALF_EVEN, "up": ROUND_UP, "down": ROUND_DOWN}
_FINE_AMOUNT = re.compile(r"[0-9][0-9,]*\.[0-9]{3,}")
_SHORT = 5 * _MINUTE
"""Below this a film's seconds are worth a word."""


def runtime(seconds: float) -> str:
    """Write a length as people say it: `1 h 04 min`, `12 min`, `1 min 30 s`, `45 s`."""
    if round(seconds) < _SHORT:
        minutes, rest = divmod(max(0, round(seconds)), _MINUTE)
        words = [f"{minutes} min"] * bool(minutes) + [f"{rest} s"] * (rest > 0 or not minutes)
        return " ".join(words)
    hours, minutes = divmod(round(seconds / _MINUTE), 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


def things(number: int) -> str:
    """Write a number of things as a sentence begins with it: `Nothing`, `One thing`, `12 things`."""
    return _THINGS[number] if number < len(_THINGS) else f"{number:,} things"


def count(number: int) -> str:
    """Write a number with thousands separators: `5,000`."""
    return f"{number:,}"


def language(tag: str) -> str:
    """Return a language's own name: `de-AT` is `Deutsch (AT)`, one we do not know its tag."""
    return language_name(tag) or "Unknown language"


def languages(tags: Iterable[str]) -> str:
    """Name languages in a row, `English, Deutsch`; those nobody named are left out."""
    return ", ".join(filter(None, map(language_name, tags)))


def moment(at: float) -> Markup:
    """Write a moment (seconds since 1970) to the minute: `3 December 2026, 18:00 UTC`.

    This and the filters below give a `<time>` that reads as UTC and has the minute in UTC as its title;
    `local-times.js` shows it in the viewer's own zone.
    """
    return _time(at, utc_minute(at), "minute")


def second(at: float) -> Markup:
    """Write a moment (seconds since 1970) to the second: `3 December 2026, 18:00:07 UTC`."""
    return _time(at, utc_second(at), "second", title=utc_second(at))


def date(at: float) -> Markup:
    """Write the day of a moment (seconds since 1970): `20 November 2026`."""
    return _time(at, utc_day(at), "day")


def ago(at: float, now: float | None = None) -> Markup:
    """Write how long ago a moment (UTC seconds) was: `just now`, `9 min ago`, `2 h ago`, or its day."""
    passed = (time.time() if now is None else now) - at
    if passed >= _DAY:
        return date(at)
    if passed <= _JUST_NOW:
        return _time(at, "just now", "distance")
    near = f"{int(passed / _MINUTE)} min ago" if passed < _HOUR else f"{int(passed / _HOUR)} h ago"
    return _time(at, near, "distance")


def until(at: float, now: float | None = None) -> Markup:
    """Write when a moment (UTC seconds) comes: `in 29 min`, `in 2 h`, its day, or `any moment` once past."""
    left = at - (time.time() if now is None else now)
    if left >= _DAY:
        return Markup("on {}").format(date(at))
    if left <= 0:
        return _time(at, "any moment", "distance")
    near = f"in {max(1, round(left / _MINUTE))} min" if left < _HOUR else f"in {int(left / _HOUR)} h"
    return _time(at, near, "distance")


def times(text: str, show: str = "minute") -> Markup:
    """Show each moment that a sentence names in UTC as `moment` does, or as `date` if `show` is `day`."""
    whole = escape(text)
    if " UTC" not in whole:
        return whole
    pieces, done = [], 0
    for begin, end, at in find_moments(whole):
        pieces += [whole[done:begin], date(at) if show == "day" else moment(at)]
        done = end
    return Markup("").join([*pieces, whole[done:]])


def _time(at: float, text: str, show: str, title: str = "") -> Markup:
    return Markup('<time datetime="{}" title="{}" data-show="{}">{}</time>').format(
        format_iso(at), title or utc_minute(at), show, text
    )


def cents(text: str, toward: str = "nearest", *, in_link: bool = False) -> Markup:
    """Round the amounts of a text to two decimals; each keeps its exact figure, shown at a press or by Tab.

    An amount that would be nothing is left as it is. Where somebody decides what to sign, amounts are not
    rounded at all, or so that they cannot mislead: what is paid goes `up`, what is received `down`.

    Args:
        text: as code writes amounts: `3.40275 dUSD each`.
        toward: `nearest`, `up` or `down`.
        in_link: whether it is within a link, which leads to the exact figure.
    """
    shown = _FINE_AMOUNT.sub(lambda found: _rounded(found[0], toward, in_link=in_link), escape(text))
    return Markup(shown)  # noqa: S704 - escaped before the amounts were marked


def _rounded(exact: str, toward: str, *, in_link: bool) -> str:
    whole = Decimal(exact.replace(",", ""))
    amount = whole.quantize(_CENT, _ROUNDINGS[toward])
    if not amount or whole < _CENT / 2:
        return exact
    focus = "" if in_link else ' tabindex="0"'
    return f'<abbr class="exact" title="{exact}"{focus}>{amount:,}</abbr>'


FILTERS: Mapping[str, Callable[..., str]] = MappingProxyType(
    {
        "short_address": short_address,
        "runtime": runtime,
        "count": count,
        "language": language,
        "languages": languages,
        "date": date,
        "moment": moment,
        "second": second,
        "times": times,
        "ago": ago,
        "until": until,
        "size": format_byte_size,
        "cents": cents,
    }
)
