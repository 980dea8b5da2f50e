"""Envelopes as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, delete, func, select, update

from wylloh_server.domain.license import envelope_from_json
from wylloh_server.storage.tables import envelopes
from wylloh_server.storage.upsert import upsert

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wylloh_server.domain.license import Envelope
    from wylloh_server.domain.rights import RightsStatus, Stack
    from wylloh_server.domain.types import BlockNumber, TokenReference, Wallet
    from wylloh_server.storage.connections import Connections


_SAME_ANSWER = 300
"""Blocks."""


class EnvelopeRepository:
    """Envelopes this server holds."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def save(self, envelope: Envelope, custodian: str) -> None:
        """Store an envelope, replacing the one for the same token, wallet and right.

        `custodian` is the address of the server that sent it.
        """
        terms = envelope.terms
        row = {
            "token": terms.token,
            "wallet": terms.wallet,
            "right": terms.right,
            "not_after": terms.not_after,
            "envelope": envelope.as_json(),
            "refused": False,
            "custodian": custodian,
        }
        async with self._connections.writing() as connection:
            await upsert(connection, envelopes, row)

    async def find(self, token: TokenReference, wallet: Wallet, right: str) -> Envelope | None:
        """Find the envelope for a token, wallet and right; one that is void is none."""
        usable = (envelopes.c.right == right) & ~envelopes.c.refused
        wanted = select(envelopes.c.envelope).where(_of(token, wallet), usable)
        async with self._connections.reading() as connection:
            found = await connection.scalar(wanted)
        return None if found is None else envelope_from_json(found)

    async def custodians(self) -> tuple[str, ...]:
        """Return the addresses of the servers that sent envelopes."""
        wanted = select(envelopes.c.custodian).where(envelopes.c.custodian != "").distinct()
        async with self._connections.reading() as connection:
            return tuple(await connection.scalars(wanted.order_by(envelopes.c.custodian)))

    async def of_token(self, token: TokenReference) -> tuple[Envelope, ...]:
        """Return every envelope for a token, the longest first."""
        wanted = select(envelopes.c.envelope).where(envelopes.c.token == token)
        async with self._connections.reading() as connection:
            found = await connection.scalars(wanted.order_by(envelopes.c.not_after.desc()))
            return tuple(envelope_from_json(one) for one in found)

    async def ends(self) -> Mapping[TokenReference, int]:
        """Return for each token when the last of its envelopes runs out."""
        wanted = select(envelopes.c.token, func.max(envelopes.c.not_after).label("last"))
        async with self._connections.reading() as connection:
            rows = (await connection.execute(wanted.group_by(envelopes.c.token))).all()
        return {row.token: row.last for row in rows}

    async def remove(self, token: TokenReference) -> None:
        """Delete every envelope for a token."""
        async with self._connections.writing() as connection:
            await connection.execute(delete(envelopes).where(envelopes.c.token == token))

    async def record_status(self, token: TokenReference, wallet: Wallet, status: RightsStatus) -> None:
        """Record what the chain was asked: envelopes that the stack does not cover become void, others valid.

        Of answers that say the same, one in 300 blocks is written: leases are checked every minute.
        """
        wanted = select(envelopes.c.right, envelopes.c.envelope, envelopes.c.refused, envelopes.c.asked_at)
        async with self._connections.reading() as connection:
            rows = (await connection.execute(wanted.where(_of(token, wallet)))).all()
        changed = {}
        for row in rows:
            refused = not _grants(status.stack, row.right, row.envelope)
            old = row.asked_at is None or row.asked_at + _SAME_ANSWER <= status.block
            if old or refused is not row.refused:
                changed[row.right] = {"refused": refused, "asked_at": status.block}
        if not changed:
            return
        async with self._connections.writing() as connection:
            for right, values in changed.items():
                this = _of(token, wallet) & (envelopes.c.right == right)
                await connection.execute(update(envelopes).where(this).values(values))

    async def asked_at(self, token: TokenReference, wallet: Wallet, right: str) -> BlockNumber | None:
        """Return up to which block it is recorded that the chain was asked; None where it is not known."""
        wanted = select(envelopes.c.asked_at).where(_of(token, wallet), envelopes.c.right == right)
        async with self._connections.reading() as connection:
            return await connection.scalar(wanted)


def _of(token: TokenReference, wallet: Wallet) -> ColumnElement[bool]:
    return (envelopes.c.token == token) & (envelopes.c.wallet == wallet)


def _grants(stack: Stack, right: str, envelope: object) -> bool:
    return stack.grants(right, envelope_from_json(envelope).terms.territory) is not None
