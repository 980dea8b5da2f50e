"""A statement in words: the same texts on the page and on paper, and the rows of its CSV."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_royalties.film_split import added_up
from wylloh_royalties.messages import OTHER_TRANSFERS, counted
from wylloh_server.sdk import block_url, checksummed, format_iso, format_minute, transaction_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from wylloh_royalties.coins import Coins
    from wylloh_royalties.film_split import FilmCredits
    from wylloh_royalties.statement import CoinStatement, Statement, StatementLine, StatementTotals
    from wylloh_server.sdk import Wallet

_HEAD = (
    "time (UTC)",
    "what",
    "recipient",
    "amount",
    "coin",
    "balance",
    "amount in base units",
    "balance in base units",
    "coin address",
    "block",
    "log index",
    "transaction",
)


@dataclass(frozen=True, slots=True)
class WrittenLine:
    """A credit or payout in words; `url` and `transaction_url` lead to a block explorer, if there is one."""

    when: str
    what: str
    recipient: str
    amount: str
    balance: str
    block: int
    url: str
    transaction: str
    transaction_url: str


@dataclass(frozen=True, slots=True)
class WrittenSums:
    """What adds up, in words; `who` is a recipient's address."""

    opening: str
    credits: str
    payouts: str
    closing: str
    who: str = ""


@dataclass(frozen=True, slots=True)
class WrittenFilm:
    """What one film brought, in words; empty texts for nothing."""

    title: str
    sales: str
    resales: str
    together: str


@dataclass(frozen=True, slots=True)
class WrittenAccount:
    """One coin in words. `lines` are the first of `count`; `films` add up to `film_sums`."""

    symbol: str
    sums: WrittenSums
    lines: tuple[WrittenLine, ...]
    count: int
    recipients: tuple[WrittenSums, ...]
    films: tuple[WrittenFilm, ...] = ()
    film_sums: WrittenFilm | None = None


@dataclass(frozen=True, slots=True)
class StatementFrame:
    """What a statement says beside its numbers.

    Attributes:
        issuer: the lines that say who issues it, the name first.
        role: of the recipient; empty for none.
        films: the titles of the films whose money the splitter gets.
        title: returns a film's title by its token.
        explorer: address of a block's page in a block explorer, with `{block}`; may be empty.
        own: whether it is the reader's own.
    """

    issuer: tuple[str, ...]
    role: str
    films: tuple[str, ...]
    title: Callable[[str], str]
    explorer: str
    own: bool


@dataclass(frozen=True, slots=True)
class WrittenStatement:
    """A statement in words.

    Attributes:
        lead: the sentence that says it all.
        issuer: the lines that say who issues it, the name first.
        who: the recipient's address with its checksum; empty when it is about all.
        role: of the recipient; empty for none.
        films: the titles of the films whose money the splitter gets.
        notes: up to which block it was counted, and how to prove it.
    """

    lead: str
    issuer: tuple[str, ...]
    who: str
    role: str
    splitter: str
    films: tuple[str, ...]
    name: str
    days: str
    accounts: tuple[WrittenAccount, ...]
    notes: tuple[str, ...]


def written_statement(
    statement: Statement, coins: Coins, frame: StatementFrame, most: int
) -> WrittenStatement:
    """Put a statement into words, with the first `most` lines of each coin."""
    ordered = coins.ordered(account.coin for account in statement.accounts)
    by_coin = {account.coin: account for account in statement.accounts}
    return WrittenStatement(
        lead=_lead(statement, coins, ordered, own=frame.own),
        issuer=frame.issuer,
        who=checksummed(statement.recipient) if statement.recipient else "",
        role=frame.role,
        splitter=checksummed(statement.splitter),
        films=frame.films,
        name=statement.period.name,
        days=statement.period.days,
        accounts=tuple(_account(by_coin[coin], coins, frame, most) for coin in ordered),
        notes=tuple(_notes(statement)),
    )


def rows_of(statement: Statement, coins: Coins) -> Iterator[tuple[object, ...]]:
    """Write a statement as rows of CSV: of each coin its opening balance, every line, its closing balance.

    Notes follow, in the column that says what a row is. All rows have the columns of the head.
    """
    yield _HEAD
    who = statement.recipient or "all"
    by_coin = {account.coin: account for account in statement.accounts}
    for coin in coins.ordered(by_coin):
        account = by_coin[coin]
        begins, ends = (f"{day}T00:00:00" for day in _edges(statement))
        yield (begins, "Opening balance", who, *_amounts(account.sums.opening, coin, coins))
        for line in account.lines:
            yield (
                format_iso(line.mark.at).removesuffix("Z"),
                line.what,
                line.recipient,
                coins.plain(line.amount, coin),
                coins.symbol(coin),
                coins.plain(line.balance, coin),
                line.amount,
                line.balance,
                coin,
                line.mark.block,
                line.mark.index,
                line.mark.transaction,
            )
        yield (ends, "Closing balance", who, *_amounts(account.sums.closing, coin, coins))
    for note in _notes(statement):
        yield ("", note, *[""] * (len(_HEAD) - 2))


def _amounts(amount: int, coin: Wallet, coins: Coins) -> tuple[object, ...]:
    return "", coins.symbol(coin), coins.plain(amount, coin), "", amount, coin, "", "", ""


def _edges(statement: Statement) -> tuple[dt.date, dt.date]:
    return statement.period.first, statement.period.last + dt.timedelta(days=1)


def _lead(statement: Statement, coins: Coins, ordered: list[Wallet], *, own: bool) -> str:
    by_coin = {account.coin: account for account in statement.accounts}
    earned = [
        coins.written(by_coin[coin].sums.credits, coin) for coin in ordered if by_coin[coin].sums.credits
    ]
    whom = "for you" if own else "for this recipient" if statement.recipient else "for all recipients"
    if not earned:
        return f"{statement.period.name}: nothing was set aside {whom}."
    verb = "was" if len(earned) == 1 else "were"
    return f"{statement.period.name}: {counted(earned)} {verb} set aside {whom}."


def _account(account: CoinStatement, coins: Coins, frame: StatementFrame, most: int) -> WrittenAccount:
    coin = account.coin
    return WrittenAccount(
        symbol=coins.symbol(coin),
        sums=_sums(account.sums, coin, coins),
        lines=tuple(_line(line, coin, coins, frame.explorer) for line in account.lines[:most]),
        count=len(account.lines),
        recipients=tuple(_sums(sums, coin, coins, checksummed(who)) for who, sums in account.recipients),
        films=tuple(_films(account.films, coin, coins, frame.title)),
        film_sums=_film("Together", added_up(account.films), coin, coins) if account.films else None,
    )


def _films(
    films: Sequence[FilmCredits], coin: Wallet, coins: Coins, title: Callable[[str], str]
) -> Iterator[WrittenFilm]:
    """Write films by title, other transfers after them."""
    titled = [(title(film.token) if film.token else OTHER_TRANSFERS, film) for film in films]
    for name, film in sorted(titled, key=lambda one: (not one[1].token, one[0].casefold())):
        yield _film(name, film, coin, coins)


def _film(name: str, film: FilmCredits, coin: Wallet, coins: Coins) -> WrittenFilm:
    sales, resales = (coins.written(part, coin) if part else "" for part in (film.sales, film.resales))
    return WrittenFilm(name, sales, resales, coins.written(film.together, coin))


def _sums(sums: StatementTotals, coin: Wallet, coins: Coins, who: str = "") -> WrittenSums:
    return WrittenSums(
        coins.written(sums.opening, coin),
        coins.written(sums.credits, coin),
        coins.written(-sums.payouts, coin).replace("-", "\N{MINUS SIGN}"),
        coins.written(sums.closing, coin),
        who,
    )


def _line(line: StatementLine, coin: Wallet, coins: Coins, explorer: str) -> WrittenLine:
    amount = coins.written(line.amount, coin).replace("-", "\N{MINUS SIGN}")
    return WrittenLine(
        when=format_minute(line.mark.at),
        what=line.what,
        recipient=checksummed(line.recipient),
        amount=amount if line.paid else f"+{amount}",
        balance=coins.written(line.balance, coin),
        block=line.mark.block,
        url=block_url(explorer, line.mark.block),
        transaction=line.mark.transaction,
        transaction_url=transaction_url(explorer, line.mark.transaction),
    )


def _notes(statement: Statement) -> Iterator[str]:
    counted_to = statement.counted
    if counted_to.block is None or counted_to.at is None:
        yield "This server has not read the chain yet."
        return
    ends = " The period had not ended by then." if statement.open else ""
    yield f"Counted up to block {counted_to.block:,} of {format_minute(counted_to.at)}.{ends}"
    if statement.may_change:
        yield f"Blocks after {counted_to.final or 0:,} are so new that the chain may still take them back."
    yield f"SHA-256 of the credits and payouts: {statement.digest}"
