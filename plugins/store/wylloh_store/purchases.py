"""The page on which somebody chooses how many tokens to buy, and the form that begins the purchase."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wylloh_server.sdk import InvalidValue, Page
from wylloh_store.amounts import quantity_of
from wylloh_store.asking import film_of, number_of, stack_of, to_wallet, viewer_of
from wylloh_store.buying import propose_purchase, purchase
from wylloh_store.keeper import shop_of
from wylloh_store.names import names_of
from wylloh_store.offers import resales_of, source_of, steps_of, tier_choices
from wylloh_store.words import presale_sentence

if TYPE_CHECKING:
    from wylloh_server.sdk import Film, PluginContext, PluginRequest, Reply
    from wylloh_store.buying import Purchase


async def look(context: PluginContext, request: PluginRequest) -> Reply:
    """Show what a number of tokens costs, from the publisher or a holder, and the button that buys them."""
    film, viewer = await film_of(context, request), viewer_of(request)
    typed, listing = request.query.get("quantity", "1"), request.query.get("listing", "")
    try:
        quantity = quantity_of(typed)
        number = _listing(context, film, quantity, listing, request)
        wanted = await purchase(context, viewer, film, quantity, number)
    except InvalidValue as error:
        return await _page(context, request, film, typed, listing, error=error)
    return await _page(context, request, film, typed, listing, wanted=wanted)


async def buy(context: PluginContext, request: PluginRequest) -> Reply:
    """Begin a purchase: the wallet is asked on the page that follows."""
    film, viewer = await film_of(context, request), viewer_of(request)
    typed = request.value("quantity")
    try:
        listing = number_of(request, "listing")
        wanted = await purchase(context, viewer, film, quantity_of(typed), listing)
        proposal = await propose_purchase(context, viewer, film, wanted)
        return await to_wallet(context.transactions, viewer, proposal)
    except InvalidValue as error:
        page = await _page(context, request, film, typed, request.value("listing"), error=error)
        return replace(page, status=400)


def _listing(context: PluginContext, film: Film, quantity: int, wished: str, request: PluginRequest) -> int:
    """Give the holder's offer somebody chose; without a choice whatever costs least."""
    if wished.isascii() and wished.isdigit():
        return int(wished)
    shop = shop_of(context)
    goods = shop.goods(film)
    source = source_of(goods, quantity, shop.now, viewer_of(request).wallet) if goods else None
    return source.listing if source else 0


async def _page(
    context: PluginContext,
    request: PluginRequest,
    film: Film,
    typed: str,
    listing: str,
    *,
    wanted: Purchase | None = None,
    error: InvalidValue | None = None,
) -> Page:
    shop, viewer = shop_of(context), viewer_of(request)
    goods = shop.goods(film)
    offer = goods.offer if goods else None
    stack = await stack_of(context, viewer, film)
    values = {
        "film": film,
        "goods": goods,
        "tiers": tier_choices(goods, stack, shop.now, viewer.wallet) if goods and stack else (),
        "typed": typed,
        "listing": listing,
        "wanted": wanted,
        "error": error,
        "steps": steps_of(goods, shop) if goods else (),
        "on_first_sale": goods is not None and goods.on_first_sale(shop.now),
        "schedule": presale_sentence(goods, shop.coins.get(offer.coin), shop.now) if goods and offer else "",
        "resales": resales_of(goods, shop, viewer.wallet) if goods else (),
        "names": await names_of(context, viewer),
    }
    return Page("buy.html", values)
