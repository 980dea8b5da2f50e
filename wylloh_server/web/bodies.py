"""Reads JSON bodies field by field; whatever does not fit is refused with a plain sentence."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from wylloh_server.domain.errors import InvalidValue

if TYPE_CHECKING:
    from aiohttp import web

_LARGEST_NUMBER = 2**53 - 1
_LONGEST_TEXT = 20_000
"""Characters. A signature of a contract wallet with many owners is the longest thing people send."""


async def json_of(request: web.Request) -> Any:
    """Read a body as JSON.

    Raises:
        InvalidValue: it is none.
    """
    try:
        return json.loads(await request.read())
    except (ValueError, RecursionError):
        raise InvalidValue("The request's body is not JSON.", fix="Send one JSON object.") from None


async def object_of(request: web.Request) -> dict[str, Any]:
    """Read a body as one JSON object.

    Raises:
        InvalidValue: it is something else.
    """
    value = await json_of(request)
    if not isinstance(value, dict):
        raise InvalidValue("The request's body is not a JSON object.", fix="Send one JSON object.")
    return value


def text(body: dict[str, Any], name: str, default: str | None = None) -> str:
    """Give a text field.

    Raises:
        InvalidValue: it is missing (and there is no default), no text, or far too long.
    """
    value = body.get(name, default)
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        raise InvalidValue(f"The field {name} must be a text.", fix=f"Send {name} as text.")
    return value


def number(body: dict[str, Any], name: str) -> float:
    """Give a number field that is finite and not negative.

    Raises:
        InvalidValue: it is missing or no such number.
    """
    value = body.get(name)
    # NaN fails every comparison, and so is refused with what is no number at all.
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= _LARGEST_NUMBER:
        raise InvalidValue(f"The field {name} must be a number from 0 up.", fix=f"Send {name} as a number.")
    return float(value)
