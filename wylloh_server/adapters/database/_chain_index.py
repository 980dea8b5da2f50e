"""Writes the chain's history: adds what blocks say, and takes it back."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, delete, func, insert, select, update

from wylloh_server.adapters.database._bulk import insert_many
from wylloh_server.adapters.database._chain_balances import change_balances, differences
from wylloh_server.adapters.database._chain_columns import hex_bytes
from wylloh_server.adapters.database._chain_facts import event_of, parties_of, row_of
from wylloh_server.adapters.database._chain_tables import (
    balances,
    blocks,
    events,
    parties,
    splitters,
    state,
)
from wylloh_server.domain.errors import StorageError
from wylloh_server.domain.onchain import TokensMoved
from wylloh_server.domain.ports.chain import BlockHeader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncConnection

    from wylloh_server.adapters.database._connections import Connections
    from wylloh_server.domain.onchain import ChainEvent
    from wylloh_server.domain.ports.chain import ChainHead, Stretch
    from wylloh_server.domain.types import BlockNumber, Wallet

_OURS = state.c.name == "chain"


class ChainIndexTables:
    """The indexer's side of the chain's history. See `domain.ports.history.ChainIndex`."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def devote(self, subject: str) -> int:
        """Say which chain and contracts the history is of; takes back that of another."""
        async with self._writing() as (connection, row):
            if row.subject == subject:
                return 0
            taken = await _take_back(connection, row.step, None)
            fresh = {"subject": subject, "step": row.step + taken, "final": None, "head": None}
            await connection.execute(update(state).where(_OURS).values(fresh))
        return taken

    async def kept(self, limit: int, below: BlockNumber | None = None) -> tuple[BlockHeader, ...]:
        """Give headers of blocks read, newest first."""
        newest_first = select(blocks).order_by(blocks.c.number.desc()).limit(limit)
        if below is not None:
            newest_first = newest_first.where(blocks.c.number < below)
        async with self._connections.reading() as connection:
            found = await connection.execute(newest_first)
            return tuple(BlockHeader(row.number, row.hash, row.at) for row in found)

    async def splitters(self) -> frozenset[Wallet]:
        """Give the splitters that are followed."""
        async with self._connections.reading() as connection:
            return frozenset(await connection.scalars(select(splitters.c.address)))

    async def extend(self, stretch: Stretch, head: ChainHead) -> None:
        """Add what a stretch of blocks says, in one transaction.

        Raises:
            StorageError: the history does not end where the stretch begins.
        """
        async with self._writing() as (connection, row):
            await _check_joint(connection, stretch)
            await _add_events(connection, row.step, stretch.events)
            await _add_blocks(connection, stretch)
            await _look(connection, row, head, row.step + len(stretch.events))

    async def roll_back(self, to: BlockNumber | None) -> int:
        """Take back what happened after a block, or everything; gives the number of facts taken back."""
        async with self._writing() as (connection, row):
            taken = await _take_back(connection, row.step, to)
            final = None if row.final is None or to is None else min(row.final, to)
            await connection.execute(update(state).where(_OURS).values(step=row.step + taken, final=final))
        return taken

    async def look(self, head: ChainHead) -> None:
        """Note what the chain's newest and final blocks are."""
        async with self._writing() as (connection, row):
            await _look(connection, row, head, row.step)

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[tuple[AsyncConnection, Row[Any]]]:
        # The locked row lines up two servers that share one PostgreSQL.
        ours_alone = select(state).where(_OURS).with_for_update()
        async with self._connections.writing() as connection:
            yield connection, (await connection.execute(ours_alone)).one()


async def _check_joint(connection: AsyncConnection, stretch: Stretch) -> None:
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
    await insert_many(connection, events, (row_of(event, sequence) for sequence, event in numbered))
    numbered = enumerate(found, step + 1)
    took_part = ((hex_bytes(wallet), at) for at, event in numbered for wallet in parties_of(event))
    await insert_many(connection, parties, took_part)
    moves = (event for event in found if isinstance(event, TokensMoved))
    await change_balances(connection, differences(moves))


async def _add_blocks(connection: AsyncConnection, stretch: Stretch) -> None:
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
    now = {"step": step, "final": final, "head": head.newest.number}
    await connection.execute(update(state).where(_OURS).values(now))
    newest_final = select(func.max(blocks.c.number)).where(blocks.c.number <= final).scalar_subquery()
    quiet = (blocks.c.number < newest_final) & blocks.c.eventful.is_(False)
    await connection.execute(delete(blocks).where(quiet))


async def _take_back(connection: AsyncConnection, step: int, to: BlockNumber | None) -> int:
    """Take back what stands after a block, or everything; gives how many facts that were."""
    kept = -1 if to is None else to
    unnamed = select(splitters.c.address).where(splitters.c.block > kept)
    gone = events.c.removed.is_(None) & ((events.c.block > kept) | events.c.contract.in_(unnamed))
    if to is None:
        await connection.execute(delete(balances))
    else:
        await _take_back_moves(connection, gone)
    taken = await _mark_removed(connection, step, gone)
    await connection.execute(delete(splitters).where(splitters.c.block > kept))
    await connection.execute(delete(blocks).where(blocks.c.number > kept))
    return taken


async def _take_back_moves(connection: AsyncConnection, gone: ColumnElement[bool]) -> None:
    found = await connection.execute(select(events).where(gone & (events.c.kind == TokensMoved.__name__)))
    moves = (move for row in found if isinstance(move := event_of(row), TokensMoved))
    await change_balances(connection, differences(moves, sign=-1))


async def _mark_removed(connection: AsyncConnection, step: int, gone: ColumnElement[bool]) -> int:
    """Give each fact its step, newest first, so that who adds facts up never falls below zero."""
    newest_first = (events.c.block.desc(), events.c.log_index.desc(), events.c.sequence.desc())
    place = func.row_number().over(order_by=newest_first).label("place")
    ranked = select(events.c.sequence, place).where(gone).subquery()
    each = update(events).where(events.c.sequence == ranked.c.sequence)
    done = await connection.execute(each.values(removed=step + ranked.c.place))
    return done.rowcount
