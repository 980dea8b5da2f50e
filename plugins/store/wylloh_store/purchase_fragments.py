"""What the store adds to a film's page: buttons that buy, and a section about price and sale."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.sdk import Fragment, Role, Slot, format_percent
from wylloh_store.address_book import names_of
from wylloh_store.messages import lead_of, presale_sentence, price_line, tokens
from wylloh_store.offer import Availability
from wylloh_store.purchase_options import buttons_of, resales_of, steps_of
from wylloh_store.requests import stack_of
from wylloh_store.sale_road import sale_road
from wylloh_store.search_query import parse_search_query
from wylloh_store.store_film import AVAILABILITIES
from wylloh_store.sync import index_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_server.sdk import Film, PluginContext, Viewer
    from wylloh_store.index import StoreIndex
    from wylloh_store.offer import FilmMarket

_MOST_RESALES = 5
_MOST_NEWEST = 8


async def fragments(
    context: PluginContext, slot: str, film: Film | None, viewer: Viewer
) -> Sequence[Fragment]:
    """Return the fragments of a slot."""
    if (
        film is None
        or slot not in {Slot.FILM_ACTIONS, Slot.FILM_DETAILS, Slot.TITLE}
        or context.chain.contracts.store is None
    ):
        return ()
    index = index_of(context)
    market = index.market(film)
    if market is None:
        return ()
    if slot == Slot.TITLE:
        road = sale_road(film, market, index)
        return (Fragment("next_step.html", {"road": road}),) if market.publisher == viewer.wallet else ()
    stack = await stack_of(context, viewer, film)
    if slot == Slot.FILM_DETAILS:
        return (await _details(context, film, market, viewer),)
    buttons = buttons_of(market, stack, index, viewer.wallet)
    holding = stack.holding if stack else 0
    if not buttons and not holding:
        return ()
    values = {"film": film, "buttons": buttons, "buyable": _is_buyable(market, index), "holding": holding}
    return (Fragment("film_actions.html", values),)


async def fragments_for_guests(context: PluginContext, slot: str) -> Sequence[Fragment]:
    """Return what somebody who is not signed in sees on the welcome page: the newest films on sale."""
    if slot != Slot.HOME_ROWS or context.chain.contracts.store is None:
        return ()
    found = index_of(context).find(parse_search_query({"availability": Availability.SALE}))
    newest = {title.film.id: title for title in found.titles[:_MOST_NEWEST]}
    cards = [(card, price_line(newest[card.film.id])) for card in await context.library.cards(None, newest)]
    return (Fragment("on_sale.html", {"cards": cards}),) if cards else ()


def money_sentences(market: FilmMarket, index: StoreIndex) -> tuple[str, ...]:
    """Return where the money of a sale goes, and that of a resale."""
    fee = index.fee_basis_points
    if fee is None:
        return ()
    least, most = ("at least ", "at most ") if index.fee_rose else ("", "")
    whole, store = f"{least}{format_percent(10_000 - fee)}", f"{most}{format_percent(fee)} to the store"
    first = f"Of a sale by the publisher {whole} goes to the makers" + (f" and {store}." if fee else ".")
    royalty = market.royalty_basis_points
    rest = f"{least}{format_percent(10_000 - fee - royalty)} to the holder who sells"
    parts = [f"{format_percent(royalty)} goes to the makers"] if royalty else []
    parts += [store] if fee else []
    return first, f"Of a resale {', '.join([*parts, rest])}."


async def _details(context: PluginContext, film: Film, market: FilmMarket, viewer: Viewer) -> Fragment:
    index = index_of(context)
    publishes = viewer.role.includes(Role.PUBLISHER) and viewer.wallet == market.publisher
    values = {
        "film": film,
        "availability": AVAILABILITIES[market.availability(index.now)],
        "lead": lead_of(market, index),
        "schedule": presale_sentence(market, index),
        "steps": steps_of(market, index),
        "stock": tokens(market.stock) if market.on_first_sale(index.now) else "",
        "resales": resales_of(market, index, viewer.wallet, _MOST_RESALES),
        "more_resales": max(0, len(market.listings) - _MOST_RESALES),
        "names": await names_of(context, viewer),
        "money": money_sentences(market, index),
        "publishes": publishes,
    }
    return Fragment("film_details.html", values)


def _is_buyable(market: FilmMarket, index: StoreIndex) -> bool:
    offered = market.on_first_sale(index.now) or bool(market.listings)
    return offered and market.price(index.now) is not None
