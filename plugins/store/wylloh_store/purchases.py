"""The page on which somebody chooses how many tokens to buy, and the form that begins the purchase."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wylloh_server.sdk import InvalidValue, Page, require_viewer
from wylloh_store.address_book import names_of
from wylloh_store.buying import quoted_purchase
from wylloh_store.form_values import quantity_of
from wylloh_store.messages import presale_sentence
from wylloh_store.proposal_recipes import BUY, propose
from wylloh_store.purchase_options import resales_of, source_of, steps_of, tier_choices
from wylloh_store.requests import film_of, number_of, stack_of
from wylloh_store.sync import index_of

if TYPE_CHECKING:
    from wylloh_server.sdk import Film, PluginContext, PluginRequest, Reply
    from wylloh_store.buying import Purchase


async def choose_quantity(context: PluginContext, request: PluginRequest) -> Reply:
    """Show what a number of tokens costs, from the publisher or a holder, and the button that buys them."""
    film, viewer = await film_of(context, request), require_viewer(request)
    typed, listing = request.query.get("quantity", "1"), request.query.get("listing", "")
    try:
        quantity = quantity_of(typed)
        number = _listing(context, request, film, quantity, listing)
        purchase = await quoted_purchase(context, viewer, film, quantity, number)
    except InvalidValue as error:
        return await _page(context, request, film, typed, listing, error=error)
    return await _page(context, request, film, typed, listing, purchase=purchase)


async def buy(context: PluginContext, request: PluginRequest) -> Reply:
    """Begin a purchase: the wallet is asked on the page that follows."""
    film, typed = await film_of(context, request), request.value("quantity")
    try:
        listing, quantity = number_of(request, "listing"), quantity_of(typed)
        return await propose(context, request, film, BUY, quantity=quantity, listing=listing)
    except InvalidValue as error:
        page = await _page(context, request, film, typed, request.value("listing"), error=error)
        return replace(page, status=400)


def _listing(context: PluginContext, request: PluginRequest, film: Film, quantity: int, chosen: str) -> int:
    """Return the holder's offer somebody chose; without a choice whatever costs least."""
    if chosen.isascii() and chosen.isdigit():
        return int(chosen)
    index = index_of(context)
    market = index.market(film)
    source = source_of(market, quantity, index.now, require_viewer(request).wallet) if market else None
    return source.listing if source else 0


async def _page(
    context: PluginContext,
    request: PluginRequest,
    film: Film,
    typed: str,
    listing: str,
    *,
    purchase: Purchase | None = None,
    error: InvalidValue | None = None,
) -> Page:
    index, viewer = index_of(context), require_viewer(request)
    market = index.market(film)
    stack = await stack_of(context, viewer, film)
    values = {
        "film": film,
        "market": market,
        "tiers": tier_choices(market, stack, index.now, viewer.wallet) if market and stack else (),
        "typed": typed,
        "listing": listing,
        "purchase": purchase,
        "error": error,
        "steps": steps_of(market, index) if market else (),
        "on_first_sale": market is not None and market.on_first_sale(index.now),
        "schedule": presale_sentence(market, index) if market else "",
        "resales": resales_of(market, index, viewer.wallet) if market else (),
        "names": await names_of(context, viewer),
    }
    return Page("buy.html", values)
