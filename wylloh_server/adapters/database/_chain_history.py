"""Asks the chain's history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, literal, select, union_all

from wylloh_server.adapters.database._chain_facts import KINDS, event_of, names_of
from wylloh_server.adapters.database._chain_tables import balances, blocks, events, parties, state
from wylloh_server.domain.onchain import Change, Changes, Holder, IndexState

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import ColumnElement, FromClause, Select
    from sqlalchemy.sql.elements import KeyedColumnElement

    from wylloh_server.adapters.database._connections import Connections
    from wylloh_server.domain.onchain import ChainEvent
    from wylloh_server.domain.types import TokenReference, Wallet


class HistoryTables:
    """Facts that hold now, the feed, and holders. See `domain.ports.history.History`."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def state(self) -> IndexState:
        """Say how far the chain has been read."""
        newest = select(blocks).order_by(blocks.c.number.desc()).limit(1)
        async with self._connections.reading() as connection:
            last = (await connection.execute(newest)).one_or_none()
            row = (await connection.execute(select(state))).one()
        if last is None:
            return IndexState(None, None, row.final, row.head)
        return IndexState(last.number, last.at, row.final, row.head)

    async def changes(self, after: int, *, kinds: Collection[type[ChainEvent]] = (), limit: int) -> Changes:
        """Give what became known, or was taken back, after a cursor."""
        async with self._connections.reading() as connection:
            # Read first: whatever is written between the two questions has a later step.
            last = await connection.scalar(select(state.c.step))
            found = list(await connection.execute(_feed(after, last or 0, kinds, limit)))
        steps = tuple(Change(event_of(row), row.added) for row in found)
        cursor = found[-1].step if len(found) == limit else max(after, last or 0)
        return Changes(steps, cursor)

    async def history(
        self,
        *,
        kinds: Collection[type[ChainEvent]] = (),
        token: TokenReference | None = None,
        wallet: Wallet | None = None,
        contract: Wallet | None = None,
        newest_first: bool = True,
        limit: int = 100,
        offset: int = 0,
    ) -> tuple[ChainEvent, ...]:
        """Give facts that hold now, by place on the chain."""
        asked = names_of(kinds)
        if wallet is None and (len(asked) > 1 or token is not None):
            kind_by_kind = [
                _ordered(_where(select(events), [kind], token, wallet, contract), events, newest_first)
                for kind in asked or KINDS
            ]
            wanted = _merged(kind_by_kind, newest_first, offset + limit)
        else:
            wanted = _ordered(_where(select(events), asked, token, wallet, contract), events, newest_first)
        async with self._connections.reading() as connection:
            found = await connection.execute(wanted.limit(limit).offset(offset))
            return tuple(event_of(row) for row in found)

    async def count(
        self,
        *,
        kinds: Collection[type[ChainEvent]] = (),
        token: TokenReference | None = None,
        wallet: Wallet | None = None,
        contract: Wallet | None = None,
    ) -> int:
        """Count what `history` would give without limit."""
        counted = select(func.count()).select_from(events)
        wanted = _where(counted, names_of(kinds), token, wallet, contract)
        async with self._connections.reading() as connection:
            return await connection.scalar(wanted) or 0

    async def holders(self, token: TokenReference, *, limit: int, offset: int = 0) -> tuple[Holder, ...]:
        """Give who holds tokens of a film, most first, then by address."""
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
        _half(column, after, last, kinds).add_columns(literal(added).label("added")).limit(limit)
        for column, added in ((events.c.sequence, True), (events.c.removed, False))
    ]
    both = union_all(*(select(half.subquery()) for half in halves)).subquery()
    return select(both).order_by(both.c.step).limit(limit)


def _half(
    column: KeyedColumnElement[int], after: int, last: int, kinds: Collection[type[ChainEvent]]
) -> Select[Any]:
    others = [other for other in events.c if other not in (events.c.sequence, events.c.removed)]
    half = select(column.label("step"), *others).where(column > after, column <= last)
    return (half.where(events.c.kind.in_(names_of(kinds))) if kinds else half).order_by(column)


def _ordered(wanted: Select[Any], table: FromClause, newest_first: bool) -> Select[Any]:
    place = (table.c.block, table.c.log_index, table.c.sequence)
    return wanted.order_by(*(column.desc() if newest_first else column for column in place))


def _merged(parts: list[Select[Any]], newest_first: bool, limit: int) -> Select[Any]:
    """Merge facts of several kinds: each lies in order in an index, all together would be sorted anew."""
    halves = (select(part.limit(limit).subquery()) for part in parts)
    both = union_all(*halves).subquery()
    return _ordered(select(both), both, newest_first)


def _where(
    wanted: Select[Any],
    kinds: list[str],
    token: TokenReference | None,
    wallet: Wallet | None,
    contract: Wallet | None,
) -> Select[Any]:
    conditions: list[ColumnElement[bool]] = [events.c.removed.is_(None)]
    if kinds:
        conditions.append(events.c.kind == kinds[0] if len(kinds) == 1 else events.c.kind.in_(kinds))
    if token is not None:
        conditions.append(events.c.token == token)
    if contract is not None:
        conditions.append(events.c.contract == contract)
    if wallet is not None:
        wanted = wanted.join(parties, parties.c.event == events.c.sequence)
        conditions.append(parties.c.wallet == wallet)
    return wanted.where(*conditions)


def _holding(wanted: Select[Any], token: TokenReference) -> Select[Any]:
    return wanted.where(balances.c.token == token, balances.c.amount > 0)
