"""What the store adds to a film's page: buttons that buy, and a section about price and sale."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.sdk import Fragment, Role, Slot
from wylloh_store.amounts import percent
from wylloh_store.asking import stack_of
from wylloh_store.goods import Availability, Price
from wylloh_store.keeper import shop_of
from wylloh_store.names import names_of
from wylloh_store.offers import buttons_of, resales_of, steps_of
from wylloh_store.titles import AVAILABILITIES
from wylloh_store.words import presale_sentence, priced, tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_server.sdk import Film, PluginContext, Stack, Viewer
    from wylloh_store.goods import Goods
    from wylloh_store.shop import Shop

_MOST_RESALES = 5


async def fragments(
    context: PluginContext, slot: str, film: Film | None, viewer: Viewer
) -> Sequence[Fragment]:
    """Give the fragments of a slot."""
    if (
        film is None
        or slot not in {Slot.FILM_ACTIONS, Slot.FILM_DETAILS}
        or context.chain.contracts.store is None
    ):
        return ()
    shop = shop_of(context)
    goods = shop.goods(film)
    if goods is None:
        return ()
    stack = await stack_of(context, viewer, film)
    if slot == Slot.FILM_ACTIONS:
        return _actions(film, goods, stack, shop, viewer)
    return (await _details(context, film, goods, stack, viewer),)


def money_sentences(goods: Goods, shop: Shop) -> tuple[str, ...]:
    """Say where the money of a sale goes, and that of a resale."""
    fee = shop.fee_basis_points
    if fee is None:
        return ()
    whole = percent(10_000 - fee)
    first = f"Of a sale by the publisher {whole} goes to the makers" + (
        f" and {percent(fee)} to the store." if fee else "."
    )
    royalty = goods.royalty_basis_points
    rest = percent(10_000 - fee - royalty)
    parts = [f"{percent(royalty)} goes to the makers"] if royalty else []
    parts += [f"{percent(fee)} to the store"] if fee else []
    return first, f"Of a resale {', '.join([*parts, f'{rest} to the holder who sells'])}."


def _actions(
    film: Film, goods: Goods, stack: Stack | None, shop: Shop, viewer: Viewer
) -> tuple[Fragment, ...]:
    buttons = buttons_of(goods, stack, shop, viewer.wallet)
    if not buttons:
        return ()
    return (Fragment("film_actions.html", {"film": film, "buttons": buttons}),)


async def _details(
    context: PluginContext, film: Film, goods: Goods, stack: Stack | None, viewer: Viewer
) -> Fragment:
    shop = shop_of(context)
    offer, holding = goods.offer, stack.holding if stack else 0
    price = goods.price(shop.now)
    publishes = viewer.role.includes(Role.PUBLISHER) and viewer.wallet == goods.publisher
    values = {
        "film": film,
        "availability": AVAILABILITIES[goods.availability(shop.now)],
        "lead": lead_of(goods, shop),
        "schedule": presale_sentence(goods, shop.coins.get(offer.coin) if offer else None, shop.now),
        "steps": steps_of(goods, shop),
        "stock": tokens(goods.stock) if offer and goods.on_first_sale(shop.now) else "",
        "resales": resales_of(goods, shop, viewer.wallet, _MOST_RESALES),
        "more_resales": max(0, len(goods.listings) - _MOST_RESALES),
        "names": await names_of(context, viewer),
        "money": money_sentences(goods, shop),
        "buyable": price is not None and (goods.on_first_sale(shop.now) or bool(goods.listings)),
        "holding": holding,
        "publishes": publishes,
    }
    return Fragment("film_details.html", values)


def lead_of(goods: Goods, shop: Shop) -> str:
    """Say in one sentence whether and for how much tokens can be had."""
    availability, price = goods.availability(shop.now), goods.price(shop.now)
    cost = priced(price, shop) if price else ""
    if goods.offer is not None and price is not None and goods.on_first_sale(shop.now):
        own = Price(goods.offer.coin, goods.offer.unit_price(1, shop.now))
        if own != price:
            return f"One token costs {cost} from a holder, {priced(own, shop)} from the publisher."
    return {
        Availability.SALE: f"One token costs {cost}.",
        Availability.PRESALE: f"One token costs {cost} in the presale.",
        Availability.SOON: f"One token will cost {cost}."
        if not goods.listings
        else f"From holders for {cost} already.",
        Availability.RESALE: f"Holders sell it, from {cost} a token.",
        Availability.SOLD_OUT: "Sold out. No holder sells any now.",
        Availability.NOT_OFFERED: "Nobody sells tokens of this film now.",
    }[availability]
