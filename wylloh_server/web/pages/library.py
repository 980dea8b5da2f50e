"""The library: what a person sees first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.web.keys import LIBRARY, POSTERS, SETTINGS, SIGN_IN
from wylloh_server.web.pages._notice import chain_notice
from wylloh_server.web.pages._shelves import shelves_of
from wylloh_server.web.session import viewer_of
from wylloh_server.web.templating import render

if TYPE_CHECKING:
    from aiohttp import web

    from wylloh_server.domain.access import Viewer


async def library(request: web.Request) -> web.Response:
    """Show the viewer's films; somebody who is not signed in is welcomed, and sees no film."""
    viewer = viewer_of(request)
    return await (_welcome(request) if viewer is None else _shelf(request, viewer))


async def _welcome(request: web.Request) -> web.Response:
    return await render(request, "welcome.html", claimed=await request.app[SIGN_IN].claimed())


async def _shelf(request: web.Request, viewer: Viewer) -> web.Response:
    posters = request.app[POSTERS]
    items = await request.app[LIBRARY].shelf(viewer)
    shelves = shelves_of(items, lambda film: posters.url(viewer, film))
    return await render(
        request,
        "library.html",
        shelves=shelves,
        notice=await chain_notice(request) if shelves.empty or shelves.unknown else None,
        store_url=request.app[SETTINGS].chain.store_url,
    )
