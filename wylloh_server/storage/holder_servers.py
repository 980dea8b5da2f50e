"""Which holders' servers got keys from this custodian, as rows."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select

from wylloh_server.domain.types import Wallet
from wylloh_server.storage.tables import holder_servers, locks
from wylloh_server.storage.upsert import upsert

if TYPE_CHECKING:
    from collections.abc import Collection

    from wylloh_server.domain.types import Timestamp, TokenReference
    from wylloh_server.storage.connections import Connections


@dataclass(frozen=True, slots=True)
class HolderServer:
    """A server that got the key of a wallet's film.

    Attributes:
        device_key: the server's X25519 public key, hex.
        uri: its address, as it said itself.
        last: when it got the key last.
    """

    token: TokenReference
    wallet: Wallet
    device_key: str
    uri: str
    last: Timestamp


class HolderServerRepository:
    """Servers by film and wallet."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def admit(self, server: HolderServer, most: int, since: Timestamp) -> tuple[HolderServer, ...]:
        """Note that a server gets a key, unless `most` others got it since a moment; atomic.

        Returns:
            The servers that stand in its way, the one served longest ago first; none if it was noted.
        """
        theirs = (holder_servers.c.token == server.token) & (holder_servers.c.wallet == server.wallet)
        others = theirs & (holder_servers.c.device_key != server.device_key)
        recent = select(holder_servers).where(others, holder_servers.c.last >= since)
        async with self._connections.writing() as connection:
            # PostgreSQL lets two requests run side by side, each seeing room for one; the locked row lines
            # them up. On SQLite a transaction that writes is alone already.
            await connection.execute(select(locks).where(locks.c.name == "custody").with_for_update())
            known = select(holder_servers.c.last).where(
                theirs, holder_servers.c.device_key == server.device_key
            )
            served = await connection.scalar(known)
            found = [
                HolderServer(**row._asdict())
                for row in await connection.execute(recent.order_by(holder_servers.c.last))
            ]
            if len(found) >= most and (served is None or served < since):
                return tuple(found)
            await upsert(connection, holder_servers, asdict(server) | {"token": server.token})
        return ()

    async def of_wallet(self, wallet: Wallet) -> tuple[HolderServer, ...]:
        """Return the servers that got keys for a wallet, each once, the last served first."""
        newest = (
            select(holder_servers.c.device_key, func.max(holder_servers.c.last).label("last"))
            .where(holder_servers.c.wallet == wallet)
            .group_by(holder_servers.c.device_key)
            .subquery()
        )
        same = (holder_servers.c.device_key == newest.c.device_key) & (holder_servers.c.last == newest.c.last)
        wanted = select(holder_servers).join(newest, same).where(holder_servers.c.wallet == wallet)
        async with self._connections.reading() as connection:
            rows = await connection.execute(wanted.order_by(holder_servers.c.last.desc()))
            found = [HolderServer(**row._asdict()) for row in rows]
        return tuple({server.device_key: server for server in reversed(found)}.values())[::-1]

    async def wallets_among(self, wallets: Collection[Wallet]) -> frozenset[Wallet]:
        """Return those of some hundred wallets for which a server got a key."""
        served = select(holder_servers.c.wallet).where(holder_servers.c.wallet.in_(list(wallets))).distinct()
        async with self._connections.reading() as connection:
            return frozenset(Wallet(one) for one in await connection.scalars(served))

    async def remove_before(self, moment: Timestamp) -> None:
        """Delete those that got no key since a moment."""
        async with self._connections.writing() as connection:
            await connection.execute(delete(holder_servers).where(holder_servers.c.last < moment))
