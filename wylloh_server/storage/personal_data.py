"""What is kept about a wallet beside its account: what goes with the account, and what stays and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import delete

from wylloh_server.storage.tables import bindings, player_preferences, positions, stack_groups

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wylloh_server.domain.types import Wallet
    from wylloh_server.storage.connections import Connections

GOES = (bindings, positions, player_preferences, stack_groups)
"""Tables whose rows of a wallet are deleted with its account."""

_CHAIN = "Read from the chain, where it is for everybody to read."
STAYS: Final[Mapping[str, str]] = {
    "accounts": "Deleted first, by itself, so that no session of it begins.",
    "sessions": "Ended one by one, with what plays on them.",
    "titles": "Drafts are deleted with their files; what was approved is the owner's, too.",
    "requests": "Withdrawn, and kept with the owner's answers.",
    "receipts": "The owner's record of who was let in; deleted after `playback.receipt_days`.",
    "tasks": "The newest few of each kind; older ones are deleted.",
    "transactions": "So that what was sent does not count twice; deleted some time after they ended.",
    "binding_revocations": "Custodians must go on refusing the server that was taken back.",
    "holder_servers": "Custodians count the servers of a wallet; deleted after 90 days.",
    "envelopes": "Licences with their keys go 30 days after the last of them ran out.",
    "films": "The publisher, as the film's manifest names it.",
    "successor_packages": "The publisher, as the film's manifest names it.",
    "former_packages": "The publisher, as the film's manifest names it.",
    "chain_balances": _CHAIN,
    "chain_films": _CHAIN,
    "chain_parties": _CHAIN,
}
"""Other tables that name a wallet or publisher, and why rows stay when an account is removed."""


class PersonalDataRepository:
    """What is kept about a wallet beside its account."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def remove_of(self, wallet: Wallet) -> None:
        """Delete what goes with a wallet's account."""
        async with self._connections.writing() as connection:
            for table in GOES:
                await connection.execute(delete(table).where(table.c.wallet == wallet))
