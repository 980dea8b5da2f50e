"""What was decided and what was watched, as rows."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, insert, select

from wylloh_server.adapters.database._tables import positions, receipts
from wylloh_server.adapters.database._upsert import upsert
from wylloh_server.domain.access import Reason, Receipt
from wylloh_server.domain.playback import Position

if TYPE_CHECKING:
    from sqlalchemy import Select

    from wylloh_server.adapters.database._connections import Connections
    from wylloh_server.domain.types import FilmId, Wallet


class ReceiptTable:
    """Decision receipts, kept for good. See `domain.ports.storage.Receipts`."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def add(self, receipt: Receipt) -> None:
        """Record a decision."""
        row = {**asdict(receipt), "plugins": list(receipt.plugins)}
        async with self._connections.writing() as connection:
            await connection.execute(insert(receipts).values(row))

    async def latest(self, film: FilmId, wallet: Wallet) -> Receipt | None:
        """Give the newest decision."""
        theirs = (receipts.c.film == film) & (receipts.c.wallet == wallet)
        found = await self._newest(select(receipts).where(theirs), 1)
        return found[0] if found else None

    async def recent(self, limit: int) -> tuple[Receipt, ...]:
        """Give the newest decisions, newest first."""
        return await self._newest(select(receipts), limit)

    async def _newest(self, wanted: Select[Any], limit: int) -> tuple[Receipt, ...]:
        # The number decides between receipts of the same moment.
        newest = wanted.order_by(receipts.c.at.desc(), receipts.c.number.desc()).limit(limit)
        async with self._connections.reading() as connection:
            return tuple(_receipt_of(row) for row in await connection.execute(newest))


class PositionTable:
    """How far each wallet has watched. See `domain.ports.storage.Positions`."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def save(self, wallet: Wallet, position: Position) -> None:
        """Store how far."""
        async with self._connections.writing() as connection:
            await upsert(connection, positions, {"wallet": wallet, **asdict(position)})

    async def of_wallet(self, wallet: Wallet) -> tuple[Position, ...]:
        """Give all, newest first."""
        theirs = select(positions).where(positions.c.wallet == wallet)
        newest_first = theirs.order_by(positions.c.updated.desc(), positions.c.film)
        async with self._connections.reading() as connection:
            found = await connection.execute(newest_first)
            return tuple(Position(row.film, row.at, row.of, row.updated) for row in found)


def _receipt_of(row: Row[Any]) -> Receipt:
    values = row._asdict()
    del values["number"]
    return Receipt(**{**values, "reason": Reason(row.reason), "plugins": tuple(row.plugins)})
