"""Reads and writes the sums, always together with the position in the feed of events they go up to."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select

from wylloh_analytics.aggregator import Pair, WalletHolding
from wylloh_analytics.statements import additions, chunks, packed, replacements, rows_of
from wylloh_analytics.tables import SUMS, flow, ladders, money, sizes, spans, standings, state, undo
from wylloh_analytics.time_buckets import day_of
from wylloh_analytics.totals import Totals
from wylloh_server.sdk import LadderChanged, Wallet

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from wylloh_analytics.aggregator import Batch, CountedBlock
    from wylloh_analytics.film_scopes import FilmScopes
    from wylloh_server.sdk import PluginTables

_IN_MEMORY = 250_000
"""Holdings that are remembered since the tables were empty, some 350 bytes each; with more, they are read."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far the sums go.

    Attributes:
        cursor: up to which position in the feed of events.
        counted: the last block that changed them; -1 before the first.
        rules: by which rules they were made.
        whole: whether they are complete; not so during a rebuild.
    """

    cursor: int = 0
    counted: int = -1
    rules: str = ""
    whole: bool = False


class TotalsStore:
    """The sums in the database."""

    def __init__(self, tables: PluginTables) -> None:
        self._tables = tables
        self._all_holdings: dict[Pair, WalletHolding] | None = None

    def forget(self) -> None:
        """Read holdings from the database again: a transaction failed, or a rebuild ended."""
        self._all_holdings = None

    async def checkpoint(self) -> Checkpoint:
        """Return how far the sums go."""
        found = await rows_of(self._tables, select(state))
        return Checkpoint(*found[0][1:]) if found else Checkpoint()

    async def wipe(self, cursor: Sequence[object]) -> None:
        """Delete all sums, and run the statements that store the cursor."""
        await self._tables.change([*(delete(table) for table in SUMS), *cursor])
        self._all_holdings = {}

    async def holdings(self, pairs: Collection[Pair]) -> dict[Pair, WalletHolding]:
        """Return what wallets hold, without those that never held anything."""
        if (known := self._all_holdings) is not None:
            return {pair: known[pair] for pair in pairs if pair in known}
        wallets_of = defaultdict[int, list[bytes]](list)
        for scope, wallet in pairs:
            wallets_of[scope].append(packed(wallet))
        found: dict[Pair, WalletHolding] = {}
        for scope, wallets in wallets_of.items():
            for some in chunks(wallets):  # of one scope at a time: a wallet may be in hundreds
                wanted = select(standings).where(standings.c.scope == scope, standings.c.wallet.in_(some))
                for wallet, _, *holding in await rows_of(self._tables, wanted):
                    found[scope, Wallet(f"0x{wallet.hex()}")] = _holding(*holding)
        return found

    async def reversible(self, block: int, block_hash: str) -> bool:
        """Return whether exactly this block can be undone."""
        wanted = select(undo.c.block).where(undo.c.block == block, undo.c.hash == block_hash)
        return bool(await rows_of(self._tables, wanted))

    async def adding(
        self, batch: Batch, holdings: Mapping[Pair, WalletHolding], films: FilmScopes, final: int
    ) -> list[object]:
        """Return the statements that store blocks; those up to `final` cannot be undone any more."""
        if self._all_holdings is not None:
            self._all_holdings |= holdings
            if len(self._all_holdings) > _IN_MEMORY:
                self._all_holdings = None
        return [
            *films.statements(),
            (insert(ladders), [row for block in batch.blocks for row in _ladder_rows(block, films)]),
            *await self._adding(batch.totals),
            *_replacing(holdings),
            (insert(undo), [_undo_row(block) for block in batch.reversible]),
            delete(undo).where(undo.c.block <= final),
        ]

    async def undoing(self, block: int) -> list[object]:
        """Return the statements that undo a block and all after it."""
        self.forget()
        since = select(undo.c.counted).where(undo.c.block >= block).order_by(undo.c.block.desc())
        totals, was = Totals(), dict[Pair, WalletHolding]()
        for (stored,) in await rows_of(self._tables, since):
            totals.add(Totals.from_json(stored["tally"]), -1)
            was |= {(scope, wallet): _holding(*holding) for scope, wallet, *holding in stored["was"]}
        return [
            *await self._adding(totals),
            *_replacing(was),
            delete(ladders).where(ladders.c.block >= block),
            delete(undo).where(undo.c.block >= block),
        ]

    async def _adding(self, totals: Totals) -> list[object]:
        """Return the statements that add changes to the sums; text cannot be added to by the database."""
        before = await self._paid_before(totals)
        paid = [(*key, str(before.get(key, 0) + amount)) for key, amount in totals.money.items()]
        return [
            additions(flow, [(*key, *counts) for key, counts in totals.flow.items()]),
            additions(sizes, [(*key, wallets) for key, wallets in totals.sizes.items() if wallets]),
            additions(spans, [(*key, tokens) for key, tokens in totals.spans.items() if tokens]),
            replacements(money, paid),
        ]

    async def _paid_before(self, totals: Totals) -> dict[Any, int]:
        """Return the amounts there are for the times of changes: few, as counting continues at its end."""
        before: dict[Any, int] = {}
        for grain in {grain for _, grain, *_ in totals.money}:
            keys = [key for key in totals.money if key[1] == grain]
            starts = [start for _, _, start, *_ in keys]
            then = (money.c.grain == grain) & money.c.start.between(min(starts), max(starts))
            for some in chunks(sorted({scope for scope, *_ in keys})):
                found = await rows_of(self._tables, select(money).where(money.c.scope.in_(some), then))
                before |= {tuple(key): int(amount) for *key, amount in found}
        return before


def _holding(tokens: int, got: int, lots: Sequence[Sequence[int]] | None) -> WalletHolding:
    return tokens, got, tuple((day, held) for day, held in lots or ())


def _replacing(holdings: Mapping[Pair, WalletHolding]) -> list[object]:
    rows = [
        (packed(wallet), scope, tokens, got, lots or None)
        for (scope, wallet), (tokens, got, lots) in holdings.items()
    ]
    return [replacements(standings, rows)]


def _ladder_rows(block: CountedBlock, films: FilmScopes) -> Iterator[tuple[Any, ...]]:
    for number, event in enumerate(block.events):
        if isinstance(event, LadderChanged):
            tiers = [
                [tier.threshold, tier.right, list(tier.territories), tier.seats]
                for tier in event.ladder.tiers
            ]
            yield films.film_of(event).scope, block.mark.block, number, day_of(block.mark.at), tiers


def _undo_row(block: CountedBlock) -> tuple[Any, ...]:
    was = [[scope, wallet, *holding] for (scope, wallet), holding in (block.was or {}).items()]
    counted = {"tally": block.totals.as_json(), "was": was}
    return block.mark.block, block.mark.block_hash, counted
