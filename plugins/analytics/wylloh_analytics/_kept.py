"""How sums, standings, ladders and what blocks changed become rows, and come back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from wylloh_analytics._rows import chunks, packed, rows_of
from wylloh_analytics._statements import additions, replacements
from wylloh_analytics._tables import flow, money, sizes, spans, standings
from wylloh_analytics.book import Standing
from wylloh_analytics.facts import token_of
from wylloh_analytics.moments import day_of
from wylloh_analytics.tally import FLOW
from wylloh_server.sdk import LadderChanged

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from wylloh_analytics.book import Block, Counted, KnownFilm, Pair
    from wylloh_analytics.tally import Tally
    from wylloh_server.sdk import PluginTables, TokenReference

_NO_FLOW = dict.fromkeys(FLOW, 0)


async def adding(tables: PluginTables, tally: Tally) -> list[object]:
    """Give the statements that add a tally to the sums."""
    flow_rows: dict[tuple[int, int, int], dict[str, Any]] = {}
    for (scope, grain, start, name), count in tally.flow.items():
        key = scope, grain, start
        if key not in flow_rows:
            flow_rows[key] = {"scope": scope, "grain": grain, "start": start} | _NO_FLOW
        flow_rows[key][name] = count
    size_rows = [
        {"scope": scope, "grain": grain, "start": start, "tokens": tokens, "wallets": wallets}
        for (scope, grain, start, tokens), wallets in tally.sizes.items()
        if wallets
    ]
    span_rows = [
        {"scope": scope, "left": left, "came": came, "tokens": tokens}
        for (scope, left, came), tokens in tally.spans.items()
        if tokens
    ]
    return [
        *additions(flow, list(flow_rows.values())),
        *additions(sizes, size_rows),
        *additions(spans, span_rows),
        *await _adding_money(tables, tally),
    ]


async def _adding_money(tables: PluginTables, tally: Tally) -> list[object]:
    """Add in Python: the amounts may be too large for the database."""
    before = await _paid_before(tables, tally)
    names = [key.name for key in money.primary_key]
    rows = [
        dict(zip(names, key, strict=True)) | {"amount": str(before.get(key, 0) + amount)}
        for key, amount in tally.money.items()
    ]
    return replacements(money, rows)


async def _paid_before(tables: PluginTables, tally: Tally) -> dict[Any, int]:
    """Give the sums there are for the times of a tally: a few, as counting goes on where it stopped."""
    before: dict[Any, int] = {}
    for grain in {grain for _, grain, *_ in tally.money}:
        keys = [key for key in tally.money if key[1] == grain]
        starts = [start for _, _, start, *_ in keys]
        then = (money.c.grain == grain) & money.c.start.between(min(starts), max(starts))
        for few in chunks(sorted({scope for scope, *_ in keys})):
            for *key, amount in await rows_of(tables, select(money).where(money.c.scope.in_(few), then)):
                before[tuple(key)] = int(amount)
    return before


def replacing(now: Mapping[Pair, Standing]) -> list[object]:
    """Give the statements that store what wallets have now."""
    rows = [
        {
            "wallet": packed(wallet),
            "scope": scope,
            "tokens": one.tokens,
            "got": one.got,
            "lots": [list(lot) for lot in one.lots] or None,
        }
        for (scope, wallet), one in now.items()
    ]
    return replacements(standings, rows)


def standing_of(tokens: int, got: int, lots: Sequence[Sequence[int]] | None) -> Standing:
    """Read what a wallet has from its row."""
    return Standing(tokens, got, tuple((day, held) for day, held in lots or ()))


def ladder_rows(block: Block, films: Mapping[TokenReference, KnownFilm]) -> Iterator[dict[str, Any]]:
    """Make rows of the ladders that a block changed."""
    for number, fact in enumerate(block.facts):
        if isinstance(fact, LadderChanged):
            yield {
                "scope": films[token_of(fact)].scope,
                "block": block.number,
                "number": number,
                "day": day_of(block.at),
                "tiers": [
                    [tier.threshold, tier.right, list(tier.territories), tier.seats]
                    for tier in fact.ladder.tiers
                ],
            }


def undo_row(block: Block, counted: Counted) -> dict[str, Any]:
    """Make the row that lets a block be taken back."""
    was = [
        [scope, wallet, one.tokens, one.got, [list(lot) for lot in one.lots]]
        for (scope, wallet), one in counted.was.items()
    ]
    return {
        "block": block.number,
        "hash": block.hash,
        "counted": {"tally": counted.tally.as_json(), "was": was},
    }
