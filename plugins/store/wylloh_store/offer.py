"""The market of one film's tokens: what is offered, by whom, for how much, and when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wylloh_server.sdk import PriceStep, RightsLadder, Timestamp, TokenReference, Wallet


class Availability(StrEnum):
    """Whether and how tokens of a film can be had now."""

    SALE = "sale"
    PRESALE = "presale"
    SOON = "soon"
    RESALE = "resale"
    SOLD_OUT = "sold-out"
    NOT_OFFERED = "not-offered"


@dataclass(frozen=True, slots=True)
class Offer:
    """A publisher's terms of the first sale, as the contract holds them.

    Attributes:
        presale_from: equal to `sale_from` when there is no presale.
        steps: from that many tokens in one purchase on, one costs so much; the first begins at 1.
    """

    publisher: Wallet
    payee: Wallet
    coin: Wallet
    presale_from: Timestamp
    sale_from: Timestamp
    presale_price: int
    steps: tuple[PriceStep, ...]

    @property
    def has_presale(self) -> bool:
        """Whether there is a time with a presale price."""
        return self.presale_from < self.sale_from

    def in_presale(self, now: float) -> bool:
        """Whether the presale price holds at a moment."""
        return self.presale_from <= now < self.sale_from

    def begun(self, now: float) -> bool:
        """Whether anything can be bought at a moment."""
        return now >= self.presale_from

    def unit_price(self, quantity: int, now: float) -> int:
        """Return the unit price when this many are bought at once; before the start, the first price."""
        if self.in_presale(now) or (self.has_presale and not self.begun(now)):
            return self.presale_price
        return next(step.unit_price for step in reversed(self.steps) if step.quantity <= max(quantity, 1))


@dataclass(frozen=True, slots=True)
class Listing:
    """What a holder sells; `left` tokens of it are not sold yet."""

    number: int
    seller: Wallet
    coin: Wallet
    unit_price: int
    left: int


@dataclass(frozen=True, slots=True)
class Price:
    """An amount of a coin in its smallest unit."""

    coin: Wallet
    amount: int


@dataclass(frozen=True, slots=True)
class FilmMarket:
    """One film's tokens as the chain has them.

    Attributes:
        created: when the film was registered; 0 while that is not known.
        minted: tokens there are.
        sold: tokens that the publisher has sold.
        in_store: tokens that lie in the store's contract: for first sale, and in listings.
        ended: the terms of the first sale that the publisher has ended, while there is no `offer`.
        listings: those with something left, cheapest first.
    """

    token: TokenReference
    created: Timestamp
    publisher: Wallet | None = None
    max_supply: int = 0
    royalty_receiver: Wallet | None = None
    royalty_basis_points: int = 0
    minted: int = 0
    in_store: int = 0
    sold: int = 0
    ladder: RightsLadder | None = None
    offer: Offer | None = None
    ended: Offer | None = None
    listings: tuple[Listing, ...] = ()

    @property
    def listed(self) -> int:
        """How many tokens holders offer."""
        return sum(listing.left for listing in self.listings)

    @property
    def stock(self) -> int:
        """How many tokens the publisher still offers."""
        return max(0, self.in_store - self.listed)

    def listing(self, number: int) -> Listing | None:
        """Return a holder's offer by number, if something is left of it."""
        return next((listing for listing in self.listings if listing.number == number), None)

    def on_first_sale(self, now: float) -> bool:
        """Whether tokens can be bought from the publisher now."""
        return self.offer is not None and self.offer.begun(now) and self.stock > 0

    def availability(self, now: float) -> Availability:
        """Return whether and how tokens can be had now."""
        if self.offer is not None and self.on_first_sale(now):
            return Availability.PRESALE if self.offer.in_presale(now) else Availability.SALE
        if self.offer is not None and not self.offer.begun(now):
            return Availability.SOON
        if self.listings:
            return Availability.RESALE
        # What was never on sale is not sold out.
        return Availability.SOLD_OUT if self.offer is not None and self.sold else Availability.NOT_OFFERED

    def price(self, now: float) -> Price | None:
        """Return what one token costs: from the publisher, or from a holder who asks for less or is alone.

        Holders who ask in another coin cannot be compared and only count when there is no first sale.
        """
        first = self._first_price(now)
        if first is None:
            return Price(self.listings[0].coin, self.listings[0].unit_price) if self.listings else None
        asked = [listing.unit_price for listing in self.listings if listing.coin == first.coin]
        return Price(first.coin, min([first.amount, *asked]))

    def cost(self, quantity: int, now: float) -> Price | None:
        """Return the lowest price of this many tokens in the coin of `price`; None if they cannot be had.

        Some may come from the publisher, at the step their number reaches, and the rest from holders.
        """
        unit = self.price(now)
        if unit is None:
            return None
        asked = [listing for listing in self.listings if listing.coin == unit.coin]
        least = min(self._parts(quantity, asked, now), default=None)
        return None if least is None else Price(unit.coin, least)

    def without(self, seller: Wallet | None) -> FilmMarket:
        """Return the same without what somebody offers: nobody buys from themselves."""
        others = tuple(listing for listing in self.listings if listing.seller != seller)
        own = self.listed - sum(listing.left for listing in others)
        return replace(self, listings=others, in_store=self.in_store - own) if own else self

    def cost_at_once(self, quantity: int, now: float) -> Price | None:
        """Return the least for which one seller sells so many in the coin of `price`; None if nobody does."""
        unit = self.price(now)
        if unit is None:
            return None
        asked = [
            quantity * listing.unit_price
            for listing in self.listings
            if listing.coin == unit.coin and listing.left >= quantity
        ]
        if self.offer is not None and self.on_first_sale(now) and self.stock >= quantity:
            asked.append(quantity * self.offer.unit_price(quantity, now))
        return Price(unit.coin, min(asked)) if asked else None

    def cheaper_step(self, quantity: int, price: Price, now: float) -> PriceStep | None:
        """Return the step of the price list at which a larger number costs less than `price`, if any."""
        offer = self.offer
        if offer is None or offer.coin != price.coin or offer.in_presale(now) or not self.on_first_sale(now):
            return None
        steps = (step for step in offer.steps if quantity < step.quantity <= self.stock)
        cheaper = [step for step in steps if step.quantity * step.unit_price < price.amount]
        return min(cheaper, key=lambda step: step.quantity * step.unit_price, default=None)

    def most_at_once(self, now: float) -> int:
        """Return how many tokens one purchase can bring now: it is from one seller."""
        first = self.stock if self.on_first_sale(now) else 0
        return max([first, *(listing.left for listing in self.listings)])

    def next_change(self, now: float) -> float | None:
        """Return when the next moment comes at which prices change by themselves."""
        moments = [self.offer.presale_from, self.offer.sale_from] if self.offer else []
        return min((moment for moment in moments if moment > now), default=None)

    def _first_price(self, now: float) -> Price | None:
        if self.offer is None or (self.offer.begun(now) and not self.stock):
            return None
        if not self.offer.begun(now) and self.listings:
            return None
        return Price(self.offer.coin, self.offer.unit_price(1, now))

    def _parts(self, quantity: int, asked: list[Listing], now: float) -> Iterator[int]:
        """Return what each way to divide a purchase costs that could be the cheapest.

        Between two steps of the price list, and while the same listing is the last one taken from, the sum
        rises or falls evenly with the publisher's part: so only the ends of these stretches count.
        """
        most = min(quantity, self.stock) if self.on_first_sale(now) else 0
        steps = [step.quantity for step in self.offer.steps] if self.offer else []
        ends = {0, most, *steps, *(step - 1 for step in steps)}
        ends |= {quantity - held for held in _sums(listing.left for listing in asked)}
        for first in (end for end in ends if 0 <= end <= most):
            rest = _from_holders(quantity - first, asked)
            if rest is not None:
                yield rest + (first * self.offer.unit_price(first, now) if first and self.offer else 0)


def cheapest_first(listings: Iterable[Listing]) -> tuple[Listing, ...]:
    """Order listings by price, the older first among equals."""
    return tuple(sorted(listings, key=lambda listing: (listing.unit_price, listing.number)))


def _sums(numbers: Iterable[int]) -> list[int]:
    sums, total = [], 0
    for number in numbers:
        total += number
        sums.append(total)
    return sums


def _from_holders(quantity: int, asked: list[Listing]) -> int | None:
    total = 0
    for listing in asked:
        taken = min(quantity, listing.left)
        total, quantity = total + taken * listing.unit_price, quantity - taken
    return None if quantity else total
