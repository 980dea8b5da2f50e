"""Stacks as the indexer would have stored them, for tests that follow no chain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert

from wylloh_server.domain.rights import RightsLadder
from wylloh_server.domain.types import TokenReference, Wallet
from wylloh_server.storage.chain_event_rows import ladder_json
from wylloh_server.storage.chain_tables import balances, films, state

if TYPE_CHECKING:
    from wylloh_server.storage.database import Storage


async def write_stacks(
    storage: Storage,
    ladders: Mapping[TokenReference, RightsLadder],
    held: Mapping[tuple[Wallet, TokenReference], int],
) -> None:
    """Replace what is known of the chain: it was read to its newest block, these are the films and their holders."""
    async with storage.films._connections.writing() as connection:
        for table in (balances, films, state):
            await connection.execute(delete(table))
        known = {"name": "index", "subject": "test", "step": 1, "complete": True, "kinds": []}
        await connection.execute(insert(state).values(known))
        for token, ladder in ladders.items():
            await connection.execute(insert(films).values(token=token, step=1, ladder=ladder_json(ladder)))
        for (wallet, token), amount in held.items():
            if amount:
                await connection.execute(insert(balances).values(token=token, wallet=wallet, amount=amount))


async def forget_chain(storage: Storage) -> None:
    """Make it as before the first block was read."""
    async with storage.films._connections.writing() as connection:
        for table in (balances, films, state):
            await connection.execute(delete(table))
