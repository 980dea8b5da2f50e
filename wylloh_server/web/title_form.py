"""Reads the form of a publisher's title; whatever does not fit is refused with a plain sentence."""

from __future__ import annotations

import re
from typing import Any

from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.film import Credit, Description
from wylloh_server.domain.manifest import LONGEST_CREDIT, LONGEST_GENRE, MOST_GENRES
from wylloh_server.domain.percentage import PERCENT, format_percent
from wylloh_server.domain.quotation import quote_input
from wylloh_server.domain.rights import Tier, new_ladder, parse_right
from wylloh_server.domain.title import MOST_BASIS_POINTS, TitleTerms
from wylloh_server.typed_address import parse_address
from wylloh_server.web.request_json import bounded_text, text

_LONGEST = {"title": 300, "synopsis": 10_000, "rating": 40}
_FIRST_YEAR, _LAST_YEAR = 1880, 2200
_MOST_TOKENS = 10**12
_MOST_TIERS = 32
_COUNTED = {"supply": "tokens", "threshold": "tokens", "first": "tokens", "seats": "seats"}
"""What the fields that take a whole number count."""
_RIGHT = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_PERCENT = re.compile(r"\d{1,2}(?:[.,]\d{1,2})?")


def description_of(body: dict[str, Any]) -> Description:
    """Read what a film is called and about. Raises InvalidValue."""
    year = text(body, "year", "").strip()
    if year and not (year.isascii() and year.isdigit() and _FIRST_YEAR <= int(year) <= _LAST_YEAR):
        raise InvalidValue(f"{quote_input(year)} is not a year.", fix=f"Write {_FIRST_YEAR} to {_LAST_YEAR}.")
    return Description(
        title=parse_line(body, "title"),
        synopsis=parse_line(body, "synopsis"),
        year=int(year) if year else None,
        rating=parse_line(body, "rating"),
        genres=_genres(text(body, "genres", "")),
        credits=tuple(_credit(line) for line in text(body, "credits", "").splitlines() if line.strip()),
    )


def _genres(typed: str) -> tuple[str, ...]:
    named = tuple(dict.fromkeys(filter(None, map(str.strip, typed.split(",")))))
    if len(named) > MOST_GENRES:
        raise InvalidValue(f"{len(named):,} genres are too many.", fix=f"Use up to {MOST_GENRES}.")
    return tuple(bounded_text(name, quote_input(name), LONGEST_GENRE) for name in named)


def _credit(line: str) -> Credit:
    role, mark, name = line.partition(":")
    if not mark or not role.strip() or not name.strip():
        raise InvalidValue(f"{quote_input(line)} is no credit.", fix="Write one a line, as Director: Name.")
    return Credit(*(bounded_text(part.strip(), quote_input(line), LONGEST_CREDIT) for part in (role, name)))


def parse_terms(body: dict[str, Any]) -> TitleTerms:
    """Read supply, royalty and tiers. Raises InvalidValue."""
    percent = text(body, "royalty", "").strip().rstrip("%").strip() or "0"
    if not _PERCENT.fullmatch(percent):
        raise InvalidValue(f"{quote_input(percent)} is no percentage.", fix="Write 0 to 25, such as 7.5.")
    whole, _, part = percent.replace(",", ".").partition(".")
    basis_points = int(whole) * 100 + int(part.ljust(2, "0"))
    if basis_points > MOST_BASIS_POINTS:
        most = format_percent(MOST_BASIS_POINTS)
        raise InvalidValue(
            f"{percent}{PERCENT} is more than a quarter.", fix=f"Ask for {most} of a resale at most."
        )
    receiver = text(body, "royalty_receiver", "").strip()
    # A draft may leave the supply open; none at all is no answer.
    supply = parse_count(body, "supply", 1) if text(body, "supply", "").strip() else 0
    return TitleTerms(
        supply=supply,
        royalty_basis_points=basis_points,
        royalty_receiver=parse_address(receiver) if receiver else None,
        tiers=_reachable(_tiers(body.get("tiers", [])), supply),
    )


def _reachable(tiers: tuple[Tier, ...], supply: int) -> tuple[Tier, ...]:
    for tier in tiers:
        if tier.threshold > supply > 0:
            raise InvalidValue(
                f"The tier of {tier.threshold:,} tokens can never be reached: there will be {supply:,}.",
                fix="Lower the tier, or raise the number of tokens.",
            )
    return tiers


def _tiers(rows: Any) -> tuple[Tier, ...]:
    if (
        not isinstance(rows, list)
        or len(rows) > _MOST_TIERS
        or not all(isinstance(row, dict) for row in rows)
    ):
        raise InvalidValue("The tiers cannot be read.", fix=f"Send up to {_MOST_TIERS} of them.")
    tiers = tuple(_numbered_tier(number, row) for number, row in enumerate(rows, 1))
    if tiers:
        new_ladder(tiers)
    return tiers


def _numbered_tier(number: int, row: dict[str, Any]) -> Tier:
    try:
        return _tier(row)
    except InvalidValue as error:
        raise InvalidValue(f"Tier {number}: {error}", fix=error.fix) from None


def _tier(row: dict[str, Any]) -> Tier:
    right = parse_right(text(row, "right", ""))
    if not _RIGHT.fullmatch(right):
        raise InvalidValue(f"{quote_input(right)} is no right.", fix="Use letters, digits and hyphens.")
    countries = tuple(filter(None, re.split(r"[\s,]+", text(row, "territories", "").upper())))
    for country in countries:
        if not _COUNTRY.fullmatch(country):
            raise InvalidValue(f"{quote_input(country)} is no country.", fix="Use two letters each: DE, AT.")
    threshold = parse_count(row, "threshold", 1)
    seats = parse_count(row, "seats", 0)
    return Tier(threshold, right, countries, seats or None)


def parse_count(body: dict[str, Any], name: str, least: int, most: int = _MOST_TOKENS) -> int:
    """Read a whole number that was typed: digits, perhaps with commas or spaces between thousands.

    Raises:
        InvalidValue: it is something else, less than `least`, or more than `most`.
    """
    typed = re.sub(r"[\s,_']", "", text(body, name, "")) or "0"
    if not (typed.isascii() and typed.isdigit()) or not least <= int(typed[:20]) <= most:
        raise InvalidValue(
            f"{quote_input(text(body, name, ''))} cannot be the number of {_COUNTED[name]}.",
            fix=f"Write {least} to {most:,}.",
        )
    return int(typed)


def parse_line(body: dict[str, Any], name: str) -> str:
    """Read a text that may not be too long. Raises InvalidValue."""
    return bounded_text(text(body, name, "").strip(), f"The {name}", _LONGEST[name])
