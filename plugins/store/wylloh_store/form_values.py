"""Reading what people type: quantities, prices, moments. Digits become whole numbers; nothing is a float."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

from wylloh_server.sdk import InvalidValue, Timestamp, format_count, quote_input

if TYPE_CHECKING:
    from wylloh_server.sdk import Coin

LARGEST = (1 << 256) - 1
"""The largest number a contract can take."""

_LONGEST = 100
_LONGEST_QUOTE = 40
_WHOLE = re.compile(r"[0-9]+")
_AMOUNT = re.compile(r"([0-9]+)(?:\.([0-9]+))?|\.([0-9]+)")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?Z?", re.ASCII)


def quantity_of(text: str, what: str = "number of tokens") -> int:
    """Read a number of tokens, 1 or more.

    Raises:
        InvalidValue: it is none; the sentence says why.
    """
    fix = "Write a whole number such as 12."
    plain = _plain(text)
    if not plain:
        raise InvalidValue(f"The {what} is missing.", fix=fix)
    _refuse_negative(plain, what, fix)
    if not _WHOLE.fullmatch(plain):
        raise InvalidValue(
            f"{quote_input(text, _LONGEST_QUOTE)} is not a {what}: tokens cannot be divided.", fix=fix
        )
    return _bounded(int(plain), what, fix)


def amount_of(text: str, coin: Coin, what: str = "price") -> int:
    """Read an amount of a coin, such as `4.99`, into its smallest unit; more than 0.

    Raises:
        InvalidValue: it is none, is 0, or has more decimals than the coin; the sentence says which.
    """
    fix = f"Write an amount of {coin.symbol} such as {_example(coin)}."
    plain = _plain(text).removesuffix(coin.symbol).strip()
    if not plain:
        raise InvalidValue(f"The {what} is missing.", fix=fix)
    _refuse_negative(plain, what, fix)
    found = _AMOUNT.fullmatch(plain)
    if found is None:
        comma = " A point parts the decimals." if "," in plain else ""
        raise InvalidValue(f"{quote_input(text, _LONGEST_QUOTE)} is not a {what}.{comma}", fix=fix)
    decimals = found[2] or found[3] or ""
    if len(decimals.rstrip("0")) > coin.decimals:
        raise InvalidValue(
            f"{coin.symbol} has {_counted(coin.decimals)}, {quote_input(text, _LONGEST_QUOTE)} has more.",
            fix=fix,
        )
    digits = (found[1] or "0") + decimals[: coin.decimals].ljust(coin.decimals, "0")
    return _bounded(int(digits), what, fix)


def moment_of(text: str, what: str) -> Timestamp:
    """Read what a date-and-time field gives, in UTC: `2026-12-03T18:00Z`, or without the Z.

    Raises:
        InvalidValue: it is none.
    """
    refusal = InvalidValue(
        f"{quote_input(text, _LONGEST_QUOTE)} is not a {what}.",
        fix="Write it like 2026-12-03T18:00Z, in UTC.",
    )
    plain = text.strip()
    if not _MOMENT.fullmatch(plain):
        raise refusal
    try:
        return Timestamp(dt.datetime.fromisoformat(plain).replace(tzinfo=dt.UTC).timestamp())
    except ValueError:
        raise refusal from None


def typed_moment(moment: float) -> str:
    """Write a moment as a date-and-time field holds it, in UTC."""
    return f"{dt.datetime.fromtimestamp(moment, dt.UTC):%Y-%m-%dT%H:%M}"


def _plain(text: str) -> str:
    return text.strip().replace("\N{MINUS SIGN}", "-")[:_LONGEST]


def _refuse_negative(plain: str, what: str, fix: str) -> None:
    if plain.startswith("-"):
        raise InvalidValue(f"A {what} cannot be negative.", fix=fix)


def _bounded(number: int, what: str, fix: str) -> int:
    if number == 0:
        raise InvalidValue(f"The {what} must be more than 0.", fix=fix)
    if number > LARGEST:
        raise InvalidValue(f"That {what} is larger than any contract can take.", fix=fix)
    return number


def _example(coin: Coin) -> str:
    return "4.99"[: 2 + coin.decimals] if coin.decimals else "5"


def _counted(decimals: int) -> str:
    return format_count(decimals, "decimal") if decimals else "no decimals"
