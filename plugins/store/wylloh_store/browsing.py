"""The grid: search, facets, sort, pages. Every choice is a link, so it needs no script and can be shared."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wylloh_server.sdk import Page
from wylloh_store.asking import cards_of
from wylloh_store.holdings import holdings_of
from wylloh_store.keeper import shop_of
from wylloh_store.titles import AVAILABILITIES, DEAREST, LONGER, PRICES, RUNTIMES
from wylloh_store.wish import FACETS, RELEVANCE, SORTS, wish_of
from wylloh_store.words import price_line, reach_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_server.sdk import FilmCard, PluginContext, PluginRequest, Reply, Viewer
    from wylloh_store.catalogue import FacetValue, Found
    from wylloh_store.shop import Shop
    from wylloh_store.titles import Title
    from wylloh_store.wish import Wish

_SHOWN = 8
"""Values of a facet that stand there at once; the others are one step away."""
_ONE_HELD = "\N{MULTIPLICATION SIGN}1"
"""The mark of a film of which one holds a single token."""
_DECADE = 5
"""Signs of `1990s`."""
_FIXED = {
    "runtime": [value for value, *_ in (*RUNTIMES, *LONGER)],
    "price": [*(value for value, *_ in PRICES), DEAREST[0], "none"],
    "availability": [availability.value for availability in AVAILABILITIES],
}


@dataclass(frozen=True, slots=True)
class Choice:
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
    first: tuple[Choice, ...]
    more: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Shelf:
    """A film's card and the line about its price.

    Attributes:
        badge: marks a film of which one token is held; of more, the theme says how many.
    """

    card: FilmCard
    line: str
    badge: str = ""


async def grid(context: PluginContext, request: PluginRequest) -> Reply:
    """Show what somebody looks for."""
    shop = shop_of(context)
    wish = wish_of(request.query)
    viewer = request.viewer
    found = shop.find(wish, await holdings_of(context, viewer), viewer.wallet if viewer else None)
    cards = await cards_of(context, request.viewer, [title.film.id for title in found.titles])
    facets = tuple(_facet(name, found.facets[name], wish, shop) for name in FACETS)
    values = {
        "wish": wish,
        "found": found,
        "shelves": _shelves(shop, found.titles, cards, wish, viewer),
        "facets": tuple(facet for facet in facets if facet.first),
        "chosen": tuple(
            choice for facet in facets for choice in (*facet.first, *facet.more) if choice.chosen
        ),
        "cleared": replace(wish, text="", page=1).url,
        "sorts": _sorts(wish),
        "before": wish.at_page(found.page - 1).url if found.page > 1 else "",
        "after": wish.at_page(found.page + 1).url if found.page < found.pages else "",
        "sentence": _sentence(wish, found),
        "reading": shop.reading,
        "sold_here": context.chain.contracts.store is not None,
    }
    return Page("grid.html", values)


def _shelves(
    shop: Shop, titles: Sequence[Title], cards: Sequence[FilmCard], wish: Wish, viewer: Viewer | None
) -> list[Shelf]:
    by_film = {title.film.id: title for title in titles}
    rights = wish.chosen.get("right", ())
    shelves = []
    for card in cards:
        title = by_film[card.film.id]
        holding = card.stack.holding if card.stack else 0
        wallet = viewer.wallet if viewer else None
        line = reach_line(title, rights[0], holding, shop, wallet) if rights else price_line(title)
        shelves.append(Shelf(card, line, _ONE_HELD if holding == 1 else ""))
    return shelves


def _facet(name: str, values: Sequence[FacetValue], wish: Wish, shop: Shop) -> Facet:
    ordered = _ordered(name, values, wish)
    choices = [
        Choice(
            value.label,
            wish.toggled(name, value.value).url,
            value.count,
            value.chosen,
            within=name == "year" and len(value.value) < _DECADE,
            is_language=name == "language",
        )
        for value in ordered
    ]
    first = [choice for place, choice in enumerate(choices) if place < _SHOWN or choice.chosen]
    rest = [choice for choice in choices if choice not in first]
    symbols = {coin.symbol for coin in shop.coins.values()}
    unit = f" in {min(symbols)}" if name == "price" and len(symbols) == 1 else ""
    return Facet(name, FACETS[name] + unit, tuple(first), tuple(rest))


def _ordered(name: str, values: Sequence[FacetValue], wish: Wish) -> list[FacetValue]:
    if name in _FIXED:
        order = _FIXED[name]
        return sorted(values, key=lambda one: order.index(one.value) if one.value in order else len(order))
    if name == "year":
        return _decades(values, wish.chosen.get("year", ()))
    return sorted(values, key=lambda one: (-one.count, one.label.casefold()))


def _decades(values: Sequence[FacetValue], chosen: Sequence[str]) -> list[FacetValue]:
    """Give decades, the newest first; the single years of a decade only once something of it is chosen."""
    opened = {value[:3] for value in chosen}
    shown = [one for one in values if len(one.value) == _DECADE or one.value[:3] in opened]
    return sorted(shown, key=lambda one: (one.value[:3], len(one.value) == _DECADE, one.value), reverse=True)


def _sorts(wish: Wish) -> tuple[Choice, ...]:
    offered = [(sort, label) for sort, label in SORTS.items() if wish.text or sort != RELEVANCE]
    return tuple(
        Choice(label, replace(wish, sort=sort, page=1).url, chosen=sort == wish.order)
        for sort, label in offered
    )


def _sentence(wish: Wish, found: Found) -> str:
    films = f"{found.total:,} film{'' if found.total == 1 else 's'}"
    if not found.total:
        return f"No film matches “{wish.text}”." if wish.text else "No film matches."
    return f"{films} for “{wish.text}”" if wish.text else films
