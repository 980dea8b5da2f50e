"""A film as the store shows it, and the facets by which it is found."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from wylloh_store.goods import Availability

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wylloh_server.sdk import Coin, Film, Tier, Wallet
    from wylloh_store.goods import Goods, Price

_UNKNOWN_LANGUAGE = "und"
_MINUTE = 60
_NO_PRICE = "none"

RUNTIMES = (
    ("short", 40, "40 min or less"),
    ("40-60", 60, "40 to 60 min"),
    ("60-90", 90, "1 h to 1 h 30 min"),
)
LONGER = (("90-120", 120, "1 h 30 min to 2 h"), ("long", None, "Over 2 h"))
"""Value, most minutes, label. At 40 minutes a short film ends by the Academy's rules."""

PRICES = (
    ("0-5", 5, "Up to 5"),
    ("5-10", 10, "5 to 10"),
    ("10-25", 25, "10 to 25"),
    ("25-100", 100, "25 to 100"),
)
"""Value, most of a coin, label."""
DEAREST = ("100-", "Over 100")

AVAILABILITIES = {
    Availability.SALE: "On sale",
    Availability.PRESALE: "Presale",
    Availability.SOON: "Soon on sale",
    Availability.RESALE: "Resale only",
    Availability.SOLD_OUT: "Sold out",
    Availability.NOT_OFFERED: "Not offered",
}


@dataclass(frozen=True, slots=True)
class Reach:
    """A tier of a film, and the least its tokens cost now, from none held; None if so many cannot be had."""

    tier: Tier
    cost: Price | None


@dataclass(frozen=True, slots=True)
class Title:
    """One film in the store's catalogue, as of one moment.

    Attributes:
        price: what one token costs now or, before a sale begins, then.
        coin: what `price` is counted in; None when there is no price or the coin cannot be read.
        keys: for each facet the values under which the film is found, each with its label.
    """

    film: Film
    goods: Goods
    availability: Availability
    price: Price | None
    coin: Coin | None
    reach: tuple[Reach, ...]
    keys: Mapping[str, Mapping[str, str]]

    @property
    def nominal(self) -> Decimal | None:
        """The price as a number of coins, to compare films by; dollars and euros count alike."""
        if self.price is None or self.coin is None:
            return None
        return Decimal(self.price.amount).scaleb(-self.coin.decimals)


def title_of(film: Film, goods: Goods, coins: Mapping[Wallet, Coin], now: float) -> Title:
    """Work out what the store shows of a film at a moment."""
    price = goods.price(now)
    tiers = goods.ladder.tiers if goods.ladder else ()
    bare = Title(
        film=film,
        goods=goods,
        availability=goods.availability(now),
        price=price,
        coin=coins.get(price.coin) if price else None,
        reach=tuple(Reach(tier, goods.cost(tier.threshold, now)) for tier in tiers),
        keys={},
    )
    return _with_keys(bare)


def slug(text: str) -> str:
    """Give a name's form in addresses, in any script: `Film Noir` and `film-noir` are the same."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[\W_]+", "-", plain).strip("-")


def _with_keys(title: Title) -> Title:
    about = title.film.description
    keys = {
        "genre": {slug(genre): genre for genre in about.genres if slug(genre)},
        "year": _years(about.year),
        "language": _languages(about.languages),
        "runtime": _runtime(about.runtime),
        "right": {reach.tier.right: reach.tier.name for reach in title.reach if reach.cost},
        "price": _price(title.nominal),
        "availability": {title.availability.value: AVAILABILITIES[title.availability]},
    }
    return Title(title.film, title.goods, title.availability, title.price, title.coin, title.reach, keys)


def _years(year: int | None) -> dict[str, str]:
    """Find a film by its decade and by its year."""
    if year is None:
        return {}
    decade = f"{year // 10 * 10}s"
    return {decade: decade, str(year): str(year)}


def _languages(tags: Iterable[str]) -> dict[str, str]:
    """Find a film by each language spoken in it, whatever the region."""
    spoken = {tag.partition("-")[0].lower() for tag in tags}
    return {tag: tag for tag in sorted(spoken - {_UNKNOWN_LANGUAGE, ""})}


def _runtime(seconds: float) -> dict[str, str]:
    if not seconds:
        return {}
    for value, most, label in (*RUNTIMES, *LONGER):
        if most is None or seconds <= most * _MINUTE:
            return {value: label}
    return {}


def _price(nominal: Decimal | None) -> dict[str, str]:
    if nominal is None:
        return {_NO_PRICE: "No price"}
    for value, most, label in PRICES:
        if nominal <= most:
            return {value: label}
    return {DEAREST[0]: DEAREST[1]}
