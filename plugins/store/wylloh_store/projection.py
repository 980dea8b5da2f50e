"""Films, offers, listings and stock as tables that follow the chain."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from wylloh_server.sdk import (
    ChainProjection,
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
    TokensSold,
    TokensTransferred,
    replace_rows,
    select_rows,
)
from wylloh_store.offer import FilmMarket, Listing, Offer, cheapest_first
from wylloh_store.tables import facts, listings, reading, sums

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from wylloh_server.sdk import ChainEvent, Wallet

Row = dict[str, Any]
Rows = dict[tuple[object, ...], Row | None]
"""Rows by primary key; None for one that goes."""


class StoreProjection(ChainProjection):
    """The store's tables of films, offers, listings and stock. Every event read is about one film."""

    kinds = (
        FilmCreated,
        LadderChanged,
        TokensTransferred,
        OfferChanged,
        OfferClosed,
        TokensListed,
        ListingCancelled,
        TokensSold,
    )
    cursors = reading

    async def apply(self, events: Sequence[ChainEvent]) -> Sequence[object]:
        """Return the statements that add events."""
        return await self._statements_of(events, 1)

    async def undo(self, events: Sequence[ChainEvent]) -> Sequence[object]:
        """Return the statements that undo events."""
        return await self._statements_of(events, -1)

    async def _statements_of(self, events: Sequence[ChainEvent], sign: int) -> Sequence[object]:
        batch = _batch_of(events, sign, self._chain.contracts.store)
        return [
            *replace_rows(sums, await self._sum_rows(batch)),
            *replace_rows(listings, await self._listing_rows(batch)),
            *replace_rows(facts, batch.facts),
        ]

    async def markets(self, tokens: Collection[str] | None = None) -> dict[str, FilmMarket]:
        """Return what is known of some tokens, or of all."""
        latest: dict[str, dict[type[ChainEvent], Row]] = defaultdict(dict)
        offered: dict[str, Row] = {}
        ladders: dict[str, list[RightsLadder]] = defaultdict(list)
        found = await select_rows(self._tables, select(facts), facts.c.token, tokens)
        for row in sorted(found, key=lambda row: (row["block"], row["position"])):
            kind = _KINDS[row["kind"]]
            if kind is TokensListed:
                offered[row["said"]["listing"]] = row["said"]
            elif kind is LadderChanged:
                ladders[row["token"]].append(RightsLadder(tuple(map(_tier, row["said"]["tiers"]))))
            elif kind is not OfferClosed:
                latest[row["token"]][kind] = row
            elif OfferChanged in latest[row["token"]]:
                latest[row["token"]][kind] = latest[row["token"]].pop(OfferChanged)
        totals = {
            row["token"]: row for row in await select_rows(self._tables, select(sums), sums.c.token, tokens)
        }
        left = defaultdict(list)
        for row in await select_rows(self._tables, select(listings), listings.c.token, tokens):
            if row["listing"] in offered and int(row["remaining"]) > 0:
                left[row["token"]].append(_listing(row, offered[row["listing"]]))
        return {
            token: _market(
                token, latest.get(token, {}), ladders[token], totals.get(token, _NO_SUMS), left[token]
            )
            for token in latest.keys() | totals.keys() | ladders.keys()
        }

    async def _sum_rows(self, batch: _Batch) -> Rows:
        rows = await select_rows(self._tables, select(sums), sums.c.token, batch.sums)
        known = {row["token"]: row for row in rows}
        return {
            (token,): {name: str(int(known.get(token, _NO_SUMS)[name]) + change[name]) for name in _NO_SUMS}
            for token, change in batch.sums.items()
        }

    async def _listing_rows(self, batch: _Batch) -> Rows:
        """Return what is left of listings. One with nothing left is forgotten."""
        rows = await select_rows(self._tables, select(listings), listings.c.listing, batch.left)
        known = {row["listing"]: int(row["remaining"]) for row in rows}
        left = {listing: known.get(listing, 0) + change for listing, (_, change) in batch.left.items()}
        return {
            (listing,): {"token": token, "remaining": str(left[listing])} if left[listing] else None
            for listing, (token, _) in batch.left.items()
        }


_NO_SUMS = {"minted": 0, "in_store": 0, "sold": 0}


@dataclass(slots=True)
class _Batch:
    """What a batch of events adds up to, by token, by listing and by position on the chain."""

    sums: defaultdict[str, defaultdict[str, int]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(int))
    )
    left: dict[str, tuple[str, int]] = field(default_factory=dict)
    facts: Rows = field(default_factory=dict)


def _batch_of(events: Iterable[ChainEvent], sign: int, store: Wallet | None) -> _Batch:
    batch = _Batch()
    for one in events:
        event: Any = one  # every kind read has a token
        token = str(event.token)
        if isinstance(event, TokensTransferred):
            batch.sums[token]["minted"] += sign * event.amount * event.minted
            into_store = (event.receiver == store) - (event.sender == store)
            batch.sums[token]["in_store"] += sign * event.amount * into_store
        elif isinstance(event, (ListingCancelled, TokensSold)):
            _add(batch, token, event.listing, -sign * event.quantity)
            batch.sums[token]["sold"] += sign * event.quantity * (event.listing == 0)
        else:
            if isinstance(event, TokensListed):
                _add(batch, token, event.listing, sign * event.quantity)
            position = (event.mark.block_hash, event.mark.index)
            batch.facts[position] = _fact(event, token) if sign > 0 else None
    return batch


def _add(batch: _Batch, token: str, listing: int, change: int) -> None:
    """Count for a listing; number 0 is the publisher's own sale, which is none."""
    if listing:
        before = batch.left.get(str(listing), (token, 0))[1]
        batch.left[str(listing)] = (token, before + change)


def _fact(event: Any, token: str) -> Row:
    kind = type(event)
    return {
        "kind": kind.__name__,
        "token": token,
        "block": event.mark.block,
        "at": float(event.mark.at),
        "said": STORED_FIELDS[kind](event),
    }


STORED_FIELDS: Mapping[type[ChainEvent], Callable[[Any], Row]] = {
    FilmCreated: lambda event: {
        "publisher": event.publisher,
        "max_supply": str(event.max_supply),
        "royalty_receiver": event.royalty_receiver,
        "royalty_basis_points": event.royalty_basis_points,
    },
    LadderChanged: lambda event: {"tiers": [_tier_row(tier) for tier in event.ladder.tiers]},
    OfferChanged: lambda event: {
        "publisher": event.publisher,
        "payee": event.payee,
        "coin": event.coin,
        "presale_from": event.presale_from,
        "sale_from": event.sale_from,
        "presale_price": str(event.presale_price),
        "steps": [[str(step.quantity), str(step.unit_price)] for step in event.steps],
    },
    OfferClosed: lambda _: {},
    TokensListed: lambda event: {
        "listing": str(event.listing),
        "seller": event.seller,
        "coin": event.coin,
        "unit_price": str(event.unit_price),
    },
}
"""What is kept of an event, by its kind: a function of the event, or of whatever has the same attributes."""
_KINDS = {kind.__name__: kind for kind in STORED_FIELDS}


def _tier_row(tier: Tier) -> Row:
    seats = None if tier.seats is None else str(tier.seats)
    return {**asdict(tier), "threshold": str(tier.threshold), "seats": seats}


def _market(
    token: str,
    latest: Mapping[type[ChainEvent], Row],
    ladders: Sequence[RightsLadder],
    totals: Mapping[str, Any],
    left: list[Listing],
) -> FilmMarket:
    created, offer, ended = (latest.get(kind) for kind in (FilmCreated, OfferChanged, OfferClosed))
    film: Row = created["said"] if created else {}
    return FilmMarket(
        token=TokenReference.parse(token),
        created=Timestamp(created["at"] if created else 0),
        **film | {"max_supply": int(film.get("max_supply", 0))},
        minted=int(totals["minted"]),
        in_store=int(totals["in_store"]),
        sold=int(totals["sold"]),
        ladder=ladders[-1].with_earlier(ladders[:-1]) if ladders else None,
        offer=_offer(offer["said"]) if offer else None,
        ended=_offer(ended["said"]) if ended and not offer else None,
        listings=cheapest_first(left),
    )


def _tier(row: Row) -> Tier:
    return Tier(
        threshold=int(row["threshold"]),
        right=row["right"],
        territories=tuple(row["territories"]),
        seats=None if row["seats"] is None else int(row["seats"]),
    )


def _offer(row: Row) -> Offer:
    steps = tuple(PriceStep(int(quantity), int(price)) for quantity, price in row["steps"])
    return Offer(**row | {"presale_price": int(row["presale_price"]), "steps": steps})


def _listing(row: Row, offered: Row) -> Listing:
    price, left = int(offered["unit_price"]), int(row["remaining"])
    return Listing(int(row["listing"]), offered["seller"], offered["coin"], price, left)
