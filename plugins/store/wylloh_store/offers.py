"""Where tokens of a film can be had now, as the buttons and lists on its pages show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_store.words import money, spoken, tokens

if TYPE_CHECKING:
    from wylloh_server.sdk import Stack, Wallet
    from wylloh_store.goods import Goods, Listing
    from wylloh_store.shop import Shop


@dataclass(frozen=True, slots=True)
class Source:
    """One place to buy some tokens at once: the publisher (`listing` 0), or a holder's offer."""

    quantity: int
    total: int
    coin: Wallet
    listing: int = 0


@dataclass(frozen=True, slots=True)
class Button:
    """A button that buys."""

    label: str
    quantity: int
    listing: int
    first: bool


@dataclass(frozen=True, slots=True)
class Cheaper:
    """A holder who sells some tokens of a purchase for less than is paid for each of them."""

    listing: int
    quantity: int
    unit_price: int


@dataclass(frozen=True, slots=True)
class TierChoice:
    """As many tokens as a right needs, offered in one purchase; or, without `quantity`, why they are not."""

    label: str
    quantity: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """A line of the price list."""

    quantity: str
    price: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Resale:
    """A holder's offer as a line."""

    number: int
    seller: Wallet
    left: int
    price: str
    cheaper: bool
    mine: bool


def source_of(goods: Goods, quantity: int, now: float, viewer: Wallet | None = None) -> Source | None:
    """Give where so many tokens cost least in one purchase; None if nobody offers so many at once.

    One's own offers do not count. Holders who ask in another coin than the publisher count only without him.
    """
    found = []
    if goods.offer is not None and goods.on_first_sale(now) and goods.stock >= quantity:
        found.append(Source(quantity, quantity * goods.offer.unit_price(quantity, now), goods.offer.coin))
    found += [
        Source(quantity, quantity * listing.unit_price, listing.coin, listing.number)
        for listing in goods.listings
        if listing.left >= quantity and listing.seller != viewer
    ]
    comparable = [source for source in found if source.coin == found[0].coin]
    return min(comparable, key=lambda source: source.total, default=None)


def cheaper_of(goods: Goods, wanted: Source, viewer: Wallet | None) -> Cheaper | None:
    """Give the holder who asks least for some of what is wanted; None if nobody asks for less."""
    for listing in goods.listings:
        comparable = listing.coin == wanted.coin and listing.seller != viewer
        if comparable and listing.unit_price * wanted.quantity < wanted.total:
            return Cheaper(listing.number, min(listing.left, wanted.quantity), listing.unit_price)
    return None


def tier_choices(goods: Goods, stack: Stack, now: float, viewer: Wallet) -> tuple[TierChoice, ...]:
    """Offer as many tokens as the rights above need; of the first that cannot be bought at once, say so."""
    choices: list[TierChoice] = []
    for tier in stack.ladder.tiers:
        missing = tier.threshold - stack.holding
        if missing <= 0:
            continue
        if source_of(goods, missing, now, viewer) is None:
            choices += _too_few(goods.without(viewer), spoken(tier), missing, now)
            break
        choices.append(TierChoice(f"{missing:,} for {tier.name}", missing))
    return tuple(choices)


def _too_few(goods: Goods, right: str, missing: int, now: float) -> list[TierChoice]:
    most = goods.most_at_once(now)
    if not most:
        return []
    verb = "take" if right.endswith("s") else "takes"
    short = f"{missing - most:,} {'is' if missing - most == 1 else 'are'} missing"
    needs = f"{right[0].upper()}{right[1:]} {verb} {missing:,} more"
    return [TierChoice(f"{needs}, and {most:,} can be bought at once: {short}.")]


def buttons_of(goods: Goods, stack: Stack | None, shop: Shop, viewer: Wallet) -> tuple[Button, ...]:
    """Give the buttons of a film's page: one token, and what is missing for the next tier."""
    holding = stack.holding if stack else 0
    wanted = [(1, "")]
    ladder = stack.ladder if stack else goods.ladder
    above = [tier for tier in ladder.tiers if tier.threshold > holding + 1] if ladder else []
    if above:
        wanted.append((above[0].threshold - holding, f" for {spoken(above[0])}"))
    buttons: list[Button] = []
    for quantity, purpose in wanted:
        source = source_of(goods, quantity, shop.now, viewer)
        if source is not None:
            price = money(source.total, shop.coins.get(source.coin))
            label = f"Buy {quantity:,}{purpose} · {price}"
            buttons.append(Button(label, quantity, source.listing, first=not holding and not buttons))
    return tuple(buttons)


def steps_of(goods: Goods, shop: Shop) -> tuple[Step, ...]:
    """Give the publisher's price list, the presale's price first where there is one."""
    offer, now = goods.offer, shop.now
    if offer is None:
        return ()
    coin = shop.coins.get(offer.coin)
    early = offer.has_presale and now < offer.sale_from
    presale = (
        [Step("In the presale", money(offer.presale_price, coin), holds=offer.in_presale(now))]
        if early
        else []
    )
    regular = [
        Step(
            f"From {tokens(step.quantity)}",
            money(step.unit_price, coin),
            holds=not early and offer.begun(now),
        )
        for step in offer.steps
    ]
    return (*presale, *regular)


def resales_of(
    goods: Goods, shop: Shop, viewer: Wallet | None, most: int | None = None
) -> tuple[Resale, ...]:
    """Give the offers of holders, the cheapest first."""
    first = goods.offer.unit_price(1, shop.now) if goods.offer and goods.on_first_sale(shop.now) else None
    coin = goods.offer.coin if goods.offer else None

    def resale(listing: Listing) -> Resale:
        return Resale(
            listing.number,
            listing.seller,
            listing.left,
            money(listing.unit_price, shop.coins.get(listing.coin)),
            cheaper=first is not None and listing.coin == coin and listing.unit_price < first,
            mine=listing.seller == viewer,
        )

    return tuple(resale(listing) for listing in goods.listings[:most])
