"""Counts blocks: from the facts of one, and from what wallets had before it, to the sums it changes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wylloh_analytics.facts import MOST, nobodies, passed_on, postings, token_of
from wylloh_analytics.lots import Lot, added, taken
from wylloh_analytics.moments import HOURS, Grain, hour_of, month_of
from wylloh_analytics.tally import EVERYTHING, STILL_HELD, Tally
from wylloh_server.sdk import TokensSold, Wallet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wylloh_server.sdk import BlockNumber, ChainEvent, TokenReference

NEVER = -1

Pair = tuple[int, Wallet]
"""A scope and a wallet."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a wallet has within a scope.

    Attributes:
        tokens: how many it holds.
        got: the last hour in which it got some; `NEVER` if it never did.
        lots: when those it holds came, oldest first; only where the scope is one film.
    """

    tokens: int = 0
    got: int = NEVER
    lots: tuple[Lot, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownFilm:
    """The scopes a film belongs to, and whose it is (None if that was never read)."""

    scope: int
    publisher_scope: int | None = None
    publisher: Wallet | None = None

    @property
    def wider(self) -> tuple[int, ...]:
        """The scopes of several films it is part of."""
        return (EVERYTHING,) if self.publisher_scope is None else (self.publisher_scope, EVERYTHING)

    @property
    def scopes(self) -> tuple[int, ...]:
        """All its scopes."""
        return (self.scope, *self.wider)


@dataclass(frozen=True, slots=True)
class Block:
    """The facts of one block, in order."""

    number: BlockNumber
    hash: str
    at: float
    facts: tuple[ChainEvent, ...]


@dataclass(frozen=True, slots=True)
class Counted:
    """What blocks change: sums, and what wallets have afterwards (`now`) and had before the first (`was`)."""

    tally: Tally = field(default_factory=Tally)
    now: dict[Pair, Standing] = field(default_factory=dict)
    was: dict[Pair, Standing] = field(default_factory=dict)


@dataclass(slots=True)
class Book:
    """Counts blocks one after the other.

    Attributes:
        store: the contract that keeps what is on sale, if there is one.
        films: every film the blocks are about.
    """

    store: Wallet | None
    films: Mapping[TokenReference, KnownFilm] = field(default_factory=dict)
    _none: dict[Wallet | None, frozenset[Wallet]] = field(default_factory=dict)

    def pairs(self, facts: Iterable[ChainEvent]) -> set[Pair]:
        """Give whose standings must be known to count these facts."""
        return {
            (scope, wallet)
            for film, postings_of_it in (self._postings(fact) for fact in facts)
            for wallet, _ in postings_of_it
            for scope in film.scopes
        }

    def count(self, block: Block, standings: dict[Pair, Standing], counted: Counted) -> None:
        """Count a block, on top of what was `counted`.

        `standings` are those of `pairs`, as far as they were ever counted; they are kept up.
        """
        hour = hour_of(block.at)
        for fact in block.facts:
            self._count_trade(counted.tally, fact, hour)
        moving = _Moving(counted, standings, hour)
        wider: Counter[Pair] = Counter()
        for (film, wallet), change in self._changes(block).items():
            really = moving.move((film.scope, wallet), change, film)
            for scope in film.wider:
                wider[scope, wallet] += really
        for pair, change in wider.items():
            moving.move(pair, change)

    def _changes(self, block: Block) -> Counter[tuple[KnownFilm, Wallet]]:
        """Add up what the block's facts give and take, film by film and wallet by wallet."""
        changes: Counter[tuple[KnownFilm, Wallet]] = Counter()
        for fact in block.facts:
            film, postings_of_it = self._postings(fact)
            for wallet, tokens in postings_of_it:
                changes[film, wallet] += tokens
        return changes

    def _postings(self, fact: ChainEvent) -> tuple[KnownFilm, tuple[tuple[Wallet, int], ...]]:
        film = self.films[token_of(fact)]
        return film, postings(fact, self._nobodies(film))

    def _count_trade(self, tally: Tally, fact: ChainEvent, hour: int) -> None:
        film = self.films[token_of(fact)]
        moved = passed_on(fact, self._nobodies(film))
        sale = fact if isinstance(fact, TokensSold) else None
        if not moved and sale is None:
            return
        for scope in film.scopes:
            for grain, start in _grains(hour):
                if moved:
                    tally.flow[scope, grain, start, "moved"] += moved
                if sale is not None:
                    _count_sale(tally, sale, scope, grain, start)

    def _nobodies(self, film: KnownFilm) -> frozenset[Wallet]:
        found = self._none.get(film.publisher)
        if found is None:
            found = self._none[film.publisher] = nobodies(self.store, film.publisher)
        return found


def _count_sale(tally: Tally, sale: TokensSold, scope: int, grain: Grain, start: int) -> None:
    name, kind = (
        ("resold", "resale")
        if sale.listing
        else ("presold", "presale")
        if sale.presale
        else ("sold", "release")
    )
    if sale.quantity <= MOST:
        tally.flow[scope, grain, start, name] += sale.quantity
    tally.money[scope, grain, start, kind, sale.coin] += sale.total
    if sale.royalty:
        tally.money[scope, grain, start, "royalty", sale.coin] += sale.royalty
    if not sale.listing and sale.fee:
        tally.money[scope, grain, start, "fee", sale.coin] += sale.fee


@dataclass(frozen=True, slots=True)
class _Moving:
    """Changes what wallets have, within one hour."""

    counted: Counted
    standings: dict[Pair, Standing]
    hour: int

    def move(self, pair: Pair, change: int, film: KnownFilm | None = None) -> int:
        """Change what a wallet has within a scope, of one `film` or of several; gives by how much it did."""
        before = self.standings.get(pair, Standing())
        change = max(change, -before.tokens)
        if not change:
            return 0
        tally, lots = self.counted.tally, before.lots
        if film is not None:
            lots = _count_spans(tally, before, change, self.hour // HOURS, film)
        got = self.hour if change > 0 else before.got
        after = Standing(before.tokens + change, got, lots)
        _count_step(tally, pair[0], before, after, self.hour)
        self.counted.was.setdefault(pair, before)
        self.counted.now[pair] = self.standings[pair] = after
        return change


def _count_step(tally: Tally, scope: int, before: Standing, after: Standing, hour: int) -> None:
    for grain, start in _grains(hour):
        tally.flow[scope, grain, start, "held"] += after.tokens - before.tokens
        if not before.tokens:
            tally.flow[scope, grain, start, "came"] += 1
        if not after.tokens:
            tally.flow[scope, grain, start, "left"] += 1
        if after.tokens > before.tokens:
            _count_getting(tally, scope, grain, start, before.got)
    day = hour // HOURS
    for grain, start in ((Grain.DAY, day), (Grain.MONTH, month_of(day))):
        if before.tokens:
            tally.sizes[scope, grain, start, before.tokens] -= 1
        if after.tokens:
            tally.sizes[scope, grain, start, after.tokens] += 1


def _count_getting(tally: Tally, scope: int, grain: Grain, start: int, got: int) -> None:
    if got == NEVER:
        tally.flow[scope, grain, start, "fresh"] += 1
    elif (got if grain is Grain.HOUR else got // HOURS) != start:
        tally.flow[scope, grain, start, "again"] += 1


def _count_spans(tally: Tally, before: Standing, change: int, day: int, film: KnownFilm) -> tuple[Lot, ...]:
    if change > 0:
        for scope in film.scopes:
            tally.spans[scope, STILL_HELD, day] += change
        return added(before.lots, day, change)
    lots, gone = taken(before.lots, -change)
    for scope in film.scopes:
        for came, tokens in gone:
            tally.spans[scope, STILL_HELD, came] -= tokens
            tally.spans[scope, day, came] += tokens
    return lots


def _grains(hour: int) -> tuple[tuple[Grain, int], tuple[Grain, int]]:
    return ((Grain.HOUR, hour), (Grain.DAY, hour // HOURS))
