"""Write the chain's events and their projections: adds what blocks say, and takes it back."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, delete, false, func, insert, select, update

from wylloh_server.domain.chain_events import TokensTransferred
from wylloh_server.domain.errors import StorageError
from wylloh_server.domain.ports.chain import BlockHeader
from wylloh_server.storage.bulk_insert import insert_many
from wylloh_server.storage.chain_balances import apply_balance_changes, balance_changes
from wylloh_server.storage.chain_column_types import hex_bytes
from wylloh_server.storage.chain_event_rows import KINDS, event_from_row, event_row, kind_names
from wylloh_server.storage.chain_film_projection import films_in, project_films, tokens_of
from wylloh_server.storage.chain_tables import (
    balances,
    blocks,
    events,
    parties,
    splitters,
    state,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncConnection

    from wylloh_server.domain.chain_events import ChainEvent
    from wylloh_server.domain.ports.chain import BlockRange, ChainHead
    from wylloh_server.domain.types import BlockNumber, Wallet
    from wylloh_server.storage.connections import Connections

_OURS = state.c.name == "chain"


class ChainIndexRepository:
    """The indexer's side of the history. Each method is one transaction: done or not done at all.

    Kept are the header of the last block read, of every block in which something happened, and of blocks that
    are not final yet; by comparing these with the chain's, the indexer finds where a reorg began.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def set_source(self, subject: str) -> int:
        """Return which chain and contracts the history is of. If it was another, all of it is taken back.

        Gives the number of facts taken back.
        """
        async with self._writing() as (connection, row):
            if row.subject == subject:
                return 0
            taken = await _take_back(connection, row.step, None)
            fresh = {
                "subject": subject,
                "step": row.step + taken,
                "final": None,
                "head": None,
                "kinds": sorted(KINDS),
            }
            await connection.execute(update(state).where(_OURS).values(fresh))
        return taken

    async def absent_kinds(self) -> frozenset[type[ChainEvent]]:
        """Return the kinds of events that an earlier version did not record in the blocks read so far."""
        async with self._connections.reading() as connection:
            known = await connection.scalar(select(state.c.kinds).where(_OURS))
        return frozenset(kind for name, kind in KINDS.items() if name not in (known or ()))

    async def add_kinds(self, kinds: Collection[type[ChainEvent]], found: Sequence[ChainEvent]) -> None:
        """Add all events of kinds that were not recorded before, but for those that are known already."""
        names = kind_names(kinds)
        known_places = select(events.c.block, events.c.log_index).where(
            events.c.removed.is_(None), events.c.kind.in_(names)
        )
        async with self._writing() as (connection, row):
            known_at = {(at.block, at.log_index) for at in await connection.execute(known_places)}
            found = [event for event in found if (event.mark.block, event.mark.index) not in known_at]
            await _add_events(connection, row.step, found)
            known = sorted({*row.kinds, *names})
            fresh = {"step": row.step + len(found), "kinds": known}
            await connection.execute(update(state).where(_OURS).values(fresh))
            numbers = sorted({event.mark.block for event in found})
            await connection.execute(update(blocks).where(blocks.c.number.in_(numbers)).values(eventful=True))

    async def newest(self, limit: int, below: BlockNumber | None = None) -> tuple[BlockHeader, ...]:
        """Return headers of blocks read, newest first, only those below a number if one is given."""
        newest_first = select(blocks).order_by(blocks.c.number.desc()).limit(limit)
        if below is not None:
            newest_first = newest_first.where(blocks.c.number < below)
        async with self._connections.reading() as connection:
            found = await connection.execute(newest_first)
            return tuple(BlockHeader(row.number, row.hash, row.at) for row in found)

    async def splitters(self) -> frozenset[Wallet]:
        """Return the splitters that are followed."""
        async with self._connections.reading() as connection:
            return frozenset(await connection.scalars(select(splitters.c.address)))

    async def extend(self, stretch: BlockRange, head: ChainHead) -> None:
        """Add what a stretch of blocks says.

        Raises:
            StorageError: the history does not end where the stretch begins, because somebody else changed it.
        """
        async with self._writing() as (connection, row):
            await _check_joint(connection, stretch)
            await _add_events(connection, row.step, stretch.events)
            await _add_blocks(connection, stretch)
            await _look(connection, row, head, row.step + len(stretch.events))

    async def roll_back(self, to: BlockNumber | None) -> int:
        """Take back what happened after a block, or everything; returns the number of facts taken back."""
        async with self._writing() as (connection, row):
            taken = await _take_back(connection, row.step, to)
            final = None if row.final is None or to is None else min(row.final, to)
            await connection.execute(update(state).where(_OURS).values(step=row.step + taken, final=final))
        return taken

    async def record_head(self, head: ChainHead) -> None:
        """Record what the chain's newest and final blocks are."""
        async with self._writing() as (connection, row):
            await _look(connection, row, head, row.step)

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[tuple[AsyncConnection, Row[Any]]]:
        # The locked row lines up two servers that share one PostgreSQL.
        ours_alone = select(state).where(_OURS).with_for_update()
        async with self._connections.writing() as connection:
            yield connection, (await connection.execute(ours_alone)).one()


async def _check_joint(connection: AsyncConnection, stretch: BlockRange) -> None:
    newest = select(blocks).order_by(blocks.c.number.desc()).limit(1)
    last = (await connection.execute(newest)).one_or_none()
    if last is not None and (last.number, last.hash) != (stretch.first - 1, stretch.parent):
        raise StorageError(
            "The chain's history was changed by somebody else meanwhile. Nothing was added.",
            fix="Let only one server read the chain into a database.",
        )


async def _add_events(connection: AsyncConnection, step: int, found: Sequence[ChainEvent]) -> None:
    if not found:
        return
    numbered = enumerate(found, step + 1)
    await insert_many(connection, events, (event_row(event, sequence) for sequence, event in numbered))
    numbered = enumerate(found, step + 1)
    took_part = ((hex_bytes(wallet), at) for at, event in numbered for wallet in event.parties())
    await insert_many(connection, parties, took_part)
    moves = (event for event in found if isinstance(event, TokensTransferred))
    await apply_balance_changes(connection, balance_changes(moves))
    await project_films(connection, tokens_of(found), step + len(found))


async def _add_blocks(connection: AsyncConnection, stretch: BlockRange) -> None:
    eventful = {event.mark.block for event in stretch.events}
    rows = [
        {"number": block.number, "hash": block.hash, "at": block.at, "eventful": block.number in eventful}
        for block in stretch.blocks
    ]
    await connection.execute(insert(blocks), rows)
    if stretch.splitters:
        named = [{"address": address, "block": block} for address, block in stretch.splitters.items()]
        await connection.execute(insert(splitters), named)


async def _look(connection: AsyncConnection, row: Row[Any], head: ChainHead, step: int) -> None:
    final = max(head.final, -1 if row.final is None else row.final)
    reached = select(func.max(blocks.c.number) >= head.newest.number).scalar_subquery()
    now = {"step": step, "final": final, "head": head.newest.number}
    complete = state.c.complete | func.coalesce(reached, false())
    await connection.execute(update(state).where(_OURS).values(**now, complete=complete))
    newest_final = select(func.max(blocks.c.number)).where(blocks.c.number <= final).scalar_subquery()
    quiet = (blocks.c.number < newest_final) & blocks.c.eventful.is_(False)
    await connection.execute(delete(blocks).where(quiet))


async def _take_back(connection: AsyncConnection, step: int, to: BlockNumber | None) -> int:
    """Take back what stands after a block, or everything; gives how many facts that were."""
    kept = -1 if to is None else to
    unnamed = select(splitters.c.address).where(splitters.c.block > kept)
    gone = events.c.removed.is_(None) & ((events.c.block > kept) | events.c.contract.in_(unnamed))
    touched = await films_in(connection, gone)
    if to is None:
        await connection.execute(delete(balances))
        await connection.execute(update(state).where(_OURS).values(complete=False))
    else:
        await _take_back_moves(connection, gone)
    taken = await _mark_removed(connection, step, gone)
    await project_films(connection, touched, step + taken)
    await connection.execute(delete(splitters).where(splitters.c.block > kept))
    await connection.execute(delete(blocks).where(blocks.c.number > kept))
    return taken


async def _take_back_moves(connection: AsyncConnection, gone: ColumnElement[bool]) -> None:
    found = await connection.execute(
        select(events).where(gone & (events.c.kind == TokensTransferred.__name__))
    )
    moves = (move for row in found if isinstance(move := event_from_row(row), TokensTransferred))
    await apply_balance_changes(connection, balance_changes(moves, sign=-1))


async def _mark_removed(connection: AsyncConnection, step: int, gone: ColumnElement[bool]) -> int:
    """Return each fact its step, newest first, so that who adds facts up never falls below zero."""
    newest_first = (events.c.block.desc(), events.c.log_index.desc(), events.c.sequence.desc())
    place = func.row_number().over(order_by=newest_first).label("place")
    ranked = select(events.c.sequence, place).where(gone).subquery()
    each = update(events).where(events.c.sequence == ranked.c.sequence)
    done = await connection.execute(each.values(removed=step + ranked.c.place))
    return done.rowcount
