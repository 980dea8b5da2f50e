"""Where tokens of a film can be had now, as the buttons and lists on its pages show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_store.messages import money, right_name, tokens
from wylloh_store.offer import Price

if TYPE_CHECKING:
    from wylloh_server.sdk import Stack, Wallet
    from wylloh_store.index import StoreIndex
    from wylloh_store.offer import FilmMarket, Listing
    from wylloh_store.store_contract import Quote


@dataclass(frozen=True, slots=True)
class PurchaseSource:
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
class TierChoice:
    """Tokens for a right, offered in one purchase; or, without `quantity`, why they are not."""

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


def source_of(
    market: FilmMarket, quantity: int, now: float, viewer: Wallet | None = None
) -> PurchaseSource | None:
    """Return where so many tokens cost least in one purchase; None if nobody offers so many at once.

    One's own offers do not count. Holders who ask in another coin than the publisher count only without him.
    """
    found = []
    if market.offer is not None and market.on_first_sale(now) and market.stock >= quantity:
        found.append(
            PurchaseSource(quantity, quantity * market.offer.unit_price(quantity, now), market.offer.coin)
        )
    found += [
        PurchaseSource(quantity, quantity * listing.unit_price, listing.coin, listing.number)
        for listing in market.listings
        if listing.left >= quantity and listing.seller != viewer
    ]
    comparable = [source for source in found if source.coin == found[0].coin]
    return min(comparable, key=lambda source: source.total, default=None)


def least_source(
    market: FilmMarket, quantity: int, now: float, viewer: Wallet | None = None
) -> PurchaseSource | None:
    """Return where so many tokens cost least in one purchase, or more of them where those cost less."""
    source = source_of(market, quantity, now, viewer)
    if source is None:
        return None
    step = market.cheaper_step(quantity, Price(source.coin, source.total), now)
    return source_of(market, step.quantity, now, viewer) if step else source


def cheaper_listing(market: FilmMarket, quote: Quote, viewer: Wallet) -> Listing | None:
    """Return the offer of the holder who asks least; None if nobody asks for less than a quote does."""
    for listing in market.listings:
        comparable = listing.coin == quote.coin.address and listing.seller != viewer
        if comparable and listing.unit_price * quote.quantity < quote.total:
            return listing
    return None


def tier_choices(market: FilmMarket, stack: Stack, now: float, viewer: Wallet) -> tuple[TierChoice, ...]:
    """Offer as many tokens as the rights above need; the first that cannot be bought at once says so."""
    choices: list[TierChoice] = []
    for tier in stack.ladder.tiers:
        missing = tier.threshold - stack.holding
        if missing <= 0:
            continue
        source = least_source(market, missing, now, viewer)
        if source is None:
            choices += _too_few(market.without(viewer), right_name(tier), missing, now)
            break
        choices.append(TierChoice(f"{source.quantity:,} for {tier.name}", source.quantity))
    return tuple(choices)


def _too_few(market: FilmMarket, right: str, missing: int, now: float) -> list[TierChoice]:
    most = market.most_at_once(now)
    if not most:
        return []
    verb = "take" if right.endswith("s") else "takes"
    short = f"{missing - most:,} {'is' if missing - most == 1 else 'are'} missing"
    needs = f"{right[0].upper()}{right[1:]} {verb} {missing:,} more"
    return [TierChoice(f"{needs}, and {most:,} can be bought at once: {short}.")]


def buttons_of(
    market: FilmMarket, stack: Stack | None, index: StoreIndex, viewer: Wallet
) -> tuple[Button, ...]:
    """Return the buttons of a film's page: one token, and what is missing for the next tier."""
    holding = stack.holding if stack else 0
    wanted = [(source_of(market, 1, index.now, viewer), "")]
    ladder = stack.ladder if stack else market.ladder
    above = [tier for tier in ladder.tiers if tier.threshold > holding + 1] if ladder else []
    if above:
        missing = above[0].threshold - holding
        wanted.append((least_source(market, missing, index.now, viewer), f" for {right_name(above[0])}"))
    buttons: list[Button] = []
    for source, purpose in wanted:
        if source is not None:
            price = money(source.total, index.coins.get(source.coin))
            label = f"Buy {source.quantity:,}{purpose} · {price}"
            buttons.append(Button(label, source.quantity, source.listing, first=not holding and not buttons))
    return tuple(buttons)


def steps_of(market: FilmMarket, index: StoreIndex) -> tuple[Step, ...]:
    """Return the publisher's price list, the presale's price first where there is one."""
    offer, now = market.offer, index.now
    if offer is None:
        return ()
    coin = index.coins.get(offer.coin)
    early = offer.has_presale and now < offer.sale_from
    presale = Step("In the presale", money(offer.presale_price, coin), holds=offer.in_presale(now))
    holds = not early and offer.begun(now)
    regular = [
        Step(f"From {tokens(step.quantity)}", money(step.unit_price, coin), holds=holds)
        for step in offer.steps
    ]
    return (presale, *regular) if early else tuple(regular)


def resales_of(
    market: FilmMarket, index: StoreIndex, viewer: Wallet | None, most: int | None = None
) -> tuple[Resale, ...]:
    """Return the offers of holders, the cheapest first."""
    first = (
        market.offer.unit_price(1, index.now) if market.offer and market.on_first_sale(index.now) else None
    )
    coin = market.offer.coin if market.offer else None

    def resale(listing: Listing) -> Resale:
        return Resale(
            listing.number,
            listing.seller,
            listing.left,
            money(listing.unit_price, index.coins.get(listing.coin)),
            cheaper=first is not None and listing.coin == coin and listing.unit_price < first,
            mine=listing.seller == viewer,
        )

    return tuple(resale(listing) for listing in market.listings[:most])
