"""The grid: search, facets, sort, pages. Every choice is a link, so it needs no script and can be shared."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wylloh_server.sdk import AccessRefused, Page, format_count
from wylloh_store.holdings import holdings_of
from wylloh_store.messages import price_line, reach_line
from wylloh_store.requests import cards_of, may_look
from wylloh_store.search_query import FACETS, RELEVANCE, SORTS, parse_search_query
from wylloh_store.store_film import AVAILABILITIES, NO_PRICE, PRICES, RUNTIMES
from wylloh_store.sync import index_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_server.sdk import LibraryItem, PluginContext, PluginRequest, Reply, Wallet
    from wylloh_store.catalog import FacetValue, Found
    from wylloh_store.index import StoreIndex
    from wylloh_store.search_query import SearchQuery
    from wylloh_store.store_film import StoreFilm

_SHOWN = 8
"""Values of a facet that stand there at once; the others are one step away."""
_ONE_HELD = "\N{MULTIPLICATION SIGN}1"
"""The mark of a film of which one holds a single token."""
_DECADE = 5
"""Signs of `1990s`."""
_FIXED = {
    "runtime": [value for value, *_ in RUNTIMES],
    "price": [*(value for value, *_ in PRICES), NO_PRICE],
    "availability": [availability.value for availability in AVAILABILITIES],
}
"""Facets whose values have an order of their own."""


@dataclass(frozen=True, slots=True)
class SortOption:
    """A link: to choose a value or no longer, to sort, or to turn a page.

    A language's `label` is its tag; the page writes its name.
    """

    label: str
    url: str
    count: int = 0
    chosen: bool = False
    within: bool = False
    is_language: bool = False


@dataclass(frozen=True, slots=True)
class Facet:
    """A facet as it is shown: `first` at once, `more` on demand."""

    name: str
    label: str
    first: tuple[SortOption, ...]
    more: tuple[SortOption, ...]


@dataclass(frozen=True, slots=True)
class CatalogRow:
    """A film's card and the line about its price.

    Attributes:
        badge: marks a film of which one token is held; of more, the theme says how many.
    """

    card: LibraryItem
    line: str
    badge: str = ""


async def grid(context: PluginContext, request: PluginRequest) -> Reply:
    """Show the films that match a search."""
    index = index_of(context)
    query = parse_search_query(request.query)
    viewer = request.viewer
    if not may_look(context, viewer):
        raise AccessRefused("Please sign in first.", fix="Sign in with your wallet.")
    wallet = viewer.wallet if viewer else None
    found = index.find(query, await holdings_of(context, wallet) if wallet else None, wallet)
    cards = await cards_of(context, viewer, [title.film.id for title in found.titles])
    facets = tuple(_facet(name, found.facets[name], query, index) for name in FACETS)
    values = {
        "search": query,
        "found": found,
        "rows": _rows(index, found.titles, cards, query, wallet),
        "facets": tuple(facet for facet in facets if facet.first),
        "chosen": tuple(
            choice for facet in facets for choice in (*facet.first, *facet.more) if choice.chosen
        ),
        "cleared": replace(query, text="", page=1).url,
        "sorts": _sorts(query),
        "before": query.at_page(found.page - 1).url if found.page > 1 else "",
        "after": query.at_page(found.page + 1).url if found.page < found.pages else "",
        "sentence": _sentence(query, found),
        "reading": index.reading,
        "sold_here": context.chain.contracts.store is not None,
    }
    return Page("grid.html", values)


def _rows(
    index: StoreIndex,
    titles: Sequence[StoreFilm],
    cards: Sequence[LibraryItem],
    query: SearchQuery,
    wallet: Wallet | None,
) -> list[CatalogRow]:
    by_film = {title.film.id: title for title in titles}
    rights = query.chosen.get("right", ())
    rows = []
    for card in cards:
        title = by_film[card.film.id]
        holding = card.stack.holding if card.stack else 0
        line = reach_line(title, rights[0], holding, index, wallet) if rights else price_line(title)
        rows.append(CatalogRow(card, line, _ONE_HELD if holding == 1 else ""))
    return rows


def _facet(name: str, values: Sequence[FacetValue], query: SearchQuery, index: StoreIndex) -> Facet:
    ordered = _ordered(name, values, query)
    choices = [
        SortOption(
            value.label,
            query.toggled(name, value.value).url,
            value.count,
            value.chosen,
            within=name == "year" and len(value.value) < _DECADE,
            is_language=name == "language",
        )
        for value in ordered
    ]
    first = [choice for place, choice in enumerate(choices) if place < _SHOWN or choice.chosen]
    rest = [choice for choice in choices if choice not in first]
    symbols = {coin.symbol for coin in index.coins.values()}
    unit = f" in {min(symbols)}" if name == "price" and len(symbols) == 1 else ""
    return Facet(name, FACETS[name] + unit, tuple(first), tuple(rest))


def _ordered(name: str, values: Sequence[FacetValue], query: SearchQuery) -> list[FacetValue]:
    if name in _FIXED:
        order = _FIXED[name]
        return sorted(values, key=lambda one: order.index(one.value) if one.value in order else len(order))
    if name == "year":
        return _decades(values, query.chosen.get("year", ()))
    return sorted(values, key=lambda one: (-one.count, one.label.casefold()))


def _decades(values: Sequence[FacetValue], chosen: Sequence[str]) -> list[FacetValue]:
    """Return decades, the newest first; the single years of a decade only once something of it is chosen."""
    opened = {value[:3] for value in chosen}
    shown = [one for one in values if len(one.value) == _DECADE or one.value[:3] in opened]
    return sorted(shown, key=lambda one: (one.value[:3], len(one.value) == _DECADE, one.value), reverse=True)


def _sorts(query: SearchQuery) -> tuple[SortOption, ...]:
    offered = [(sort, label) for sort, label in SORTS.items() if query.text or sort != RELEVANCE]
    return tuple(
        SortOption(label, replace(query, sort=sort, page=1).url, chosen=sort == query.order)
        for sort, label in offered
    )


def _sentence(query: SearchQuery, found: Found) -> str:
    films = format_count(found.total, "film")
    if not found.total:
        return f"No film matches “{query.text}”." if query.text else "No film matches."
    return f"{films} for “{query.text}”" if query.text else films
