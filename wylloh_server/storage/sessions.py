"""Sessions of browsers and TVs, stored as rows."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import Delete, Row, delete, insert, select, true, update

from wylloh_server.domain.access import DeviceKind, Session
from wylloh_server.storage.tables import accounts, sessions
from wylloh_server.storage.versioned_cache import VersionedCache

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from wylloh_server.domain.types import DeviceId, SessionId, Timestamp, Wallet
    from wylloh_server.storage.connections import Connections

_MOST_OF_WALLET = 50
_KEPT = 1000
"""Sessions kept in memory: every request asks for one."""


class SessionRepository:
    """Signed-in browsers and TVs, by hash of their secret."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._found: VersionedCache[Session | None] = VersionedCache(connections.writes, _KEPT)

    async def add(
        self, session: Session, vouched_for: SessionId | None = None, *, needs_account: bool = True
    ) -> bool:
        """Add a session, if its wallet has an account and the session that vouched for it, if any, still is.

        Both are looked at in the transaction that adds it, so that nothing can be removed in between.
        """
        needs = []
        if needs_account:
            needs.append(select(accounts.c.wallet).where(accounts.c.wallet == session.wallet))
        if vouched_for:
            needs.append(select(sessions.c.id).where(sessions.c.id == vouched_for))
        async with self._connections.writing() as connection:
            for needed in needs:
                # PostgreSQL would let it be removed until we commit; SQLite has one writer at a time.
                if await connection.scalar(needed.with_for_update(read=True)) is None:
                    return False
            await connection.execute(insert(sessions).values(asdict(session)))
            await connection.execute(_beyond_most(session.wallet))
        return True

    async def touch(self, session: SessionId, seen: Timestamp, address: str) -> None:
        """Record when and where a session was used; one that has ended stays ended."""
        await self._change(session, last_seen=seen, address=address)

    async def record_signature(self, session: SessionId, signed: Timestamp) -> None:
        """Record when the wallet signed once more."""
        await self._change(session, signed=signed)

    async def get(self, session: SessionId) -> Session | None:
        """Find a session."""

        async def read() -> Session | None:
            wanted = select(sessions).where(sessions.c.id == session)
            async with self._connections.reading() as connection:
                row = (await connection.execute(wanted)).one_or_none()
            return None if row is None else _to_session(row)

        return await self._found.get(session, read)

    async def of_wallet(self, wallet: Wallet) -> tuple[Session, ...]:
        """Return a wallet's sessions, newest first."""
        return await self._some(sessions.c.wallet == wallet)

    async def let_in_by(self, device: DeviceId) -> tuple[Session, ...]:
        """Return the sessions that a device let in, newest first."""
        return await self._some(sessions.c.let_in_by == device)

    async def all(self) -> tuple[Session, ...]:
        """Return everybody's sessions, newest first."""
        return await self._some(true())

    async def remove(self, device: DeviceId) -> None:
        """End every session of a device."""
        async with self._connections.writing() as connection:
            await connection.execute(delete(sessions).where(sessions.c.device == device))

    async def remove_of(self, wallet: Wallet) -> None:
        """Delete every session of a wallet."""
        async with self._connections.writing() as connection:
            await connection.execute(delete(sessions).where(sessions.c.wallet == wallet))

    async def remove_expired(self, kind: DeviceKind, *, begun: Timestamp, seen: Timestamp) -> None:
        """Delete the sessions of a kind that began before one moment, or were last used before another."""
        expired = (sessions.c.created < begun) | (sessions.c.last_seen < seen)
        async with self._connections.writing() as connection:
            await connection.execute(delete(sessions).where((sessions.c.kind == kind) & expired))

    async def _change(self, session: SessionId, **values: object) -> None:
        async with self._connections.writing() as connection:
            await connection.execute(update(sessions).where(sessions.c.id == session).values(values))

    async def _some(self, which: ColumnElement[bool]) -> tuple[Session, ...]:
        newest_first = select(sessions).where(which).order_by(sessions.c.created.desc(), sessions.c.id)
        async with self._connections.reading() as connection:
            return tuple(_to_session(row) for row in await connection.execute(newest_first))


def _beyond_most(wallet: Wallet) -> Delete:
    """Return what deletes a wallet's sessions but the newest: who signs in again and again leaves no more."""
    theirs = select(sessions.c.id).where(sessions.c.wallet == wallet)
    newest = theirs.order_by(sessions.c.created.desc(), sessions.c.id).limit(_MOST_OF_WALLET)
    return delete(sessions).where(
        sessions.c.wallet == wallet, sessions.c.id.not_in(newest.subquery().select())
    )


def _to_session(row: Row[Any]) -> Session:
    return Session(**{**row._asdict(), "kind": DeviceKind(row.kind)})
