"""Keeps secrets out of logs: play tokens, pairing codes, cookies."""

from __future__ import annotations

import re
import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web

_PLAY_TOKEN = re.compile(r"^((?:/api)?/play/)([^/]+)")
_HIDDEN = "…"
_LONG_ENOUGH = 6
"""Shorter values are words rather than secrets; blanking them would tear sentences apart."""


def logged_path(path: str) -> str:
    """Return a path as it may be logged: without play token, and never with its query (pairing codes)."""
    return _PLAY_TOKEN.sub(rf"\1{_HIDDEN}", path.partition("?")[0])


def logged_error(request: web.Request, error: BaseException) -> str:
    """Return an error and where it came from as text, without any secret this request carried."""
    text = "".join(traceback.format_exception(error))
    for secret in sorted(_secrets_of(request), key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    return text


def _secrets_of(request: web.Request) -> set[str]:
    carried = {*request.cookies.values(), *request.query.values()}
    token = _PLAY_TOKEN.match(request.path)
    if token:
        carried.add(token[2])
    return {value for value in carried if len(value) >= _LONG_ENOUGH}
