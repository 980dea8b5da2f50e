"""The store's sentences about prices, times and rights: exact, and in plain words."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from wylloh_server.sdk import shortened
from wylloh_store.goods import Availability

if TYPE_CHECKING:
    from wylloh_server.sdk import Coin, Stack, Tier, Wallet
    from wylloh_store.goods import Goods, Price
    from wylloh_store.shop import Shop
    from wylloh_store.titles import Title

_RIGHTS = {
    "personal": "watching at home",
    "small-venue": "small-venue shows",
    "streaming": "streaming",
    "theatrical": "theatrical shows",
    "national": "national distribution",
}


def tokens(count: int) -> str:
    """Write a number of tokens: `1 token`, `5,000 tokens`."""
    return f"{count:,} token{'' if count == 1 else 's'}"


def spoken(tier: Tier) -> str:
    """Give a right as it stands within a sentence; a publisher's own is its name."""
    return _RIGHTS.get(tier.right, tier.name.lower())


def spoken_with_bounds(tier: Tier) -> str:
    """Give a right with what bounds it: `small-venue shows for up to 50 seats`."""
    seats = "" if tier.seats is None else f" for up to {tier.seats:,} seat{'' if tier.seats == 1 else 's'}"
    return spoken(tier) + seats + (f" in {', '.join(tier.territories)}" if tier.territories else "")


def day(moment: float) -> str:
    """Write the day of a moment in UTC: `3 December 2026`."""
    when = dt.datetime.fromtimestamp(moment, dt.UTC)
    return f"{when.day} {when:%B %Y}"


def minute(moment: float) -> str:
    """Write a moment in UTC to the minute: `3 December 2026, 18:00 UTC`."""
    return f"{day(moment)}, {dt.datetime.fromtimestamp(moment, dt.UTC):%H:%M} UTC"


def iso(moment: float) -> str:
    """Write a moment for programs (ISO 8601, UTC, to the second): `2026-12-03T18:00:00Z`."""
    return f"{dt.datetime.fromtimestamp(moment, dt.UTC):%Y-%m-%dT%H:%M:%SZ}"


def money(amount: int, coin: Coin | None) -> str:
    """Write an amount; of a coin nobody could read only that."""
    return coin.written(amount) if coin else "in an unknown coin"


def price_line(title: Title) -> str:
    """Say in a few words what a film costs: the line under its picture."""
    price = money(title.price.amount, title.coin) if title.price else ""
    offer = title.goods.offer
    if title.availability is Availability.SOON and offer is not None and not title.goods.listings:
        return f"{price} from {day(offer.presale_from)}"
    return {
        Availability.SALE: price,
        Availability.PRESALE: f"Presale · {price}",
        Availability.SOON: f"Resale · {price}",
        Availability.RESALE: f"Resale · {price}",
        Availability.SOLD_OUT: "Sold out",
        Availability.NOT_OFFERED: "Not offered",
    }[title.availability]


def reach_line(title: Title, right: str, holding: int, shop: Shop, viewer: Wallet | None = None) -> str:
    """Say what a right of a film takes for who holds some tokens: `12 more tokens · 58.80 dUSD`.

    The least price may need purchases from more than one seller; then that is said too.
    """
    tier = next((reach.tier for reach in title.reach if reach.tier.right == right), None)
    if tier is None:
        return price_line(title)
    missing = tier.threshold - holding
    if missing <= 0:
        return f"Yours: {spoken(tier)}"
    goods = title.goods.without(viewer)
    cost = goods.cost(missing, shop.now)
    more = tokens(missing).replace(" token", " more token") if holding else tokens(missing)
    if cost is None:
        return f"{more} · not that many on offer"
    together = "" if goods.cost_at_once(missing, shop.now) == cost else " from several sellers"
    return f"{more} · {priced(cost, shop)}{together}"


def priced(price: Price, shop: Shop) -> str:
    """Write a price."""
    return money(price.amount, shop.coins.get(price.coin))


def presale_sentence(goods: Goods, coin: Coin | None, now: float) -> str:
    """Say when which price holds; empty when it just holds."""
    offer = goods.offer
    if offer is None:
        return ""
    first = money(offer.steps[0].unit_price, coin)
    if not offer.begun(now):
        if offer.has_presale:
            early = money(offer.presale_price, coin)
            return (
                f"The presale begins on {minute(offer.presale_from)}: {early} a token. "
                f"From {minute(offer.sale_from)} one costs {first}."
            )
        return f"The sale begins on {minute(offer.sale_from)}: {first} a token."
    if offer.in_presale(now):
        early = money(offer.presale_price, coin)
        return f"Presale: {early} a token until {minute(offer.sale_from)}, then {first}."
    return ""


def named(wallet: Wallet, names: dict[Wallet, str], viewer: Wallet | None = None) -> str:
    """Write who somebody is: `you`, a name the viewer gave, or the shortened address."""
    if wallet == viewer:
        return "you"
    return names.get(wallet) or shortened(wallet)


def lost_rights(stack: Stack, leaving: int) -> str:
    """Say what somebody loses who parts with some tokens; empty when nothing."""
    left = stack.holding - leaving
    lost = [tier for tier in stack.reached if tier.threshold > left]
    if not lost:
        return ""
    ends = " and ".join(filter(None, (", ".join(spoken(tier) for tier in lost[:-1]), spoken(lost[-1]))))
    verb = "ends" if len(lost) == 1 and not spoken(lost[0]).endswith("s") else "end"
    return f"You will hold {left:,} then: {ends} {verb}."
