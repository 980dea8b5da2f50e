"""Reads and writes the sums, always together with the place in the feed of facts they go up to."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from wylloh_analytics._kept import adding, ladder_rows, replacing, standing_of, undo_row
from wylloh_analytics._rows import chunks, packed, rows_of
from wylloh_analytics._tables import SUMS, ladders, standings, state, undo
from wylloh_analytics.book import Pair, Standing
from wylloh_analytics.tally import Tally
from wylloh_server.sdk import Wallet

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from wylloh_analytics._filmbook import FilmBook
    from wylloh_analytics.book import Block, Counted
    from wylloh_server.sdk import PluginTables


@dataclass(frozen=True, slots=True)
class Place:
    """Where the sums are.

    Attributes:
        cursor: up to where in the feed of facts they go.
        counted: the last block that changed them; -1 before the first.
        rules: by which rules they were made.
        whole: whether they are complete; not so while they are made anew.
    """

    cursor: int = 0
    counted: int = -1
    rules: str = ""
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A counted block, and whether a reorg may still take it back."""

    block: Block
    counted: Counted
    fleeting: bool


@dataclass(frozen=True, slots=True)
class Undoing:
    """What takes back everything since a block: sums to take off, and what wallets had before it."""

    since: int
    tally: Tally
    was: Mapping[Pair, Standing]


class Ledger:
    """The sums in the database."""

    def __init__(self, tables: PluginTables) -> None:
        self._tables = tables

    async def place(self) -> Place:
        """Say where the sums are."""
        found = await rows_of(self._tables, select(state))
        return Place(*found[0][1:]) if found else Place()

    async def put(self, place: Place) -> None:
        """Note where the sums are when no sum changes."""
        await self._tables.change(_placing(place))

    async def wipe(self, rules: str) -> None:
        """Forget all sums; they will be made anew by these rules."""
        forgetting = [delete(table) for table in SUMS]
        await self._tables.change([*forgetting, *_placing(Place(rules=rules))])

    async def standings(self, pairs: Collection[Pair]) -> dict[Pair, Standing]:
        """Give what wallets have; those nobody has counted yet are left out."""
        found: dict[Pair, Standing] = {}
        scopes = sorted({scope for scope, _ in pairs})
        for wallets in chunks(sorted({packed(wallet) for _, wallet in pairs})):
            for few in chunks(scopes):
                theirs = standings.c.wallet.in_(wallets) & standings.c.scope.in_(few)
                for wallet, scope, *rest in await rows_of(self._tables, select(standings).where(theirs)):
                    found[scope, Wallet(f"0x{wallet.hex()}")] = standing_of(*rest)
        return found

    async def undoing(self, block: int) -> Undoing | None:
        """Give what takes back a block and all after it; None when nothing is kept of them."""
        since = select(undo.c.counted).where(undo.c.block >= block).order_by(undo.c.block.desc())
        found = await rows_of(self._tables, since)
        whole, was = Tally(), dict[Pair, Standing]()
        for (kept,) in found:
            whole.add(Tally.from_json(kept["tally"]), -1)
            was |= {(scope, wallet): standing_of(*rest) for scope, wallet, *rest in kept["was"]}
        return Undoing(block, whole, was) if found else None

    async def keeps(self, block: int, block_hash: str) -> bool:
        """Say whether exactly this block can be taken back."""
        this_one = (undo.c.block == block) & (undo.c.hash == block_hash)
        return bool(await rows_of(self._tables, select(undo.c.block).where(this_one)))

    async def add(self, entries: Sequence[Entry], films: FilmBook, place: Place, final: int) -> None:
        """Store what blocks changed; blocks up to `final` can no longer be taken back after this."""
        whole, now = Tally(), dict[Pair, Standing]()
        for entry in entries:
            whole.add(entry.counted.tally)
            now |= entry.counted.now
        changed = [row for entry in entries for row in ladder_rows(entry.block, films.known)]
        fleeting = [undo_row(entry.block, entry.counted) for entry in entries if entry.fleeting]
        await self._tables.change(
            [
                *films.statements(),
                (insert(ladders), changed),
                *await adding(self._tables, whole),
                *replacing(now),
                (insert(undo), fleeting),
                delete(undo).where(undo.c.block <= final),
                *_placing(place),
            ]
        )

    async def take_back(self, undoing: Undoing, place: Place) -> None:
        """Store that blocks did not happen."""
        await self._tables.change(
            [
                *await adding(self._tables, undoing.tally),
                *replacing(undoing.was),
                delete(ladders).where(ladders.c.block >= undoing.since),
                delete(undo).where(undo.c.block >= undoing.since),
                *_placing(place),
            ]
        )


def _placing(place: Place) -> list[object]:
    return [delete(state), insert(state).values(name="chain", **asdict(place))]
