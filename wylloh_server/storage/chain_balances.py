"""Who holds what, kept up to date with each fact that comes or goes."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, select

from wylloh_server.domain.chain_events import ZERO_ADDRESS
from wylloh_server.storage.bulk_insert import insert_many
from wylloh_server.storage.chain_column_types import count_bytes, hex_bytes, token_bytes
from wylloh_server.storage.chain_tables import balances

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.ext.asyncio import AsyncConnection

    from wylloh_server.domain.chain_events import TokensTransferred
    from wylloh_server.domain.types import TokenReference, Wallet

    Differences = dict[TokenReference, dict[Wallet, int]]

_AT_ONCE = 500
"""Wallets in one question: below the 999 variables of SQLite's oldest versions."""


def balance_changes(moves: Iterable[TokensTransferred], sign: int = 1) -> Differences:
    """Add up what moves change for each film and wallet; with `sign` -1, what taking them back changes."""
    changed: defaultdict[TokenReference, defaultdict[Wallet, int]] = defaultdict(lambda: defaultdict(int))
    for move in moves:
        wallets = changed[move.token]
        wallets[move.receiver] += sign * move.amount
        wallets[move.sender] -= sign * move.amount
    return {
        token: {wallet: amount for wallet, amount in wallets.items() if amount and wallet != ZERO_ADDRESS}
        for token, wallets in changed.items()
    }


async def apply_balance_changes(connection: AsyncConnection, changed: Differences) -> None:
    """Change balances; those that become zero are forgotten."""
    rows = []
    for token, wallets in changed.items():
        film, every = token_bytes(token), list(wallets)
        for start in range(0, len(every), _AT_ONCE):
            for wallet, amount in await _taken_out(connection, token, every[start : start + _AT_ONCE]):
                wallets[wallet] += amount
        rows += [(film, hex_bytes(who), count_bytes(amount)) for who, amount in wallets.items() if amount]
    await insert_many(connection, balances, rows)


async def _taken_out(
    connection: AsyncConnection, token: TokenReference, wallets: list[Wallet]
) -> list[tuple[Wallet, int]]:
    """Take the balances of some wallets out of the table, and give those that there were."""
    # Not pairs of token and wallet in one IN: SQLite would look through the whole table for them.
    these = (balances.c.token == token) & balances.c.wallet.in_(wallets)
    found = await connection.execute(select(balances.c.wallet, balances.c.amount).where(these))
    held = [(row.wallet, row.amount) for row in found]
    if held:
        one = (balances.c.token == token) & (balances.c.wallet == bindparam("holder"))
        await connection.execute(delete(balances).where(one), [{"holder": wallet} for wallet, _ in held])
    return held
