"""Statements: what was set aside and paid, from the facts of one splitter and nothing else.

Everything here is plain computation, so that anybody with the chain's history comes to the same numbers.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_royalties.film_split import split_by_film
from wylloh_server.sdk import IncomeCredited, PayoutMade

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wylloh_royalties.film_split import FilmCredits, FilmIncome
    from wylloh_royalties.periods import StatementPeriod
    from wylloh_server.sdk import ChainEvent, IndexState, LogPosition, Wallet


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One credit or payout.

    Attributes:
        amount: in the coin's base unit; below 0 for a payout.
        balance: what was set aside afterwards, of this coin, for whom the statement is.
    """

    mark: LogPosition
    recipient: Wallet
    amount: int
    balance: int

    @property
    def paid(self) -> bool:
        """Whether it is a payout."""
        return self.amount < 0

    @property
    def what(self) -> str:
        """What it is, in a word."""
        return "Payout" if self.paid else "Credit"


@dataclass(frozen=True, slots=True)
class StatementTotals:
    """What adds up: opening + credits - payouts = closing."""

    opening: int
    credits: int
    payouts: int

    @property
    def closing(self) -> int:
        """What is set aside at the end."""
        return self.opening + self.credits - self.payouts


@dataclass(frozen=True, slots=True)
class CoinStatement:
    """All of one coin.

    Attributes:
        lines: those within the period, in the chain's order.
        recipients: the sums of each recipient, by address; their sums are `sums`.
        films: what the credits within the period are made of; they add up to `sums.credits`.
    """

    coin: Wallet
    sums: StatementTotals
    lines: tuple[StatementLine, ...]
    recipients: tuple[tuple[Wallet, StatementTotals], ...]
    films: tuple[FilmCredits, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """What one recipient, or all (`recipient` is None), got from a splitter in a period.

    Attributes:
        counted: up to which block it was counted.
        digest: SHA-256 (hex) of the lines within the period; see `digest_of`.
    """

    splitter: Wallet
    recipient: Wallet | None
    period: StatementPeriod
    accounts: tuple[CoinStatement, ...]
    counted: IndexState
    digest: str

    @property
    def open(self) -> bool:
        """Whether the period had not ended at the last block that was counted."""
        return self.counted.at is None or self.counted.at < self.period.ends

    @property
    def may_change(self) -> bool:
        """Whether a block that was counted can still be taken back."""
        return (self.counted.block or 0) > (self.counted.final or 0)


def statement_of(
    facts: Iterable[ChainEvent],
    splitter: Wallet,
    recipient: Wallet | None,
    period: StatementPeriod,
    counted: IndexState,
    *,
    incomes: Iterable[FilmIncome] = (),
) -> Statement:
    """Compute a statement.

    Args:
        facts: the splitter's history in the chain's order, of all recipients; other kinds are passed over.
        splitter: whose history it is.
        recipient: for whom; None for all.
        period: which lines it shows.
        counted: facts of later blocks are left out.
        incomes: what sales brought to the splitter.
    """
    everybody = [
        fact
        for fact in facts
        if isinstance(fact, (IncomeCredited, PayoutMade))
        and fact.splitter == splitter
        and fact.mark.block <= (counted.block or 0)
        and fact.mark.at < period.ends
    ]
    moves = [move for move in everybody if recipient in (None, move.recipient)]
    films = split_by_film(
        [move for move in everybody if isinstance(move, IncomeCredited)],
        incomes,
        lambda credit: recipient in (None, credit.recipient) and credit.mark.at >= period.begins,
    )
    by_coin: defaultdict[Wallet, list[IncomeCredited | PayoutMade]] = defaultdict(list)
    for move in moves:
        by_coin[move.coin].append(move)
    accounts = tuple(_account(coin, by_coin[coin], period, films.get(coin, ())) for coin in sorted(by_coin))
    within = [move for move in moves if move.mark.at >= period.begins]
    return Statement(splitter, recipient, period, accounts, counted, digest_of(within))


def digest_of(moves: Sequence[IncomeCredited | PayoutMade]) -> str:
    """Hash facts in the chain's order: one line each, ended by a line feed, of eight fields parted by spaces.

    They are block, index of the log in the block, transaction, `credit` or `payout`, splitter, recipient,
    coin, amount in the coin's base unit; numbers in decimal, hashes and addresses in lower-case hex with 0x.
    """
    digest = hashlib.sha256()
    for move in moves:
        mark = move.mark
        kind = "payout" if isinstance(move, PayoutMade) else "credit"
        fields = (mark.block, mark.index, mark.transaction, kind, move.splitter, move.recipient, move.coin)
        digest.update(f"{' '.join(map(str, fields))} {move.amount}\n".encode())
    return digest.hexdigest()


def _account(
    coin: Wallet,
    moves: Sequence[IncomeCredited | PayoutMade],
    period: StatementPeriod,
    films: tuple[FilmCredits, ...],
) -> CoinStatement:
    lines: list[StatementLine] = []
    balance = 0
    for move in moves:
        amount = _signed(move)
        balance += amount
        if move.mark.at >= period.begins:
            lines.append(StatementLine(move.mark, move.recipient, amount, balance))
    each: defaultdict[Wallet, list[IncomeCredited | PayoutMade]] = defaultdict(list)
    for move in moves:
        each[move.recipient].append(move)
    recipients = tuple((wallet, _sums(each[wallet], period)) for wallet in sorted(each))
    return CoinStatement(coin, _sums(moves, period), tuple(lines), recipients, films)


def _sums(moves: Sequence[IncomeCredited | PayoutMade], period: StatementPeriod) -> StatementTotals:
    opening = credited = paid = 0
    for move in moves:
        if move.mark.at < period.begins:
            opening += _signed(move)
        elif isinstance(move, IncomeCredited):
            credited += move.amount
        else:
            paid += move.amount
    return StatementTotals(opening, credited, paid)


def _signed(move: IncomeCredited | PayoutMade) -> int:
    return move.amount if isinstance(move, IncomeCredited) else -move.amount
