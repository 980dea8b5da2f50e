"""Stacks as the chain's events say: balances seen against ladders, without asking the chain."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, and_, exists, func, select

from wylloh_server.domain.chain_events import TokensSold
from wylloh_server.domain.rights import RightsStatus, Stack
from wylloh_server.storage.chain_event_rows import ladder_from_json
from wylloh_server.storage.chain_tables import balances, blocks, events, films, parties, state

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from wylloh_server.domain.rights import RightsLadder
    from wylloh_server.domain.types import TokenReference, Wallet
    from wylloh_server.storage.connections import Connections

_FEW = 500
"""Values that one statement lists, as databases limit them. For more, all rows are read and chosen from."""

CHAIN_IS_KNOWN = exists().where(state.c.complete.is_(True))
"""Whether the chain has been read to its newest block once. Before that, nobody's holdings are known."""


class StackRepository:
    """Stacks of wallets, as of the last block read."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def stacks(
        self, wallet: Wallet, tokens: Collection[TokenReference]
    ) -> Mapping[TokenReference, Stack]:
        """Return a wallet's stacks of some films.

        A film whose ladder is unknown is left out, and every film until the chain has been read once to its
        newest block.
        """
        wanted = _stacks(wallet)
        if len(tokens) <= _FEW:
            wanted = wanted.where(films.c.token.in_(list(tokens)))
        async with self._connections.reading() as connection:
            rows = (await connection.execute(wanted)).all()
        asked = set(tokens)
        return {row.token: _stack(row) for row in rows if row.token in asked}

    async def status(self, wallet: Wallet, token: TokenReference) -> RightsStatus | None:
        """Return a wallet's stack of a film and the block as of which it holds; None where it is unknown."""
        newest = select(func.max(blocks.c.number)).scalar_subquery().label("block")
        wanted = _stacks(wallet).add_columns(newest).where(films.c.token == token)
        async with self._connections.reading() as connection:
            row = (await connection.execute(wanted)).one_or_none()
        return None if row is None else RightsStatus(_stack(row), row.block)

    async def ladder(self, token: TokenReference) -> RightsLadder | None:
        """Return a film's ladder, with all that earlier ones gave; None while it is unknown."""
        wanted = select(films.c.ladder).where(films.c.token == token)
        async with self._connections.reading() as connection:
            found = await connection.scalar(wanted)
        return None if found is None else ladder_from_json(found)

    async def held(self, wallets: Collection[Wallet]) -> Mapping[Wallet, frozenset[TokenReference]]:
        """Return the films of which some wallets hold tokens; nothing until the chain has been read once."""
        wanted = select(balances.c.wallet, balances.c.token).where(CHAIN_IS_KNOWN, balances.c.amount > 0)
        if len(wallets) <= _FEW:
            wanted = wanted.where(balances.c.wallet.in_(list(wallets)))
        async with self._connections.reading() as connection:
            rows = (await connection.execute(wanted)).all()
        found = defaultdict(set)
        for row in rows:
            found[row.wallet].add(row.token)
        return {wallet: frozenset(found[wallet]) for wallet in wallets}

    async def is_known(self) -> bool:
        """Return whether the chain has been read to its newest block once: before that, `held` is empty."""
        async with self._connections.reading() as connection:
            return bool(await connection.scalar(select(CHAIN_IS_KNOWN)))

    async def acquired(self, wallets: Collection[Wallet]) -> frozenset[TokenReference]:
        """Return the films that some wallets chose themselves: bought in the store, or published.

        Tokens that came by a mere transfer, or were minted to somebody by a publisher, anybody may have sent.
        """
        chosen: set[TokenReference] = set()
        every = list(wallets)
        async with self._connections.reading() as connection:
            for start in range(0, len(every), _FEW):
                some = every[start : start + _FEW]
                chosen.update(await connection.scalars(_bought(some)))
                published = select(films.c.token).where(films.c.publisher.in_(some))
                chosen.update(await connection.scalars(published))
        return frozenset(chosen)


def _bought(wallets: list[Wallet]) -> Select[Any]:
    took_part = parties.c.event == events.c.sequence
    bought = select(events.c.token).join(parties, took_part).where(parties.c.wallet.in_(wallets))
    # A seller takes part, too: only the buyer has chosen the film.
    buyer = events.c.payload["buyer"].as_string()
    sale = events.c.kind == TokensSold.__name__
    return bought.where(sale, events.c.removed.is_(None), buyer.in_(wallets)).distinct()


def _stacks(wallet: Wallet) -> Select[Any]:
    theirs = and_(balances.c.token == films.c.token, balances.c.wallet == wallet)
    columns = (films.c.token, films.c.ladder, balances.c.amount)
    known = select(*columns).select_from(films.outerjoin(balances, theirs))
    return known.where(films.c.ladder.is_not(None), CHAIN_IS_KNOWN)


def _stack(row: Any) -> Stack:
    # A history that begins after tokens were minted counts fewer than there are, down to negative numbers.
    return Stack(max(0, row.amount or 0), ladder_from_json(row.ladder))
