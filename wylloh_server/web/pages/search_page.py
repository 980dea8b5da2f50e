"""Search: every film of the library by words, in an order, filtered."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from wylloh_server.services.library.film_search import FilmFilter, FilmQuery, FilmSort
from wylloh_server.web.app_keys import SERVICES
from wylloh_server.web.request_json import page_number
from wylloh_server.web.session import require_viewer
from wylloh_server.web.templating import card_fragments, render

if TYPE_CHECKING:
    from aiohttp import web

_LONGEST_TEXT = 200
_SORTS = {
    FilmSort.MATCH: "Best match",
    FilmSort.TITLE: "Title",
    FilmSort.NEWEST: "Newest",
    FilmSort.OLDEST: "Oldest",
    FilmSort.SHORTEST: "Shortest",
    FilmSort.LONGEST: "Longest",
}
_FILTERS = {
    FilmFilter.ALL: "All films",
    FilmFilter.MINE: "Yours",
    FilmFilter.READY: "Ready offline",
    FilmFilter.NEW: "Not begun",
}


async def search(request: web.Request) -> web.Response:
    """Show the films that `?q=` finds, in the order `sort`, those of `show`; all is in the address."""
    viewer, query = require_viewer(request), _query(request)
    found = await request.app[SERVICES].search.find(viewer, query)
    return await render(
        request,
        "search.html",
        query=query,
        found=found,
        on_cards=await card_fragments(request, (item.film for item in found.items)),
        sorts=_SORTS,
        filters=[(label, _url(replace(query, shown=one, number=1)), one) for one, label in _FILTERS.items()],
        before=_url(replace(query, number=query.number - 1)) if query.number > 1 else "",
        after=_url(replace(query, number=query.number + 1)) if query.number < found.pages else "",
    )


def _query(request: web.Request) -> FilmQuery:
    """Read an address. What cannot be meant is left out, so that an old or mistyped address still works."""
    given = request.query
    sort, shown = given.get("sort", ""), given.get("show", "")
    return FilmQuery(
        text=" ".join(given.get("q", "").split())[:_LONGEST_TEXT],
        sort=FilmSort(sort) if sort in set(FilmSort) else FilmSort.MATCH,
        shown=FilmFilter(shown) if shown in set(FilmFilter) else FilmFilter.ALL,
        number=page_number(request),
    )


def _url(query: FilmQuery) -> str:
    given = {
        "q": query.text,
        "sort": query.sort if query.sort is not FilmSort.MATCH else "",
        "show": query.shown if query.shown is not FilmFilter.ALL else "",
        "page": str(query.number) if query.number > 1 else "",
    }
    asked = urlencode({name: value for name, value in given.items() if value})
    return f"/search?{asked}" if asked else "/search"
