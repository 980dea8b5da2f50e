"""Wrong keys that custodians sent, as rows."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import delete, exists, select

from wylloh_server.domain.license import KeyFault
from wylloh_server.storage.tables import key_faults
from wylloh_server.storage.upsert import upsert

if TYPE_CHECKING:
    from wylloh_server.domain.types import Timestamp, TokenReference
    from wylloh_server.storage.connections import Connections


class KeyFaultRepository:
    """The last fault of each custodian with each film, until it sends the right key."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def save(self, fault: KeyFault) -> None:
        """Store a fault, replacing an earlier one of the same custodian with the same film."""
        async with self._connections.writing() as connection:
            await upsert(connection, key_faults, asdict(fault) | {"token": fault.token})

    async def remove(self, token: TokenReference, custodian: str) -> None:
        """Delete the fault of a custodian with a film; where there is none, nothing is written."""
        theirs = (key_faults.c.token == token) & (key_faults.c.custodian == custodian)
        async with self._connections.reading() as connection:
            if not await connection.scalar(select(exists().where(theirs))):
                return
        async with self._connections.writing() as connection:
            await connection.execute(delete(key_faults).where(theirs))

    async def remove_before(self, token: TokenReference, moment: Timestamp) -> None:
        """Delete what custodians did last with a film before a moment; this server's own fault stays."""
        theirs = (key_faults.c.token == token) & (key_faults.c.custodian != "")
        gone = theirs & (key_faults.c.at < moment)
        async with self._connections.reading() as connection:
            if not await connection.scalar(select(exists().where(gone))):
                return
        async with self._connections.writing() as connection:
            await connection.execute(delete(key_faults).where(gone))

    async def all(self) -> tuple[KeyFault, ...]:
        """Return every fault, the newest first."""
        wanted = select(key_faults).order_by(key_faults.c.at.desc(), key_faults.c.custodian)
        async with self._connections.reading() as connection:
            return tuple(KeyFault(**row._asdict()) for row in await connection.execute(wanted))
