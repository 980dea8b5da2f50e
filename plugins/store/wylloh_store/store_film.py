"""A film as the store shows it, and the facets by which it is found."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from decimal import Decimal
from math import inf
from typing import TYPE_CHECKING

from wylloh_store.offer import Availability

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wylloh_server.sdk import Coin, Film, Tier, Wallet
    from wylloh_store.offer import FilmMarket, Price

_UNKNOWN_LANGUAGE = "und"
_MINUTE = 60

RUNTIMES = (
    ("short", 40, "40 min or less"),
    ("40-60", 60, "40 to 60 min"),
    ("60-90", 90, "1 h to 1 h 30 min"),
    ("90-120", 120, "1 h 30 min to 2 h"),
    ("long", inf, "Over 2 h"),
)
"""Value, most minutes, label. At 40 minutes a short film ends by the Academy's rules."""

PRICES = (
    ("0-5", 5, "Up to 5"),
    ("5-10", 10, "5 to 10"),
    ("10-25", 25, "10 to 25"),
    ("25-100", 100, "25 to 100"),
    ("100-", inf, "Over 100"),
)
"""Value, most of a coin, label."""
NO_PRICE = "none"

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
class StoreFilm:
    """One film in the store's catalog, as of one moment.

    Attributes:
        price: what one token costs now or, before a sale begins, then.
        coin: what `price` is counted in; None when there is no price or the coin cannot be read.
        keys: for each facet the values under which the film is found, each with its label.
    """

    film: Film
    market: FilmMarket
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


def store_film(film: Film, market: FilmMarket, coins: Mapping[Wallet, Coin], now: float) -> StoreFilm:
    """Return what the store shows of a film at a moment."""
    price = market.price(now)
    tiers = market.ladder.tiers if market.ladder else ()
    bare = StoreFilm(
        film=film,
        market=market,
        availability=market.availability(now),
        price=price,
        coin=coins.get(price.coin) if price else None,
        reach=tuple(Reach(tier, market.cost(tier.threshold, now)) for tier in tiers),
        keys={},
    )
    return replace(bare, keys=_keys(bare))


def slug(text: str) -> str:
    """Return a name's form in addresses, in any script: `Film Noir` and `film-noir` are the same."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[\W_]+", "-", plain).strip("-")


def _keys(found: StoreFilm) -> Mapping[str, Mapping[str, str]]:
    about, price = found.film.description, found.nominal
    return {
        "genre": {slug(genre): genre for genre in about.genres if slug(genre)},
        "year": _years(about.year),
        "language": _languages(about.languages),
        "runtime": _band(about.runtime / _MINUTE, RUNTIMES) if about.runtime else {},
        "right": {reach.tier.right: reach.tier.name for reach in found.reach if reach.cost},
        "price": {NO_PRICE: "No price"} if price is None else _band(price, PRICES),
        "availability": {found.availability.value: AVAILABILITIES[found.availability]},
    }


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


def _band(number: float | Decimal, bands: Iterable[tuple[str, float, str]]) -> dict[str, str]:
    """Find a film by the first band that holds a number."""
    return next({value: label} for value, most, label in bands if number <= most)
