"""Pages of statements: to read, as CSV, and to print. Recipients see their own, the owner sees all."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_royalties.asking import splitter_in, viewer_of
from wylloh_royalties.coins import coins_named
from wylloh_royalties.films import films_line
from wylloh_royalties.keeper import keeper_of, topic_of
from wylloh_royalties.paper import printed
from wylloh_royalties.past import past_of
from wylloh_royalties.periods import around, day_of, period_of
from wylloh_royalties.sheet import written
from wylloh_royalties.showing import rows_of, written_statement
from wylloh_royalties.splitters import splitter_of, standing_of
from wylloh_royalties.statement import statement_of
from wylloh_royalties.words import named
from wylloh_server.sdk import (
    AccessRefused,
    Download,
    InvalidValue,
    Page,
    RecipientsChanged,
    Wallet,
    wallet_of,
)

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from wylloh_royalties.coins import Coins
    from wylloh_royalties.periods import Period
    from wylloh_royalties.showing import WrittenStatement
    from wylloh_royalties.splitters import Splitter, Standing
    from wylloh_royalties.statement import Statement
    from wylloh_server.sdk import PluginContext, PluginRequest, Reply, Viewer

_ALL = "all"
_MOST_SHOWN = 500
"""Lines on a page; the files have all of them."""
_MOST_PRINTED = 1_000
"""Lines on paper, some forty pages: more take longer than somebody may wait."""
_MOST_CHANGES = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """What statement somebody asked for, and what they may ask for.

    Attributes:
        near: the day within the period that lies nearest to today.
    """

    splitter: Splitter
    standing: Standing
    viewer: Viewer
    recipient: Wallet | None
    period: Period
    near: dt.date


@dataclass(frozen=True, slots=True)
class Choice:
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
        "error": error,
    }
    return Page("statement.html", values, status=400 if error else 200)


async def statement_csv(context: PluginContext, request: PluginRequest) -> Reply:
    """Give a statement as CSV."""
    asked = await _asked(context, request, request.query)
    computed, coins = await _computed(context, asked)
    body = written(rows_of(computed, coins))
    return Download(f"{_file_name(asked)}.csv", "text/csv; charset=utf-8", body)


async def statement_pdf(context: PluginContext, request: PluginRequest) -> Reply:
    """Give a statement to print."""
    asked = await _asked(context, request, request.query)
    computed, coins = await _computed(context, asked)
    lines = sum(len(account.lines) for account in computed.accounts)
    if lines > _MOST_PRINTED:
        raise InvalidValue(
            f"{lines:,} lines are too many to print.", fix="Choose a shorter period, or take the CSV."
        )
    shown = await _written(context, asked, computed, coins, _MOST_PRINTED)
    body = await asyncio.to_thread(printed, shown, computed.counted.at or 0)
    return Download(f"{_file_name(asked)}.pdf", "application/pdf", body)


async def _asked(context: PluginContext, request: PluginRequest, query: Mapping[str, str]) -> Asked:
    viewer = viewer_of(request)
    splitter = await splitter_of(context, splitter_in(request))
    standing = await standing_of(context, splitter.address, viewer)
    recipient = _recipient(query.get("who", ""), viewer, standing)
    state = await context.chain.state()
    today = day_of(state.at if state.at is not None else time.time())
    period = period_of(query, today)
    near = min(period.last, max(period.first, today))
    return Asked(splitter, standing, viewer, recipient, period, near)


def _recipient(who: str, viewer: Viewer, standing: Standing) -> Wallet | None:
    """Read whose statement is asked for; without a word a recipient's own, else everybody's.

    Raises:
        AccessRefused: it is somebody else's, and the viewer does not own the splitter.
    """
    if not who:
        return viewer.wallet if standing.recipient else None
    recipient = None if who == _ALL else wallet_of(who)
    if recipient != viewer.wallet and not standing.owner:
        raise AccessRefused(
            "Only the owner of a splitter sees the statements of others.", fix="Look at your own."
        )
    return recipient


async def _computed(context: PluginContext, asked: Asked) -> tuple[Statement, Coins]:
    facts, state = await past_of(context, asked.splitter.address, asked.recipient)
    computed = statement_of(facts, asked.splitter.address, asked.recipient, asked.period, state)
    return computed, await coins_named(context, [account.coin for account in computed.accounts])


async def _written(
    context: PluginContext, asked: Asked, computed: Statement, coins: Coins, most: int
) -> WrittenStatement:
    return written_statement(
        computed,
        coins,
        films=await films_line(keeper_of(context), asked.splitter.address),
        explorer=context.chain.explorer,
        own=asked.recipient == asked.viewer.wallet,
        most=most,
    )


async def _choices(context: PluginContext, asked: Asked) -> list[Choice]:
    """Give whose statements the owner can choose: everybody's, and of each who has or had a share."""
    if not asked.standing.owner:
        return []
    changes = await context.chain.history(
        kinds=(RecipientsChanged,), contract=asked.splitter.address, limit=_MOST_CHANGES
    )
    wallets: dict[Wallet, str] = {}
    for change in changes:
        if isinstance(change, RecipientsChanged):
            for share in change.shares:
                wallets.setdefault(share.account, share.role)
    people = [
        Choice(wallet, _name(wallet, role, asked.viewer), wallet == asked.recipient)
        for wallet, role in wallets.items()
    ]
    return [Choice(_ALL, "All recipients", asked.recipient is None), *people]


def _name(wallet: Wallet, role: str, viewer: Viewer) -> str:
    name = named(wallet, viewer.wallet)
    name = name[:1].upper() + name[1:] if name == "you" else name
    return f"{name}, {role}" if role else name


def _file_name(asked: Asked) -> str:
    who = asked.recipient or _ALL
    return f"statement-{asked.period.code}-{who[:10]}"
