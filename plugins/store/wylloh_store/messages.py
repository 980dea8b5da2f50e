"""The store's sentences about prices, times and rights: exact, and in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.sdk import (
    format_count,
    format_list,
    format_minute,
    format_money,
    format_number,
)
from wylloh_store.offer import Availability, Price

if TYPE_CHECKING:
    from wylloh_server.sdk import Coin, Stack, Tier, Wallet
    from wylloh_store.index import StoreIndex
    from wylloh_store.offer import FilmMarket
    from wylloh_store.store_film import StoreFilm

_RIGHTS = {
    "personal": "watching at home",
    "small-venue": "small-venue shows",
    "streaming": "streaming",
    "theatrical": "theatrical shows",
    "national": "national distribution",
}


def tokens(count: int) -> str:
    """Return a number of tokens: `1 token`, `5,000 tokens`."""
    return format_count(count, "token")


def right_name(tier: Tier) -> str:
    """Return a right as it stands within a sentence; a publisher's own is its name."""
    return _RIGHTS.get(tier.right, tier.name.lower())


def right_with_limits(tier: Tier) -> str:
    """Return a right with its limits: `small-venue shows for up to 50 seats`."""
    seats = "" if tier.seats is None else f" for up to {format_count(tier.seats, 'seat')}"
    return right_name(tier) + seats + (f" in {', '.join(tier.territories)}" if tier.territories else "")


def money(amount: int, coin: Coin | None) -> str:
    """Write an amount; of a coin that could not be read only that."""
    return format_money(amount, coin) if coin else "in an unknown coin"


def price_line(title: StoreFilm) -> str:
    """Return a film's price in a few words: the line under its picture."""
    price = money(title.price.amount, title.coin) if title.price else ""
    offer = title.market.offer
    if title.availability is Availability.SOON and offer is not None and not title.market.listings:
        return f"{price} from {format_minute(offer.presale_from)}"
    return {
        Availability.SALE: price,
        Availability.PRESALE: f"Presale · {price}",
        Availability.SOON: f"Resale · {price}",
        Availability.RESALE: f"Resale · {price}",
        Availability.SOLD_OUT: "Sold out",
        Availability.NOT_OFFERED: "Not offered",
    }[title.availability]


def reach_line(
    title: StoreFilm, right: str, holding: int, index: StoreIndex, viewer: Wallet | None = None
) -> str:
    """Return what a right of a film takes for who holds some tokens: `12 more tokens · 58.80 dUSD`.

    The least price may need purchases from more than one seller; then the line says so.
    """
    tier = next((reach.tier for reach in title.reach if reach.tier.right == right), None)
    if tier is None:
        return price_line(title)
    missing = tier.threshold - holding
    if missing <= 0:
        return f"Yours: {right_name(tier)}"
    market = title.market.without(viewer)
    cost = market.cost(missing, index.now)
    step = market.cheaper_step(missing, cost, index.now) if cost else None
    if step is not None:
        missing = step.quantity
        cost = market.cost(missing, index.now)
    more = tokens(missing).replace(" token", " more token") if holding else tokens(missing)
    if cost is None:
        return f"{more} · not that many on offer"
    together = "" if market.cost_at_once(missing, index.now) == cost else " from several sellers"
    return f"{more} · {priced(cost, index)}{together}"


def priced(price: Price, index: StoreIndex) -> str:
    """Write a price."""
    return money(price.amount, index.coins.get(price.coin))


def lead_of(market: FilmMarket, index: StoreIndex) -> str:
    """Return one sentence about whether, and for how much, tokens are for sale."""
    availability, price = market.availability(index.now), market.price(index.now)
    cost = priced(price, index) if price else ""
    if market.offer is not None and price is not None and market.on_first_sale(index.now):
        own = Price(market.offer.coin, market.offer.unit_price(1, index.now))
        if own != price:
            return f"One token costs {cost} from a holder, {priced(own, index)} from the publisher."
    unsold = "The price is set; no token is on sale yet."
    nobody = "Nobody sells tokens of this film now."
    return {
        Availability.SALE: f"One token costs {cost}.",
        Availability.PRESALE: f"One token costs {cost} in the presale.",
        Availability.SOON: f"One token will cost {cost}."
        if not market.listings
        else f"From holders for {cost} already.",
        Availability.RESALE: f"Holders sell it, from {cost} a token.",
        Availability.SOLD_OUT: "Sold out. No holder sells any now.",
        Availability.NOT_OFFERED: nobody if market.offer is None else unsold,
    }[availability]


def presale_sentence(market: FilmMarket, index: StoreIndex) -> str:
    """Return when which price holds; empty when it just holds."""
    offer, now = market.offer, index.now
    if offer is None or not (offer.in_presale(now) or now < offer.presale_from):
        return ""
    coin = index.coins.get(offer.coin)
    first, early = money(offer.steps[0].unit_price, coin), money(offer.presale_price, coin)
    sale_from = format_minute(offer.sale_from)
    if offer.in_presale(now):
        return f"Presale: {early} a token until {sale_from}, then {first}."
    if not offer.has_presale:
        return f"The sale begins on {sale_from}: {first} a token."
    begins = format_minute(offer.presale_from)
    return f"The presale begins on {begins}: {early} a token. From {sale_from} one costs {first}."


def lost_rights(stack: Stack, leaving: int) -> str:
    """Return what somebody loses who parts with some tokens; empty when nothing."""
    left = stack.holding - leaving
    lost = [tier for tier in stack.reached if tier.threshold > left]
    if not lost:
        return ""
    ends = format_list([right_name(tier) for tier in lost])
    verb = "ends" if len(lost) == 1 and not right_name(lost[0]).endswith("s") else "end"
    return f"You will hold {format_number(left)} then: {ends} {verb}."
