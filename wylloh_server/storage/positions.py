"""How far each wallet has watched, stored as rows."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, select

from wylloh_server.domain.playback import BEGUN_SECONDS, FINISHED_SHARE, Position
from wylloh_server.storage.tables import positions
from wylloh_server.storage.upsert import upsert

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from wylloh_server.domain.types import FilmId, Wallet
    from wylloh_server.storage.connections import Connections

_AT_ONCE = 500
"""Values in one statement; databases limit them."""


class PositionRepository:
    """How far each wallet has watched each film."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def save(self, wallet: Wallet, position: Position) -> None:
        """Store how far."""
        async with self._connections.writing() as connection:
            await upsert(connection, positions, {"wallet": wallet, **asdict(position)})

    async def get(self, wallet: Wallet, film: FilmId) -> Position | None:
        """Return how far a wallet has watched a film; None if it never began."""
        return (await self.of_films(wallet, [film])).get(film)

    async def of_films(self, wallet: Wallet, films: Collection[FilmId]) -> Mapping[FilmId, Position]:
        """Return how far a wallet has watched some films, without those it never began."""
        wanted, found = list(films), []
        async with self._connections.reading() as connection:
            for start in range(0, len(wanted), _AT_ONCE):
                these = positions.c.film.in_(wanted[start : start + _AT_ONCE])
                theirs = select(positions).where(positions.c.wallet == wallet, these)
                found += [_position_from_row(row) for row in await connection.execute(theirs)]
        return {position.film: position for position in found}

    async def of_wallet(self, wallet: Wallet) -> tuple[Position, ...]:
        """Return all, newest first."""
        theirs = select(positions).where(positions.c.wallet == wallet)
        newest_first = theirs.order_by(positions.c.updated.desc(), positions.c.film)
        async with self._connections.reading() as connection:
            return tuple(_position_from_row(row) for row in await connection.execute(newest_first))

    async def begun(self, wallet: Wallet, limit: int) -> tuple[Position, ...]:
        """Return the films a wallet has begun and not finished, the one watched last first."""
        begun = (positions.c.at >= BEGUN_SECONDS) & (positions.c.at < positions.c.of * FINISHED_SHARE)
        theirs = select(positions).where(positions.c.wallet == wallet, begun)
        newest_first = theirs.order_by(positions.c.updated.desc(), positions.c.film).limit(limit)
        async with self._connections.reading() as connection:
            return tuple(_position_from_row(row) for row in await connection.execute(newest_first))


def _position_from_row(row: Row[Any]) -> Position:
    return Position(row.film, row.at, row.of, row.updated)
