"""What the chain said about films, offers and listings, kept as it became known and taken back on a reorg."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select

from wylloh_server.sdk import (
    FilmCreated,
    LadderChanged,
    ListingCancelled,
    OfferChanged,
    OfferClosed,
    PriceStep,
    RightsLadder,
    Tier,
    Timestamp,
    TokenReference,
    TokensListed,
    TokensMoved,
    TokensSold,
)
from wylloh_store.goods import Goods, Listing, Offer, cheapest_first
from wylloh_store.tables import facts, listings, reading, sums

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from sqlalchemy import Select
    from sqlalchemy.sql.dml import UpdateBase

    from wylloh_server.sdk import ChainEvent, Change, PluginContext, Wallet

_CURSOR = "chain"
_AT_ONCE = 1000
_IN_ONE_QUESTION = 400
"""Values in one `IN (…)`; SQLite takes 999 and more, depending on how it was built."""

KINDS: tuple[type[ChainEvent], ...] = (
    FilmCreated,
    LadderChanged,
    TokensMoved,
    OfferChanged,
    OfferClosed,
    TokensListed,
    ListingCancelled,
    TokensSold,
)


class Ledger:
    """The store's view of the chain, in the plugin's tables."""

    def __init__(self, context: PluginContext) -> None:
        self._tables = context.tables
        self._chain = context.chain

    async def read_on(self) -> frozenset[str] | None:
        """Take in the next changes. Gives the tokens they concern; None when there was nothing new.

        Changes and the place up to which they were read are stored together, so none counts twice.
        """
        cursor = await self._cursor()
        changes = await self._chain.changes(cursor, kinds=KINDS, limit=_AT_ONCE)
        if changes.cursor == cursor:
            return None
        sheet = _sheet(changes.steps, self._chain.contracts.store)
        statements = [*await self._sums(sheet), *await self._listings(sheet), *_facts(sheet)]
        moved = [
            delete(reading).where(reading.c.name == _CURSOR),
            insert(reading).values(name=_CURSOR, cursor=changes.cursor),
        ]
        await self._tables.change([*statements, *moved])
        return frozenset(sheet.touched)

    async def goods(self, tokens: Collection[str] | None = None) -> dict[str, Goods]:
        """Give what is known of some tokens, or of all."""
        found = _Rows(
            facts=await self._rows(select(facts), facts.c.token, tokens),
            sums=await self._rows(select(sums), sums.c.token, tokens),
            listings=await self._rows(select(listings), listings.c.token, tokens),
        )
        return dict(_folded(found))

    async def _cursor(self) -> int:
        found = await self._tables.fetch(select(reading.c.cursor).where(reading.c.name == _CURSOR))
        return _whole(found.rows[0][0]) if found.rows else 0

    async def _sums(self, sheet: _Sheet) -> list[UpdateBase]:
        rows = await self._rows(select(sums), sums.c.token, [*sheet.minted.keys() | sheet.in_store.keys()])
        known = {str(row["token"]): row for row in rows}
        statements: list[UpdateBase] = []
        for token in sheet.minted.keys() | sheet.in_store.keys():
            row = known.get(token, {"minted": 0, "in_store": 0})
            values = {
                "minted": str(_whole(row["minted"]) + sheet.minted[token]),
                "in_store": str(_whole(row["in_store"]) + sheet.in_store[token]),
            }
            statements += [
                delete(sums).where(sums.c.token == token),
                insert(sums).values(token=token, **values),
            ]
        return statements

    async def _listings(self, sheet: _Sheet) -> list[UpdateBase]:
        """Add up what is left of listings. One with nothing left is forgotten."""
        rows = await self._rows(select(listings), listings.c.listing, [*sheet.left])
        known = {str(row["listing"]): _whole(row["remaining"]) for row in rows}
        statements: list[UpdateBase] = []
        for listing, (token, change) in sheet.left.items():
            statements.append(delete(listings).where(listings.c.listing == listing))
            left = known.get(listing, 0) + change
            if left:
                row = {"listing": listing, "token": token, "remaining": str(left)}
                statements.append(insert(listings).values(**row))
        return statements

    async def _rows(
        self, question: Select[Any], column: Any, values: Collection[str] | None
    ) -> list[dict[str, Any]]:
        if values is None:
            return await self._asked(question)
        wanted, rows = list(values), []
        for begin in range(0, len(wanted), _IN_ONE_QUESTION):
            part = question.where(column.in_(wanted[begin : begin + _IN_ONE_QUESTION]))
            rows += await self._asked(part)
        return rows

    async def _asked(self, question: Select[Any]) -> list[dict[str, Any]]:
        found = await self._tables.fetch(question)
        return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


@dataclass(slots=True)
class _Sheet:
    """What a stretch of changes comes to."""

    touched: set[str] = field(default_factory=set)
    minted: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    in_store: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    left: dict[str, tuple[str, int]] = field(default_factory=dict)
    facts: dict[tuple[str, int], dict[str, Any] | None] = field(default_factory=dict)


def _sheet(steps: Iterable[Change], store: Wallet | None) -> _Sheet:
    sheet = _Sheet()
    for step in steps:
        event: Any = step.event  # every kind asked for has a token
        token, sign = str(event.token), 1 if step.added else -1
        sheet.touched.add(token)
        if isinstance(event, TokensMoved):
            sheet.minted[token] += sign * event.amount * event.minted
            sheet.in_store[token] += (
                sign * event.amount * ((event.receiver == store) - (event.sender == store))
            )
        elif isinstance(event, (ListingCancelled, TokensSold)):
            _add(sheet, token, event.listing, -sign * event.quantity)
        else:
            if isinstance(event, TokensListed):
                _add(sheet, token, event.listing, sign * event.quantity)
            place = (event.mark.block_hash, event.mark.index)
            sheet.facts[place] = _fact(event, token) if step.added else None
    return sheet


def _add(sheet: _Sheet, token: str, listing: int, change: int) -> None:
    """Count for a listing; number 0 is the publisher's own sale, which is none."""
    if listing:
        before = sheet.left.get(str(listing), (token, 0))[1]
        sheet.left[str(listing)] = (token, before + change)


def _facts(sheet: _Sheet) -> Iterator[UpdateBase]:
    for (block_hash, position), row in sheet.facts.items():
        yield delete(facts).where(facts.c.block_hash == block_hash, facts.c.position == position)
        if row is not None:
            yield insert(facts).values(block_hash=block_hash, position=position, **row)


def _fact(event: Any, token: str) -> dict[str, Any]:
    kind = type(event).__name__
    return {
        "kind": kind,
        "token": token,
        "block": event.mark.block,
        "at": float(event.mark.at),
        "said": SAID[kind](event),
    }


SAID: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "FilmCreated": lambda event: {
        "publisher": event.publisher,
        "max_supply": str(event.max_supply),
        "royalty_receiver": event.royalty_receiver,
        "royalty_basis_points": event.royalty_basis_points,
    },
    "LadderChanged": lambda event: {"tiers": [_tier_row(tier) for tier in event.ladder.tiers]},
    "OfferChanged": lambda event: {
        "publisher": event.publisher,
        "payee": event.payee,
        "coin": event.coin,
        "presale_from": event.presale_from,
        "sale_from": event.sale_from,
        "presale_price": str(event.presale_price),
        "steps": [[str(step.quantity), str(step.unit_price)] for step in event.steps],
    },
    "OfferClosed": lambda _: {},
    "TokensListed": lambda event: {
        "listing": str(event.listing),
        "seller": event.seller,
        "coin": event.coin,
        "unit_price": str(event.unit_price),
    },
}
"""What is kept of an event, by its kind: a function of the event, or of whatever has the same attributes."""


def _tier_row(tier: Tier) -> dict[str, Any]:
    seats = None if tier.seats is None else str(tier.seats)
    return {**asdict(tier), "threshold": str(tier.threshold), "seats": seats}


@dataclass(slots=True)
class _Rows:
    """Rows of the three tables."""

    facts: list[dict[str, Any]]
    sums: list[dict[str, Any]]
    listings: list[dict[str, Any]]


def _folded(rows: _Rows) -> Iterator[tuple[str, Goods]]:
    latest: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    offered: dict[str, dict[str, Any]] = {}
    for row in sorted(rows.facts, key=lambda row: (row["block"], row["position"])):
        if row["kind"] == "TokensListed":
            offered[row["said"]["listing"]] = row["said"]
        else:
            latest[row["token"]]["Offer" if row["kind"].startswith("Offer") else row["kind"]] = row
    sums_of = {row["token"]: row for row in rows.sums}
    left_of = defaultdict(list)
    for row in rows.listings:
        if row["listing"] in offered and _whole(row["remaining"]) > 0:
            left_of[row["token"]].append(_listing(row, offered[row["listing"]]))
    for token in latest.keys() | sums_of.keys():
        yield token, _goods(token, latest.get(token, {}), sums_of.get(token), left_of[token])


def _goods(
    token: str, said: Mapping[str, dict[str, Any]], totals: dict[str, Any] | None, left: list[Listing]
) -> Goods:
    created = said.get("FilmCreated")
    film = created["said"] if created else {}
    ladder, offer = said.get("LadderChanged"), said.get("Offer")
    return Goods(
        token=TokenReference.parse(token),
        created=Timestamp(created["at"] if created else 0),
        publisher=film.get("publisher"),
        max_supply=_whole(film.get("max_supply", 0)),
        royalty_receiver=film.get("royalty_receiver"),
        royalty_basis_points=film.get("royalty_basis_points", 0),
        minted=_whole(totals["minted"]) if totals else 0,
        in_store=_whole(totals["in_store"]) if totals else 0,
        ladder=_ladder(ladder["said"]) if ladder else None,
        offer=_offer(offer["said"]) if offer and offer["kind"] == "OfferChanged" else None,
        listings=cheapest_first(left),
    )


def _ladder(said: dict[str, Any]) -> RightsLadder:
    return RightsLadder(
        tuple(
            Tier(
                threshold=int(tier["threshold"]),
                right=tier["right"],
                territories=tuple(tier["territories"]),
                seats=None if tier["seats"] is None else int(tier["seats"]),
            )
            for tier in said["tiers"]
        )
    )


def _offer(said: dict[str, Any]) -> Offer:
    steps = tuple(PriceStep(int(quantity), int(price)) for quantity, price in said["steps"])
    return Offer(
        publisher=said["publisher"],
        payee=said["payee"],
        coin=said["coin"],
        presale_from=said["presale_from"],
        sale_from=said["sale_from"],
        presale_price=int(said["presale_price"]),
        steps=steps,
    )


def _listing(row: dict[str, Any], said: dict[str, Any]) -> Listing:
    price, left = int(said["unit_price"]), _whole(row["remaining"])
    return Listing(int(row["listing"]), said["seller"], said["coin"], price, left)


def _whole(value: object) -> int:
    return int(str(value))
