"""Coins as rows."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import select

from wylloh_server.domain.chain_events import Coin
from wylloh_server.storage.chain_tables import coins
from wylloh_server.storage.upsert import upsert

if TYPE_CHECKING:
    from wylloh_server.domain.types import Wallet
    from wylloh_server.storage.connections import Connections


class CoinRepository:
    """Coins whose names were read once."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def get(self, address: Wallet) -> Coin | None:
        """Find a coin."""
        wanted = select(coins).where(coins.c.address == address)
        async with self._connections.reading() as connection:
            row = (await connection.execute(wanted)).one_or_none()
        return None if row is None else Coin(**row._asdict())

    async def keep(self, coin: Coin) -> None:
        """Keep a coin."""
        async with self._connections.writing() as connection:
            await upsert(connection, coins, asdict(coin))
