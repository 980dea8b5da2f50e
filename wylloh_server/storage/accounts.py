"""Accounts and their sessions as rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select, update

from wylloh_server.domain.access import Role
from wylloh_server.domain.errors import AccessRefused, InvalidValue, NotFound
from wylloh_server.storage.tables import accounts, bindings, locks, sessions
from wylloh_server.storage.upsert import insert_new, upsert
from wylloh_server.storage.versioned_cache import VersionedCache

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.ext.asyncio import AsyncConnection

    from wylloh_server.domain.types import Timestamp, Wallet
    from wylloh_server.storage.connections import Connections

_AN_OWNER = select(accounts.c.wallet).where(accounts.c.role == Role.OWNER).limit(1)

_DAY = 86_400
_KEPT = 1000
"""Roles kept in memory: every request of somebody signed in asks for one."""


@dataclass(frozen=True, slots=True)
class Account:
    """A wallet that may sign in here.

    Attributes:
        since: when it was let in; None where nobody noted it.
        name: what people call it; empty where nobody has named it.
    """

    wallet: Wallet
    role: Role
    since: Timestamp | None
    name: str = ""


class AccountRepository:
    """Wallets known here and their roles.

    Attributes:
        granted: roles that wallets have only while this server runs; see `development_accounts`.
    """

    def __init__(self, connections: Connections) -> None:
        self.granted: dict[Wallet, Role] = {}
        self._connections = connections
        self._roles: VersionedCache[Role | None] = VersionedCache(connections.writes, _KEPT)
        self._names: VersionedCache[Mapping[Wallet, str]] = VersionedCache(connections.writes, 1)

    async def role(self, wallet: Wallet) -> Role | None:
        """Return a wallet's role, None if it never signed in."""

        async def read() -> Role | None:
            wanted = select(accounts.c.role).where(accounts.c.wallet == wallet)
            async with self._connections.reading() as connection:
                found = await connection.scalar(wanted)
            return None if found is None else Role(found)

        return self.granted.get(wallet) or await self._roles.get(wallet, read)

    async def save(self, wallet: Wallet, role: Role, name: str = "") -> None:
        """Set a wallet's role, and its name unless that is empty.

        Raises:
            InvalidValue: another account is called so, whatever the case.
        """
        named = {"name": name} if name else {}
        async with self._connections.writing() as connection:
            await _refuse_taken(connection, wallet, name)
            row = {"wallet": wallet, "role": role, "self_admitted": False, **named}
            await upsert(connection, accounts, row)

    async def names(self) -> Mapping[Wallet, str]:
        """Return the names of the accounts that have one."""

        async def read() -> Mapping[Wallet, str]:
            named = select(accounts.c.wallet, accounts.c.name).where(accounts.c.name != "")
            async with self._connections.reading() as connection:
                return {row.wallet: row.name for row in await connection.execute(named)}

        return await self._names.get("", read)

    async def rename(self, wallet: Wallet, name: str) -> None:
        """Name an account; an empty name takes its name away.

        Raises:
            InvalidValue: another account is called so, whatever the case.
            NotFound: there is no such account.
        """
        theirs = update(accounts).where(accounts.c.wallet == wallet)
        async with self._connections.writing() as connection:
            await _refuse_taken(connection, wallet, name)
            if not (await connection.execute(theirs.values(name=name))).rowcount:
                raise NotFound("That wallet has no account here.", fix="Let it in first.")

    async def admit(self, wallet: Wallet, now: Timestamp, most_a_day: int) -> bool:
        """Admit a wallet that came by itself, as a viewer; False when so many came in the last day."""
        theirs = {"wallet": wallet, "role": Role.VIEWER, "since": now, "self_admitted": True}
        recent = accounts.c.self_admitted & (accounts.c.since > now - _DAY)
        async with self._connections.writing() as connection:
            count = await connection.scalar(select(func.count()).select_from(accounts).where(recent))
            if int(count or 0) >= most_a_day:
                return False
            await insert_new(connection, accounts, theirs)
        return True

    async def remove_unused(self, before: Timestamp, now: Timestamp) -> None:
        """Delete accounts that came by themselves before a moment and are of no use now.

        That is: signed in nowhere, and without a binding in force, by which their films' keys are renewed.
        Nothing is lost: such a wallet comes by itself again, and what it watched is kept under its address.
        """
        used = select(sessions.c.wallet).union(
            select(bindings.c.wallet).where(bindings.c.expires_at > int(now))
        )
        idle = accounts.c.self_admitted & (accounts.c.since < before) & accounts.c.wallet.not_in(used)
        unknown = bindings.c.wallet.not_in(select(accounts.c.wallet))
        async with self._connections.writing() as connection:
            await connection.execute(delete(accounts).where(idle, accounts.c.role == Role.VIEWER))
            await connection.execute(delete(bindings).where(unknown))

    async def remove(self, wallet: Wallet) -> None:
        """Delete a wallet, unless it is the owner's."""
        theirs = (accounts.c.wallet == wallet) & (accounts.c.role != Role.OWNER)
        async with self._connections.writing() as connection:
            await connection.execute(delete(accounts).where(theirs))

    async def owned(self) -> bool:
        """Return whether somebody owns this server."""
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

    async def owner(self) -> Wallet | None:
        """Return who owns this server; None while nobody does."""
        async with self._connections.reading() as connection:
            owner: Wallet | None = await connection.scalar(_AN_OWNER)
        return owner

    async def transfer(self, owner: Wallet, to: Wallet) -> None:
        """Make another wallet the owner; the former owner becomes an admin. Both or neither.

        Raises:
            AccessRefused: `owner` does not own this server (any more).
        """
        theirs = update(accounts).where((accounts.c.wallet == owner) & (accounts.c.role == Role.OWNER))
        async with self._connections.writing() as connection:
            changed = await connection.execute(theirs.values(role=Role.ADMIN))
            if not changed.rowcount:
                raise AccessRefused("Somebody else owns this server now.", fix="Reload the page.")
            await upsert(connection, accounts, {"wallet": to, "role": Role.OWNER})

    async def all(self) -> tuple[Account, ...]:
        """Return every account."""
        async with self._connections.reading() as connection:
            found = await connection.execute(select(accounts).order_by(accounts.c.wallet))
            return tuple(Account(row.wallet, Role(row.role), row.since, row.name) for row in found)


async def _refuse_taken(connection: AsyncConnection, wallet: Wallet, name: str) -> None:
    others = select(accounts.c.name).where(accounts.c.wallet != wallet, accounts.c.name != "")
    if name and name.casefold() in {other.casefold() for other in await connection.scalars(others)}:
        raise InvalidValue(f"Another account here is called {name}.", fix="Use another name.")
