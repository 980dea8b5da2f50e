"""Who holds what, kept up to date with each fact that comes or goes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, tuple_

from wylloh_server.adapters.database._chain_tables import balances
from wylloh_server.domain.onchain import NOBODY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.ext.asyncio import AsyncConnection

    from wylloh_server.domain.onchain import TokensMoved
    from wylloh_server.domain.types import TokenReference, Wallet

    Account = tuple[TokenReference, Wallet]

_AT_ONCE = 400
"""Accounts in one statement; each takes two of SQLite's 999 variables in its oldest versions."""


def differences(moves: Iterable[TokensMoved], sign: int = 1) -> Counter[Account]:
    """Add up what moves change; with `sign` -1, what taking them back changes."""
    changed: Counter[Account] = Counter()
    for move in moves:
        changed[move.token, move.receiver] += sign * move.amount
        changed[move.token, move.sender] -= sign * move.amount
    return Counter({key: amount for key, amount in changed.items() if amount and key[1] != NOBODY})


async def change_balances(connection: AsyncConnection, changed: Counter[Account]) -> None:
    """Change balances; those that become zero are forgotten."""
    accounts = list(changed)
    for start in range(0, len(accounts), _AT_ONCE):
        await _change(connection, {key: changed[key] for key in accounts[start : start + _AT_ONCE]})


async def _change(connection: AsyncConnection, changed: dict[Account, int]) -> None:
    these = tuple_(balances.c.token, balances.c.wallet).in_(list(changed))
    found = await connection.execute(select(balances).where(these))
    held = {(row.token, row.wallet): row.amount for row in found}
    if held:
        await connection.execute(delete(balances).where(these))
    rows = [
        {"token": token, "wallet": wallet, "amount": amount + held.get((token, wallet), 0)}
        for (token, wallet), amount in changed.items()
    ]
    kept = [row for row in rows if row["amount"]]
    if kept:
        await connection.execute(insert(balances), kept)
