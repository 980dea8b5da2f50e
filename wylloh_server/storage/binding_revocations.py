"""Revocations of bindings that reached this server, as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select, tuple_, update

from wylloh_server.domain.device_binding import EVERY_SERVER, LONGEST_BINDING
from wylloh_server.domain.types import Wallet
from wylloh_server.storage.tables import binding_revocations, locks
from wylloh_server.storage.upsert import upsert

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping

    from sqlalchemy.ext.asyncio import AsyncConnection

    from wylloh_server.domain.device_binding import BindingRevocation, DeviceBinding
    from wylloh_server.domain.types import Timestamp
    from wylloh_server.storage.connections import Connections


_MOST_OF_WALLET = 50
_AT_ONCE = 500
"""Wallets in one statement, as databases limit them."""


class BindingRevocationRepository:
    """Until when a wallet's bindings are revoked, for one server or for all.

    Of a wallet 50 are kept, besides that of all servers: device keys are numbers that anybody can make up.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def save(self, revocation: BindingRevocation, *, stranger: bool = False) -> None:
        """Store a revocation, unless a later one of the same wallet and server is there.

        Those that it makes superfluous go, and the wallet's oldest ones beyond what is kept.

        Args:
            revocation: whose signature was checked.
            stranger: it counts among those that are bounded.
        """
        row = {
            "wallet": revocation.wallet,
            "device_key": revocation.device_key,
            "issued_at": revocation.issued_at,
            "stranger": stranger,
        }
        known = select(binding_revocations.c.issued_at).where(
            binding_revocations.c.wallet == revocation.wallet,
            binding_revocations.c.device_key == revocation.device_key,
        )
        async with self._connections.writing() as connection:
            await connection.execute(select(locks).where(locks.c.name == "custody").with_for_update())
            if (await connection.scalar(known) or 0) < revocation.issued_at:
                await upsert(connection, binding_revocations, row)
                await self._make_room(connection, revocation)

    @staticmethod
    async def _make_room(connection: AsyncConnection, revocation: BindingRevocation) -> None:
        theirs = binding_revocations.c.wallet == revocation.wallet
        single = theirs & (binding_revocations.c.device_key != EVERY_SERVER)
        if revocation.device_key == EVERY_SERVER:
            covered = single & (binding_revocations.c.issued_at <= revocation.issued_at)
            await connection.execute(delete(binding_revocations).where(covered))
        newest = select(binding_revocations.c.device_key).where(single)
        newest = newest.order_by(
            binding_revocations.c.issued_at.desc(), binding_revocations.c.device_key
        ).limit(_MOST_OF_WALLET)
        beyond = single & binding_revocations.c.device_key.not_in(newest)
        await connection.execute(delete(binding_revocations).where(beyond))

    async def covers(self, binding: DeviceBinding) -> bool:
        """Return whether a binding was revoked after it was signed."""
        newest = select(func.max(binding_revocations.c.issued_at)).where(
            binding_revocations.c.wallet == binding.wallet,
            binding_revocations.c.device_key.in_([binding.device_key, EVERY_SERVER]),
        )
        async with self._connections.reading() as connection:
            return (await connection.scalar(newest) or -1) >= binding.issued_at

    async def of_wallet(self, wallet: Wallet) -> Mapping[str, int]:
        """Return up to when a wallet's bindings are revoked, by device key."""
        theirs = select(binding_revocations).where(binding_revocations.c.wallet == wallet)
        async with self._connections.reading() as connection:
            return {row.device_key: row.issued_at for row in await connection.execute(theirs)}

    async def count_strangers(self) -> int:
        """Count the revocations of strangers."""
        strangers = select(func.count()).where(binding_revocations.c.stranger)
        async with self._connections.reading() as connection:
            return int(await connection.scalar(strangers) or 0)

    async def wallets(self) -> AsyncIterator[list[Wallet]]:
        """Return every wallet that revoked something, some hundred at a time."""
        wallet, some = binding_revocations.c.wallet, [Wallet("")]
        while some:
            wanted = select(wallet).distinct().where(wallet > some[-1]).order_by(wallet).limit(_AT_ONCE)
            async with self._connections.reading() as connection:
                some = [Wallet(one) for one in await connection.scalars(wanted)]
            if some:
                yield some

    async def mark_strangers(self, strangers: Collection[Wallet], others: Collection[Wallet]) -> None:
        """Record which of some wallets are strangers, and which are not."""
        wallet, stranger = binding_revocations.c.wallet, binding_revocations.c.stranger
        async with self._connections.writing() as connection:
            for wallets, marked in ((strangers, True), (others, False)):
                changed = wallet.in_(list(wallets)) & (stranger.is_not(marked))
                await connection.execute(update(binding_revocations).where(changed).values(stranger=marked))

    async def remove_strangers_beyond(self, most: int) -> None:
        """Delete the oldest revocations of strangers beyond so many."""
        table = binding_revocations
        newest_first = (table.c.issued_at.desc(), table.c.wallet, table.c.device_key)
        beyond = select(table.c.wallet, table.c.device_key).where(table.c.stranger)
        # SQLite knows no OFFSET without LIMIT, and -1 is no limit for it alone.
        beyond = beyond.order_by(*newest_first).offset(most).limit(1_000_000_000)
        gone = tuple_(table.c.wallet, table.c.device_key).in_(beyond)
        async with self._connections.writing() as connection:
            await connection.execute(delete(table).where(gone))

    async def remove_expired(self, now: Timestamp) -> None:
        """Delete those whose bindings have all run out."""
        ended = binding_revocations.c.issued_at + LONGEST_BINDING <= int(now)
        async with self._connections.writing() as connection:
            await connection.execute(delete(binding_revocations).where(ended))
