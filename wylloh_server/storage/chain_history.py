"""Asks the chain's history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, literal, select, union_all

from wylloh_server.domain.chain_events import ALL_EVENTS, EventChange, EventPage, Holder, IndexState
from wylloh_server.storage.chain_event_rows import KINDS, event_from_row, kind_names
from wylloh_server.storage.chain_tables import balances, blocks, events, parties, state

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import ColumnElement, FromClause, Select
    from sqlalchemy.sql.elements import KeyedColumnElement

    from wylloh_server.domain.chain_events import ChainEvent, EventQuery
    from wylloh_server.domain.types import TokenReference
    from wylloh_server.storage.connections import Connections

_MOST_CHANGES = 10_000


class ChainHistoryRepository:
    """Facts that hold now, the feed of how they came and went, and who holds what by them."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def state(self) -> IndexState:
        """Return how far the chain has been read."""
        newest = select(blocks).order_by(blocks.c.number.desc()).limit(1)
        async with self._connections.reading() as connection:
            last = (await connection.execute(newest)).one_or_none()
            row = (await connection.execute(select(state))).one()
        if last is None:
            return IndexState(None, None, row.final, row.head)
        return IndexState(last.number, last.at, row.final, row.head)

    async def changes(
        self, after: int, *, kinds: Collection[type[ChainEvent]] = (), limit: int = 1000
    ) -> EventPage:
        """Return the events added, or removed by a reorg, after a cursor (0 for all). No kinds means all.

        `limit` is at least 1 and at most 10,000.
        """
        limit = max(1, min(limit, _MOST_CHANGES))
        async with self._connections.reading() as connection:
            # Read first: whatever is written between the two questions has a later step.
            last = await connection.scalar(select(state.c.step))
            found = list(await connection.execute(_feed(after, last or 0, kinds, limit)))
        steps = tuple([EventChange(event_from_row(row), row.added) for row in found])
        cursor = found[-1].step if len(found) == limit else max(after, last or 0)
        return EventPage(steps, cursor)

    async def history(self, query: EventQuery = ALL_EVENTS) -> tuple[ChainEvent, ...]:
        """Return events that hold now, by place on the chain."""
        names = kind_names(query.kinds)
        if query.wallet is None and (len(names) > 1 or query.token is not None):
            kind_by_kind = [
                _ordered(_where(select(events), query, [name]), events, query) for name in names or KINDS
            ]
            wanted = _merged(kind_by_kind, query)
        else:
            wanted = _ordered(_where(select(events), query, names), events, query)
        async with self._connections.reading() as connection:
            found = await connection.execute(wanted.limit(query.limit).offset(query.offset))
            return tuple([event_from_row(row) for row in found])

    async def count(self, query: EventQuery = ALL_EVENTS) -> int:
        """Return the number of events that `history` returns without limit and offset."""
        wanted = _where(select(func.count()).select_from(events), query, kind_names(query.kinds))
        async with self._connections.reading() as connection:
            return await connection.scalar(wanted) or 0

    async def holders(
        self, token: TokenReference, *, limit: int = 100, offset: int = 0
    ) -> tuple[Holder, ...]:
        """Return who holds tokens of a film, most first, then by address."""
        most_first = _holding(select(balances), token).order_by(balances.c.amount.desc(), balances.c.wallet)
        async with self._connections.reading() as connection:
            found = await connection.execute(most_first.limit(limit).offset(offset))
            return tuple(Holder(row.wallet, row.amount) for row in found)

    async def holder_count(self, token: TokenReference) -> int:
        """Count the wallets that hold tokens of a film."""
        wanted = _holding(select(func.count()).select_from(balances), token)
        async with self._connections.reading() as connection:
            return await connection.scalar(wanted) or 0


def _feed(after: int, last: int, kinds: Collection[type[ChainEvent]], limit: int) -> Select[Any]:
    """Ask for steps after one up to another: of each fact when it came, and when it went."""
    halves = [
        _half(column, added, after, last, kinds).limit(limit)
        for column, added in ((events.c.sequence, True), (events.c.removed, False))
    ]
    both = union_all(*(select(half.subquery()) for half in halves)).subquery()
    return select(both).order_by(both.c.step).limit(limit)


def _half(
    column: KeyedColumnElement[int], added: bool, after: int, last: int, kinds: Collection[type[ChainEvent]]
) -> Select[Any]:
    others = [other for other in events.c if other not in (events.c.sequence, events.c.removed)]
    half = select(column.label("step"), literal(added).label("added"), *others).where(
        column > after, column <= last
    )
    return (half.where(events.c.kind.in_(kind_names(kinds))) if kinds else half).order_by(column)


def _ordered(wanted: Select[Any], table: FromClause, query: EventQuery) -> Select[Any]:
    place = (table.c.block, table.c.log_index, table.c.sequence)
    return wanted.order_by(*(column.desc() if query.newest_first else column for column in place))


def _merged(parts: list[Select[Any]], query: EventQuery) -> Select[Any]:
    """Merge events of several kinds: each is in index order, all together are not."""
    halves = (select(part.limit(query.offset + query.limit).subquery()) for part in parts)
    both = union_all(*halves).subquery()
    return _ordered(select(both), both, query)


def _where(wanted: Select[Any], query: EventQuery, kinds: list[str]) -> Select[Any]:
    conditions: list[ColumnElement[bool]] = [events.c.removed.is_(None)]
    if kinds:
        conditions.append(events.c.kind == kinds[0] if len(kinds) == 1 else events.c.kind.in_(kinds))
    if query.token is not None:
        conditions.append(events.c.token == query.token)
    if query.contract is not None:
        conditions.append(events.c.contract == query.contract)
    if query.wallet is not None:
        wanted = wanted.join(parties, parties.c.event == events.c.sequence)
        conditions.append(parties.c.wallet == query.wallet)
    return wanted.where(*conditions)


def _holding(wanted: Select[Any], token: TokenReference) -> Select[Any]:
    return wanted.where(balances.c.token == token, balances.c.amount > 0)
