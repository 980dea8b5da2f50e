"""Reading JSON values that came from outside: each must have the type and size expected."""

from __future__ import annotations

import re
from typing import Any

from wylloh_server.domain.errors import InvalidValue

_SHOWN = 60
_UNWRITTEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""Control signs but tab and new line, and those that turn the direction of writing round (UAX #9)."""


def text(value: Any, most: int) -> str:
    """Take a string of at most `most` characters that can be stored as UTF-8.

    Raises:
        InvalidValue: it is something else. A lone surrogate, which JSON can carry, is no text.
    """
    if not isinstance(value, str) or len(value) > most:
        raise InvalidValue(f"{_shown(value)} is not a text of at most {most:,} characters")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidValue(f"{_shown(value)} is not a text") from None
    return value


def prose(value: Any, most: int) -> str:
    """Take a text that people will read: on pages, in logs, in a terminal.

    Signs that are not written but command the screen are left out: escape sequences, and those that show
    words in another order than they stand. Raises InvalidValue as `text` does.
    """
    return _UNWRITTEN.sub("", text(value, most))


def line(value: Any, most: int) -> str:
    """Take a text of one line, as `prose` does; a tab or new line becomes a space."""
    return prose(value, most).replace("\n", " ").replace("\t", " ")


def matching(value: Any, pattern: re.Pattern[str], what: str) -> str:
    """Take a string that fits a pattern from end to end. Raises InvalidValue naming `what` it should be."""
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise InvalidValue(f"{_shown(value)} is not {what}")
    return value


def whole(value: Any, most: int) -> int:
    """Take a whole number from 0 to `most`. Raises InvalidValue; true and 1.0 are no whole numbers."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise InvalidValue(f"{_shown(value)} is not a whole number from 0 to {most:,}")
    return value


def number(value: Any, most: int) -> float:
    """Take a number from 0 to `most`, whole or not. Raises InvalidValue; true, NaN and infinity are none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
        raise InvalidValue(f"{_shown(value)} is not a number from 0 to {most:,}")
    return float(value)


def rows(value: Any, most: int) -> list[Any]:
    """Take a list of at most `most` values. Raises InvalidValue."""
    if not isinstance(value, list) or len(value) > most:
        raise InvalidValue(f"{_shown(value)} is not a list of at most {most:,} values")
    return value


def record(value: Any) -> dict[str, Any]:
    """Take an object. Raises InvalidValue."""
    if not isinstance(value, dict):
        raise InvalidValue(f"{_shown(value)} is not an object")
    return value


def _shown(value: Any) -> str:
    """Write a value short enough for a message. Numbers too long to be written are left out."""
    if isinstance(value, int) and value.bit_length() > _SHOWN * 3:
        return "a very long number"
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "an object"
    return ascii(value)[:_SHOWN]
