"""Numbers, money, dates, plurals and lists as people read them, with the rules of Unicode CLDR (Babel).

Every function takes the `locale` of the reader (BCP 47, such as `de-AT`); English where it is not known.
Moments are seconds since 1970 and written in UTC.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import TYPE_CHECKING

from babel.core import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.lists import format_list as _babel_list
from babel.numbers import format_decimal

from wylloh_server.domain.languages import ENGLISH, english_name, language_name
from wylloh_server.domain.moments import format_iso
from wylloh_server.domain.percentage import format_percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_server.domain.chain_events import Coin

__all__ = [
    "ENGLISH",
    "english_name",
    "format_count",
    "format_day",
    "format_exact",
    "format_iso",
    "format_list",
    "format_minute",
    "format_money",
    "format_number",
    "format_percent",
    "language_name",
    "plural",
]

_EXACT = 10**15
"""From here on Babel rounds: its decimals have 28 digits, a contract's numbers up to 78."""


def format_number(number: int, locale: str = ENGLISH) -> str:
    """Return a whole number of any size with its groups: `5,000`."""
    known = _locale(locale)
    if abs(number) < _EXACT:
        return format_decimal(int(number), locale=known)
    return f"{int(number):,}".replace(",", known.number_symbols["latn"]["group"])


def plural(count: int, one: str, many: str = "", locale: str = ENGLISH) -> str:
    """Return `one` in the locale's plural category "one", else `many`, which is `one` + s by default."""
    return one if _locale(locale).plural_form(count) == "one" else many or f"{one}s"


def format_count(count: int, one: str, many: str = "", locale: str = ENGLISH) -> str:
    """Return a number of things: `1 token`, `5,000 tokens`."""
    return f"{format_number(count, locale)} {plural(count, one, many, locale)}"


def format_list(things: Sequence[str], locale: str = ENGLISH) -> str:
    """Return things in a row: `a`, `a and b`, `a, b and c`."""
    return _babel_list(things, locale=_locale(locale)) if things else ""


def format_day(moment: float, locale: str = ENGLISH) -> str:
    """Return the day of a moment in UTC: `3 December 2026`."""
    return format_date(dt.datetime.fromtimestamp(moment, dt.UTC).date(), "long", locale=_locale(locale))


def format_minute(moment: float, locale: str = ENGLISH, *, zone: bool = True) -> str:
    """Return a moment in UTC to the minute: `3 December 2026, 18:00 UTC`, without `zone` no "UTC"."""
    time = f"{dt.datetime.fromtimestamp(moment, dt.UTC):%H:%M}"
    return f"{format_day(moment, locale)}, {time}{' UTC' if zone else ''}"


def format_money(amount: int, coin: Coin, *, symbol: bool = True, locale: str = ENGLISH) -> str:
    """Return an exact amount of a coin's smallest unit: `4.99 USDC`; two decimals or all that are needed.

    Args:
        amount: in the smallest unit.
        coin: its decimals and symbol.
        symbol: whether to add the coin's symbol.
        locale: of the reader.
    """
    whole, part = divmod(abs(amount), 10**coin.decimals)
    digits = f"{part:0{coin.decimals}d}".rstrip("0").ljust(2, "0") if coin.decimals else ""
    point = _locale(locale).number_symbols["latn"]["decimal"] if digits else ""
    sign = "-" if amount < 0 else ""
    return f"{sign}{format_number(whole, locale)}{point}{digits}{f' {coin.symbol}' if symbol else ''}"


def format_exact(amount: int, coin: Coin) -> str:
    """Return an amount as programs and form fields hold it: `5000.00`, without groups and symbol."""
    return format_money(amount, coin, symbol=False).replace(",", "")


@lru_cache(maxsize=256)
def _locale(tag: str) -> Locale:
    try:
        return Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale.parse(ENGLISH, sep="-")
