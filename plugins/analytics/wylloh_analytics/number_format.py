"""Writes numbers: exactly, in the unit people use."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

Number = int | Fraction

NONE = "\N{EN DASH}"
"""Stands where there is no number."""

PERCENT = "\N{NO-BREAK SPACE}%"
"""Follows a number, and never begins a line without it."""


def whole(number: Number) -> str:
    """Write a count."""
    return str(int(number))


def in_coins(decimals: int) -> Callable[[Number], str]:
    """Return what writes an amount of a coin's smallest unit: `4.99`; every digit there is, at least two."""

    def written(amount: Number) -> str:
        before, dot, after = _fixed(int(amount), decimals).partition(".")
        return f"{before}{dot}{after.rstrip('0').ljust(2, '0')}" if dot else before

    return written


def rounded(places: int, factor: int = 1) -> Callable[[Number], str]:
    """Return what writes a number times a factor with so many places, halves to the even neighbour."""

    def written(number: Number) -> str:
        return _fixed(round(Fraction(number) * factor * 10**places), places)

    return written


def _fixed(units: int, places: int) -> str:
    """Write a number of units of which 10 to the power of `places` are one."""
    before, after = divmod(abs(units), 10**places)
    return f"{'-' if units < 0 else ''}{before}{f'.{after:0{places}d}' if places else ''}"


percent = rounded(1, 100)
"""Write a part of the whole in hundredths."""


def grouped(text: str) -> str:
    """Write a number with commas: `1234.50` is `1,234.50`."""
    sign, digits = ("\N{MINUS SIGN}", text[1:]) if text.startswith("-") else ("", text)
    before, dot, after = digits.partition(".")
    return f"{sign}{int(before):,}{dot}{after}"


def in_percent(part: Number | None) -> str:
    """Write a part of the whole in a sentence: `100 %`, `33.3 %`; a dash when there is none."""
    return NONE if part is None else f"{grouped(percent(part)).removesuffix('.0')}{PERCENT}"


def short(number: Number | None, places: int = 0, factor: int = 1) -> str:
    """Write a number in a sentence, with commas; a dash when there is none."""
    return NONE if number is None else grouped(rounded(places, factor)(number))
