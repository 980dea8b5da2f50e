"""Reads what a request carries: JSON bodies field by field, page numbers.

Whatever does not fit is refused with a plain sentence.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from wylloh_server.domain.errors import InvalidValue

if TYPE_CHECKING:
    from aiohttp import web

_LARGEST_NUMBER = 2**53 - 1
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
"""Half of a character outside of the basic plane, as JSON writes it (RFC 8259, 7)."""
_PAGE_NUMBER = re.compile(r"[1-9][0-9]{0,5}")
LONGEST_TEXT = 20_000
"""Characters. A signature of a contract wallet with many owners is the longest thing people send."""


def page_number(request: web.Request, default: int = 1) -> int:
    """Return the number in `?page=`: the first page when there is none, `default` when it is no number."""
    typed = request.query.get("page", "1")
    return int(typed) if _PAGE_NUMBER.fullmatch(typed) else default


async def read_json(request: web.Request) -> Any:
    """Read a body as JSON.

    Raises:
        InvalidValue: it is none.
    """
    try:
        return _parsed(await request.read())
    except (ValueError, RecursionError):
        raise InvalidValue("The request's body is not JSON.", fix="Send one JSON object.") from None


def _parsed(body: bytes) -> Any:
    value = json.loads(body)
    if _SURROGATE.search(body):  # half of a pair is no character: no database or file could keep it
        json.dumps(value, ensure_ascii=False).encode()
    return value


async def read_object(request: web.Request) -> dict[str, Any]:
    """Read a body as one JSON object.

    Raises:
        InvalidValue: it is something else.
    """
    value = await read_json(request)
    if not isinstance(value, dict):
        raise InvalidValue("The request's body is not a JSON object.", fix="Send one JSON object.")
    return value


def text(body: dict[str, Any], name: str, default: str | None = None) -> str:
    """Return a text field.

    Raises:
        InvalidValue: it is missing (and there is no default), no text, or longer than LONGEST_TEXT.
    """
    value = body.get(name, default)
    if not isinstance(value, str):
        raise InvalidValue(f"The field {name} must be a text.", fix=f"Send {name} as text.")
    return bounded_text(value, f"The field {name}", LONGEST_TEXT)


def bounded_text(value: str, what: str, longest: int) -> str:
    """Return a text of at most `longest` characters; `what` is its name. Raises InvalidValue."""
    if len(value) > longest:
        raise InvalidValue(f"{what} has {len(value):,} characters.", fix=f"Use {longest:,} at most.")
    return value


def number(body: dict[str, Any], name: str) -> float:
    """Return a number field that is finite and not negative.

    Raises:
        InvalidValue: it is missing or no such number.
    """
    value = body.get(name)
    # NaN fails every comparison, and so is refused with what is no number at all.
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= _LARGEST_NUMBER:
        raise InvalidValue(f"The field {name} must be a number from 0 up.", fix=f"Send {name} as a number.")
    return float(value)
