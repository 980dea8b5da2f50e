"""Accounts and their sessions as rows."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, delete, select, update

from wylloh_server.adapters.database._tables import accounts, locks, sessions
from wylloh_server.adapters.database._upsert import upsert
from wylloh_server.domain.access import DeviceKind, Role, Session

if TYPE_CHECKING:
    from wylloh_server.adapters.database._connections import Connections
    from wylloh_server.domain.types import DeviceId, SessionId, Timestamp, Wallet

_AN_OWNER = select(accounts.c.wallet).where(accounts.c.role == Role.OWNER).limit(1)


class AccountTable:
    """Wallets and their roles. See `domain.ports.storage.Accounts`."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def role(self, wallet: Wallet) -> Role | None:
        """Give a wallet's role, None if it never signed in."""
        wanted = select(accounts.c.role).where(accounts.c.wallet == wallet)
        async with self._connections.reading() as connection:
            found = await connection.scalar(wanted)
        return None if found is None else Role(found)

    async def save(self, wallet: Wallet, role: Role) -> None:
        """Set a wallet's role."""
        async with self._connections.writing() as connection:
            await upsert(connection, accounts, {"wallet": wallet, "role": role})

    async def remove(self, wallet: Wallet) -> None:
        """Forget a wallet, unless it is the owner's."""
        theirs = (accounts.c.wallet == wallet) & (accounts.c.role != Role.OWNER)
        async with self._connections.writing() as connection:
            await connection.execute(delete(accounts).where(theirs))

    async def owned(self) -> bool:
        """Say whether somebody owns this server."""
        async with self._connections.reading() as connection:
            return await connection.scalar(_AN_OWNER) is not None

    async def claim(self, wallet: Wallet) -> bool:
        """Make the wallet owner if there is none; atomic. False if somebody owns the server already."""
        ours_alone = select(locks.c.name).where(locks.c.name == "claim").with_for_update()
        async with self._connections.writing() as connection:
            # PostgreSQL lets two claims run side by side, each seeing no owner; the locked row lines them
            # up. On SQLite a transaction that writes is alone already.
            await connection.execute(ours_alone)
            if await connection.scalar(_AN_OWNER) is not None:
                return False
            await upsert(connection, accounts, {"wallet": wallet, "role": Role.OWNER})
        return True

    async def all(self) -> tuple[tuple[Wallet, Role], ...]:
        """Give every account."""
        async with self._connections.reading() as connection:
            found = await connection.execute(select(accounts).order_by(accounts.c.wallet))
            return tuple((row.wallet, Role(row.role)) for row in found)


class SessionTable:
    """Signed-in browsers and TVs. See `domain.ports.storage.Sessions`."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def save(self, session: Session) -> None:
        """Add or replace a session."""
        async with self._connections.writing() as connection:
            await upsert(connection, sessions, asdict(session))

    async def touch(self, session: SessionId, seen: Timestamp) -> None:
        """Note that a session was used; one that has ended stays ended."""
        async with self._connections.writing() as connection:
            await connection.execute(update(sessions).where(sessions.c.id == session).values(last_seen=seen))

    async def get(self, session: SessionId) -> Session | None:
        """Find a session."""
        async with self._connections.reading() as connection:
            row = (await connection.execute(select(sessions).where(sessions.c.id == session))).one_or_none()
        return None if row is None else _session_of(row)

    async def of_wallet(self, wallet: Wallet) -> tuple[Session, ...]:
        """Give a wallet's sessions, newest first."""
        theirs = select(sessions).where(sessions.c.wallet == wallet)
        newest_first = theirs.order_by(sessions.c.created.desc(), sessions.c.id)
        async with self._connections.reading() as connection:
            return tuple(_session_of(row) for row in await connection.execute(newest_first))

    async def remove(self, device: DeviceId) -> None:
        """End every session of a device."""
        async with self._connections.writing() as connection:
            await connection.execute(delete(sessions).where(sessions.c.device == device))


def _session_of(row: Row[Any]) -> Session:
    return Session(**{**row._asdict(), "kind": DeviceKind(row.kind)})
