"""Where the live news stood when a request arrived: a page drawn after it misses nothing that comes later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from wylloh_server.web.keys import LIVE

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

_MOMENT: web.RequestKey[str] = web.RequestKey("moment")


@web.middleware
async def remember_moment(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Note the mark before anything is read for the answer."""
    request[_MOMENT] = request.app[LIVE].mark
    return await handler(request)


def moment_of(request: web.Request) -> str:
    """Give the mark with which the page shall ask for news."""
    mark: str = request.get(_MOMENT, "")
    return mark
