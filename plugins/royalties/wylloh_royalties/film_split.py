"""What credits are made of, film by film: plain computation from the chain's history, as the statement is.

A splitter divides all it has of a coin at once. So what one division set aside came from the sales since the
one before, each film's part in proportion; what no sale explains are other transfers.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_royalties.projection import ROYALTY, SALE
from wylloh_royalties.shares import apportioned
from wylloh_server.sdk import IncomeCredited, OfferChanged, TokensSold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from wylloh_server.sdk import ChainEvent, LogPosition, Wallet

OTHER = "other"
"""The kind of what no sale explains."""

_Origin = tuple[str, str]
"""A film's token, empty for none, and a kind: `SALE`, `ROYALTY` or `OTHER`."""


@dataclass(frozen=True, slots=True)
class FilmIncome:
    """What one sale of a film brought to a splitter; `kind` is `SALE` or `ROYALTY`."""

    mark: LogPosition
    token: str
    kind: str
    coin: Wallet
    amount: int


@dataclass(frozen=True, slots=True)
class FilmCredits:
    """What one film brought of some credits of a coin; `token` is empty for other transfers."""

    token: str
    sales: int
    resales: int
    other: int

    @property
    def together(self) -> int:
        """All of it."""
        return self.sales + self.resales + self.other


def added_up(films: Iterable[FilmCredits]) -> FilmCredits:
    """Return the sums of some films."""
    parts = [(film.sales, film.resales, film.other) for film in films]
    return FilmCredits("", *map(sum, zip(*parts, strict=True)))


def incomes_of(facts: Iterable[ChainEvent], splitter: Wallet) -> Iterator[FilmIncome]:
    """Yield what a film's sales brought to a splitter.

    Args:
        facts: the history of the film's offers and sales in the chain's order.
        splitter: as payee of an offer, or as receiver of a resale's royalty.
    """
    payee = None
    for fact in facts:
        if isinstance(fact, OfferChanged):
            payee = fact.payee
        elif isinstance(fact, TokensSold):
            resale = bool(fact.listing)
            receiver = fact.royalty_receiver if resale else payee
            amount = fact.royalty if resale else fact.total - fact.fee
            if receiver == splitter and amount:
                kind = ROYALTY if resale else SALE
                yield FilmIncome(fact.mark, str(fact.token), kind, fact.coin, amount)


def split_by_film(
    credited: Iterable[IncomeCredited],
    incomes: Iterable[FilmIncome],
    counts: Callable[[IncomeCredited], bool],
) -> dict[Wallet, tuple[FilmCredits, ...]]:
    """Split credits by film, coin by coin; the parts of a coin add up to its credits to the last unit.

    Args:
        credited: all credits of a splitter.
        incomes: all that sales brought to it.
        counts: which credits are to be split.
    """
    batch = _CreditSplitter(counts)
    facts: list[FilmIncome | IncomeCredited] = [*incomes, *credited]
    for fact in sorted(facts, key=lambda one: (one.mark.block, one.mark.index)):
        if isinstance(fact, FilmIncome):
            batch.add_income(fact)
        else:
            batch.add_credit(fact)
    return batch.result()


class _CreditSplitter:
    """Goes through a splitter's history, coin by coin: what is undivided, and the division under way."""

    def __init__(self, counts: Callable[[IncomeCredited], bool]) -> None:
        self._counts = counts
        self._undivided: defaultdict[Wallet, defaultdict[_Origin, int]] = defaultdict(_counter)
        self._division: defaultdict[Wallet, list[IncomeCredited]] = defaultdict(list)
        self._sums: defaultdict[Wallet, defaultdict[_Origin, int]] = defaultdict(_counter)

    def add_income(self, income: FilmIncome) -> None:
        """Add to what is undivided; what was divided before is none of it."""
        self._close(income.coin)
        self._undivided[income.coin][income.token, income.kind] += income.amount

    def add_credit(self, credit: IncomeCredited) -> None:
        """Add to the division under way: a transaction makes all of its credits one after the other."""
        division = self._division[credit.coin]
        if division and division[0].mark.transaction != credit.mark.transaction:
            self._close(credit.coin)
        self._division[credit.coin].append(credit)

    def result(self) -> dict[Wallet, tuple[FilmCredits, ...]]:
        """Return the parts, by coin."""
        for coin in tuple(self._division):
            self._close(coin)
        return {coin: tuple(_by_film(sums)) for coin, sums in self._sums.items()}

    def _close(self, coin: Wallet) -> None:
        division = self._division.pop(coin, [])
        amount = sum(credit.amount for credit in division if self._counts(credit))
        undivided: Mapping[_Origin, int] = self._undivided.pop(coin, {}) if division else {}
        if not amount:
            return
        rest = sum(credit.amount for credit in division) - sum(undivided.values())
        parts = {**undivided, ("", OTHER): max(0, rest)}
        for origin, part in zip(parts, apportioned(amount, tuple(parts.values())), strict=True):
            self._sums[coin][origin] += part


def _counter() -> defaultdict[_Origin, int]:
    return defaultdict(int)


def _by_film(sums: Mapping[_Origin, int]) -> Iterator[FilmCredits]:
    for token in dict.fromkeys(token for token, _ in sums):
        film = FilmCredits(token, *(sums.get((token, kind), 0) for kind in (SALE, ROYALTY, OTHER)))
        if film.together:
            yield film
