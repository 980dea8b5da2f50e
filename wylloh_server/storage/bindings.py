"""Bindings of wallets to this server, stored as rows."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select

from wylloh_server.domain.device_binding import DeviceBinding
from wylloh_server.storage.tables import bindings
from wylloh_server.storage.upsert import upsert

if TYPE_CHECKING:
    from sqlalchemy import Select

    from wylloh_server.domain.types import Wallet
    from wylloh_server.storage.connections import Connections


class BindingRepository:
    """Which wallets let this server fetch keys for them."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def save(self, binding: DeviceBinding) -> None:
        """Store a wallet's binding, replacing an older one."""
        async with self._connections.writing() as connection:
            await upsert(connection, bindings, asdict(binding))

    async def get(self, wallet: Wallet) -> DeviceBinding | None:
        """Find a wallet's binding."""
        found = await self._bindings(select(bindings).where(bindings.c.wallet == wallet))
        return found[0] if found else None

    async def remove(self, wallet: Wallet) -> None:
        """Delete a wallet's binding, if there is one."""
        async with self._connections.writing() as connection:
            await connection.execute(delete(bindings).where(bindings.c.wallet == wallet))

    async def all(self) -> tuple[DeviceBinding, ...]:
        """Return every binding."""
        return await self._bindings(select(bindings).order_by(bindings.c.wallet))

    async def _bindings(self, wanted: Select[Any]) -> tuple[DeviceBinding, ...]:
        async with self._connections.reading() as connection:
            return tuple(DeviceBinding(**row._asdict()) for row in await connection.execute(wanted))
