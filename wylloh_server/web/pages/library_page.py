"""The library: what a person sees first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.domain.errors import NotFound
from wylloh_server.services.library.film_library import LibraryShelf
from wylloh_server.web.app_keys import SERVICES, SETTINGS
from wylloh_server.web.page_cache import respond_cached
from wylloh_server.web.pages.chain_notice import chain_notice
from wylloh_server.web.pages.library_view import library_view, shelf_view
from wylloh_server.web.pages.pairing_page import lead_tv_to_pairing
from wylloh_server.web.request_json import page_number
from wylloh_server.web.session import viewer_of
from wylloh_server.web.templating import card_fragments, render, rendered
from wylloh_server.web.vote_denial import vote_denial

if TYPE_CHECKING:
    from aiohttp import web

    from wylloh_server.domain.access import Viewer


async def library(request: web.Request) -> web.Response:
    """Show the viewer's films; somebody who is not signed in is welcomed, and sees no film. A TV is paired.

    `?shelf=folder&page=2` shows one page of one shelf.
    """
    viewer = viewer_of(request)
    if viewer is None:
        lead_tv_to_pairing(request)
        claimed = await request.app[SERVICES].sign_in.claim.done()
        tokens = bool(request.app[SETTINGS].chain.rpc)
        return await render(request, "welcome.html", claimed=claimed, tokens=tokens)
    name = request.query.get("shelf", "")
    return await (_shelf_page(request, viewer, name) if name else _first_page(request, viewer))


async def _first_page(request: web.Request, viewer: Viewer) -> web.Response:
    overview = await request.app[SERVICES].library.overview(viewer)

    async def drawn() -> str:
        view = library_view(overview, lambda film: request.app[SERVICES].posters.urls(viewer, film))
        values = {
            "view": view,
            "hero_denied": view.hero is not None and await vote_denial(request, viewer, view.hero.film),
            "notice": await chain_notice(request) if view.empty or view.unknown else "",
            "settings_file": request.app[SETTINGS].file,
            "store_url": request.app[SETTINGS].chain.store_url,
            "on_cards": await card_fragments(request, (card.film for card in view.cards)),
        }
        return await rendered(request, "library.html", values)

    return await respond_cached(request, viewer, overview, drawn)


async def _shelf_page(request: web.Request, viewer: Viewer, name: str) -> web.Response:
    posters, number = request.app[SERVICES].posters, page_number(request, 0)
    known = number > 0 and name in set(LibraryShelf)
    page = await request.app[SERVICES].library.page(viewer, LibraryShelf(name), number) if known else None
    if page is None or not page.items:
        raise NotFound("There is no such page of the library.", fix="Go back to the library.")
    shelf = shelf_view(page, lambda film: posters.urls(viewer, film))
    on_cards = await card_fragments(request, (card.film for card in shelf.cards))
    return await render(request, "shelf.html", shelf=shelf, on_cards=on_cards)
