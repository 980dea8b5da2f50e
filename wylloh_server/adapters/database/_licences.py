"""Bindings and envelopes as rows."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from wylloh_server.adapters.database._tables import bindings, envelopes
from wylloh_server.adapters.database._upsert import upsert
from wylloh_server.domain.license import DeviceBinding, envelope_from_json

if TYPE_CHECKING:
    from sqlalchemy import Select

    from wylloh_server.adapters.database._connections import Connections
    from wylloh_server.domain.license import Envelope
    from wylloh_server.domain.types import TokenReference, Wallet


class BindingTable:
    """Which wallets let this server fetch keys. See `domain.ports.storage.Bindings`."""

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

    async def all(self) -> tuple[DeviceBinding, ...]:
        """Give every binding."""
        return await self._bindings(select(bindings).order_by(bindings.c.wallet))

    async def _bindings(self, wanted: Select[Any]) -> tuple[DeviceBinding, ...]:
        async with self._connections.reading() as connection:
            return tuple(DeviceBinding(**row._asdict()) for row in await connection.execute(wanted))


class EnvelopeTable:
    """Envelopes this server holds. See `domain.ports.storage.Envelopes`."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def save(self, envelope: Envelope) -> None:
        """Store an envelope, replacing the one for the same token, wallet and right."""
        terms = envelope.terms
        row = {
            "token": terms.token,
            "wallet": terms.wallet,
            "right": terms.right,
            "not_after": terms.not_after,
            "envelope": envelope.as_json(),
        }
        async with self._connections.writing() as connection:
            await upsert(connection, envelopes, row)

    async def find(self, token: TokenReference, wallet: Wallet, right: str) -> Envelope | None:
        """Find the envelope for a token, wallet and right."""
        theirs = (envelopes.c.wallet == wallet) & (envelopes.c.right == right)
        return await self._first(select(envelopes.c.envelope).where(envelopes.c.token == token, theirs))

    async def any_for(self, token: TokenReference) -> Envelope | None:
        """Find the longest-lasting envelope for a token, whoever it is for."""
        for_token = select(envelopes.c.envelope).where(envelopes.c.token == token)
        return await self._first(for_token.order_by(envelopes.c.not_after.desc()).limit(1))

    async def _first(self, wanted: Select[Any]) -> Envelope | None:
        async with self._connections.reading() as connection:
            found = await connection.scalar(wanted)
        return None if found is None else envelope_from_json(found)
