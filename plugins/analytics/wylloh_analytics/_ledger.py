"""Reads and writes the sums, always together with the place in the feed of facts they go up to."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from wylloh_analytics._kept import adding, ladder_rows, replacing, standing_of, undo_row
from wylloh_analytics._rows import chunks, packed, rows_of
from wylloh_analytics._tables import SUMS, ladders, standings, state, undo
from wylloh_analytics.book import Counted, Pair, Standing
from wylloh_analytics.tally import Tally
from wylloh_server.sdk import Wallet

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from wylloh_analytics._filmbook import FilmBook
    from wylloh_analytics.book import Block
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
class Stretch:
    """What counted blocks changed: all that are final together, and each that a reorg may still take back."""

    settled: Counted = field(default_factory=Counted)
    fleeting: list[tuple[Block, Counted]] = field(default_factory=list)

    def counted_with(self, block: Block, *, fleeting: bool) -> Counted:
        """Give what a block is to be counted into."""
        if not fleeting:
            return self.settled
        self.fleeting.append((block, Counted()))
        return self.fleeting[-1][1]

    @property
    def parts(self) -> Iterator[Counted]:
        """All of it, in the order it was counted."""
        yield self.settled
        yield from (counted for _, counted in self.fleeting)


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
        by_scope = defaultdict[int, list[bytes]](list)
        for scope, wallet in pairs:
            by_scope[scope].append(packed(wallet))
        for scope, wallets in by_scope.items():
            for few in chunks(wallets):  # of one scope at a time: a wallet may be in hundreds
                theirs = (standings.c.scope == scope) & standings.c.wallet.in_(few)
                for wallet, _, *rest in await rows_of(self._tables, select(standings).where(theirs)):
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

    async def add(
        self, blocks: Sequence[Block], stretch: Stretch, films: FilmBook, place: Place, final: int
    ) -> None:
        """Store what blocks changed; blocks up to `final` can no longer be taken back after this."""
        whole, now = Tally(), dict[Pair, Standing]()
        for counted in stretch.parts:
            whole.add(counted.tally)
            now |= counted.now
        changed = [row for block in blocks for row in ladder_rows(block, films.known)]
        fleeting = [undo_row(block, counted) for block, counted in stretch.fleeting]
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
