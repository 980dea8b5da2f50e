"""Named groups of stacks as rows."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from wylloh_server.domain.group_split import Group
from wylloh_server.storage.tables import stack_groups

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement

    from wylloh_server.domain.types import FilmId, Wallet
    from wylloh_server.storage.connections import Connections

_SHOWN = [column for column in stack_groups.c if column.name not in {"wallet", "film"}]


class StackGroupRepository:
    """Named groups of each wallet's stack of each film."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def of_stack(self, wallet: Wallet, film: FilmId) -> tuple[Group, ...]:
        """Return the groups of a stack, oldest first."""
        theirs = select(*_SHOWN).where(_stack(wallet, film))
        oldest_first = theirs.order_by(stack_groups.c.made, stack_groups.c.id)
        async with self._connections.reading() as connection:
            return tuple(Group(**row._asdict()) for row in await connection.execute(oldest_first))

    async def put(self, wallet: Wallet, film: FilmId, groups: Sequence[Group]) -> None:
        """Replace the groups of a stack."""
        rows = [{**asdict(group), "wallet": wallet, "film": film} for group in groups]
        async with self._connections.writing() as connection:
            await connection.execute(delete(stack_groups).where(_stack(wallet, film)))
            if rows:
                await connection.execute(insert(stack_groups), rows)


def _stack(wallet: Wallet, film: FilmId) -> ColumnElement[bool]:
    return (stack_groups.c.wallet == wallet) & (stack_groups.c.film == film)
