"""Where the live news stood when a request arrived: a page drawn after it misses nothing that comes later.

What is told while a form is worked on would be lost: the page that sent it is about to go, and the one that
it leads to is drawn later. So that one asks for the news since the form arrived; a cookie says so, for a few
seconds.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from wylloh_server.web.app_keys import LIVE
from wylloh_server.web.session import cookie, forget_cookie, set_cookie

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

_MOMENT: web.RequestKey[str] = web.RequestKey("moment")
_COOKIE = "wylloh_since"
_LASTS = 10
"""Seconds within which a browser follows a redirect."""
_MARK = re.compile(r"[0-9a-f]{8}-[0-9]{1,15}")


@web.middleware
async def remember_cursor(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Record the mark before anything is read for the answer, or that of the form which led here."""
    of_form = cookie(request, _COOKIE) if request.method == hdrs.METH_GET else ""
    request[_MOMENT] = of_form if _MARK.fullmatch(of_form) else request.app[LIVE].mark
    response = await handler(request)
    if of_form and not response.prepared and response.content_type == "text/html":
        forget_cookie(request, response, _COOKIE)
    return response


def request_cursor(request: web.Request) -> str:
    """Return the mark with which the page shall ask for news."""
    mark: str = request.get(_MOMENT, "")
    return mark


def keep_cursor(request: web.Request, response: web.StreamResponse) -> None:
    """Have the page that a form leads to ask for the news since the form arrived."""
    set_cookie(request, response, _COOKIE, request_cursor(request), max_age=_LASTS)
