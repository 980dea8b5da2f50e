"""Pages of statements: to read, as CSV, and to print. Recipients see their own, the owner sees all."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING

from wylloh_royalties.coins import coins_named
from wylloh_royalties.film_income import paying_films
from wylloh_royalties.film_split import incomes_of
from wylloh_royalties.issuer import issuer_lines
from wylloh_royalties.periods import around, day_of, period_of
from wylloh_royalties.splitter_sync import sync_of, topic_of
from wylloh_royalties.splitters import requested_splitter
from wylloh_royalties.statement import statement_of
from wylloh_royalties.statement_view import StatementFrame, rows_of, written_statement
from wylloh_server.sdk import (
    CSV_TYPE,
    AccessRefused,
    ChainError,
    Download,
    EventQuery,
    IncomeCredited,
    InvalidValue,
    OfferChanged,
    Page,
    PayoutMade,
    RecipientsChanged,
    TokenReference,
    TokensSold,
    Wallet,
    parse_wallet,
    short_address,
    write_csv,
)

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from wylloh_royalties.coins import Coins
    from wylloh_royalties.film_split import FilmIncome
    from wylloh_royalties.periods import StatementPeriod
    from wylloh_royalties.splitters import Splitter, SplitterState
    from wylloh_royalties.statement import Statement
    from wylloh_royalties.statement_view import WrittenStatement
    from wylloh_server.sdk import ChainEvent, IndexState, PluginContext, PluginRequest, Reply, Viewer

_ALL = "all"
_MOST_SHOWN = 500
"""Lines on a page; the files have all of them."""
_MOST_PRINTED = 1_000
"""Lines on paper, some forty pages: more take longer than somebody may wait."""
_MOST_CHANGES = 1000
_IN_ONE_QUERY = 2000
_TRIES = 5


@dataclass(frozen=True, slots=True)
class StatementRequest:
    """What statement somebody asked for, and what they may ask for.

    Attributes:
        near: the day within the period that lies nearest to today.
        host: by which the server was asked.
    """

    splitter: Splitter
    standing: SplitterState
    viewer: Viewer
    recipient: Wallet | None
    period: StatementPeriod
    near: dt.date
    host: str


@dataclass(frozen=True, slots=True)
class RecipientOption:
    """Somebody whose statement the owner can choose."""

    value: str
    name: str
    chosen: bool


async def statement(context: PluginContext, request: PluginRequest) -> Reply:
    """Show a statement."""
    error, query = None, request.query
    try:
        asked = await _asked(context, request, query)
    except InvalidValue as problem:
        error = problem
        asked = await _asked(context, request, {name: query[name] for name in query if name == "who"})
    computed, coins = await _computed(context, asked)
    shown = await _written(context, asked, computed, coins, _MOST_SHOWN)
    values = {
        "statement": shown,
        "splitter": asked.splitter,
        "who": asked.recipient or _ALL,
        "period": asked.period,
        "periods": [around(asked.near, kind) for kind in ("month", "quarter", "year")],
        "choices": await _choices(context, asked),
        "topic": topic_of(asked.splitter.address),
        "typed": query if error else {},
        "error": error,
    }
    return Page("statement.html", values, status=400 if error else 200)


async def statement_csv(context: PluginContext, request: PluginRequest) -> Reply:
    """Return a statement as CSV."""
    asked = await _asked(context, request, request.query)
    computed, coins = await _computed(context, asked)
    body = write_csv(rows_of(computed, coins))
    return Download(f"{_file_name(asked)}.csv", CSV_TYPE, body)


async def statement_pdf(context: PluginContext, request: PluginRequest) -> Reply:
    """Return a statement to print."""
    asked = await _asked(context, request, request.query)
    computed, coins = await _computed(context, asked)
    lines = sum(len(account.lines) for account in computed.accounts)
    if lines > _MOST_PRINTED:
        raise InvalidValue(
            f"{lines:,} lines are too many to print.", fix="Choose a shorter period, or take the CSV."
        )
    shown = await _written(context, asked, computed, coins, _MOST_PRINTED)
    body = await asyncio.to_thread(_print, shown, computed.counted.at or 0)
    return Download(f"{_file_name(asked)}.pdf", "application/pdf", body)


def _print(shown: WrittenStatement, made: float) -> bytes:
    """Print a statement. The PDF library takes as long to import as the rest of the plugin, so only here."""
    body: bytes = import_module("wylloh_royalties.pdf").printed(shown, made)
    return body


async def _asked(
    context: PluginContext, request: PluginRequest, query: Mapping[str, str]
) -> StatementRequest:
    viewer, splitter, standing = await requested_splitter(context, request)
    recipient = _recipient(query.get("who", ""), viewer, standing)
    state = await context.chain.state()
    today = day_of(state.at if state.at is not None else time.time())
    period = period_of(query, today)
    near = min(period.last, max(period.first, today))
    host = request.headers.get("host", "")
    return StatementRequest(splitter, standing, viewer, recipient, period, near, host)


def _recipient(who: str, viewer: Viewer, standing: SplitterState) -> Wallet | None:
    """Read whose statement is asked for; without a word a recipient's own, else everybody's.

    Raises:
        AccessRefused: it is somebody else's, and the viewer does not own the splitter.
    """
    if not who:
        return viewer.wallet if standing.recipient else None
    recipient = None if who == _ALL else parse_wallet(who)
    if recipient != viewer.wallet and not standing.owner:
        raise AccessRefused(
            "Only the owner of a splitter sees the statements of others.", fix="Look at your own."
        )
    return recipient


async def _computed(context: PluginContext, asked: StatementRequest) -> tuple[Statement, Coins]:
    facts, incomes, state = await _history(context, asked.splitter.address)
    splitter = asked.splitter.address
    computed = statement_of(facts, splitter, asked.recipient, asked.period, state, incomes=incomes)
    return computed, await coins_named(context, [account.coin for account in computed.accounts])


async def _history(
    context: PluginContext, splitter: Wallet
) -> tuple[tuple[ChainEvent, ...], tuple[FilmIncome, ...], IndexState]:
    """Return credits and payouts in the chain's order, what sales brought, and how far the chain was read.

    The chain goes on while it is read in pieces. So it is read again when that has happened.

    Raises:
        ChainError: it went on each time.
    """
    for _ in range(_TRIES):
        before = await context.chain.state()
        moves = EventQuery(kinds=(IncomeCredited, PayoutMade), contract=splitter)
        events, incomes = await _events(context, moves), await _incomes(context, splitter)
        if await context.chain.state() == before:
            return events, incomes, before
    raise ChainError("the chain grows faster than it can be counted", fix="Try again in a minute.")


async def _incomes(context: PluginContext, splitter: Wallet) -> tuple[FilmIncome, ...]:
    incomes: list[FilmIncome] = []
    for token in await sync_of(context).projection.tokens_that_paid(splitter):
        sales = EventQuery(kinds=(OfferChanged, TokensSold), token=TokenReference.parse(token))
        incomes += incomes_of(await _events(context, sales), splitter)
    return tuple(incomes)


async def _events(context: PluginContext, query: EventQuery) -> tuple[ChainEvent, ...]:
    """Return all events of a query, the oldest first."""
    found: list[ChainEvent] = []
    while True:
        part = await context.chain.history(
            replace(query, newest_first=False, limit=_IN_ONE_QUERY, offset=len(found))
        )
        found += part
        if len(part) < _IN_ONE_QUERY:
            return tuple(found)


async def _written(
    context: PluginContext, asked: StatementRequest, computed: Statement, coins: Coins, most: int
) -> WrittenStatement:
    sync = sync_of(context)
    paying = paying_films(sync, await sync.projection.paying(asked.splitter.address))
    roles = {share.account: share.role for share in asked.splitter.shares}
    frame = StatementFrame(
        issuer=issuer_lines(context, asked.host),
        role=roles.get(asked.recipient, "") if asked.recipient else "",
        films=tuple(film.title for film in paying),
        title=sync.title,
        explorer=context.chain.explorer,
        own=asked.recipient == asked.viewer.wallet,
    )
    return written_statement(computed, coins, frame, most)


async def _choices(context: PluginContext, asked: StatementRequest) -> list[RecipientOption]:
    """Return whose statements the owner can choose: everybody's, and of each who has or had a share."""
    if not asked.standing.owner:
        return []
    changes = await context.chain.history(
        EventQuery(kinds=(RecipientsChanged,), contract=asked.splitter.address, limit=_MOST_CHANGES)
    )
    wallets: dict[Wallet, str] = {}
    for change in changes:
        if isinstance(change, RecipientsChanged):
            for share in change.shares:
                wallets.setdefault(share.account, share.role)
    people = [
        RecipientOption(wallet, _name(wallet, role, asked.viewer), wallet == asked.recipient)
        for wallet, role in wallets.items()
    ]
    return [RecipientOption(_ALL, "All recipients", asked.recipient is None), *people]


def _name(wallet: Wallet, role: str, viewer: Viewer) -> str:
    name = "You" if wallet == viewer.wallet else short_address(wallet)
    return f"{name}, {role}" if role else name


def _file_name(asked: StatementRequest) -> str:
    who = asked.recipient or _ALL
    return f"statement-{asked.period.code}-{who[:10]}"
