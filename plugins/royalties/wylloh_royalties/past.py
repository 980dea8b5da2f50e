"""Reads a splitter's whole history, all of it as of one block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.sdk import ChainError, IncomeCredited, PayoutMade

if TYPE_CHECKING:
    from wylloh_server.sdk import ChainEvent, IndexState, PluginContext, Wallet

_AT_ONCE = 2000
_TRIES = 5


async def past_of(
    context: PluginContext, splitter: Wallet, recipient: Wallet | None
) -> tuple[tuple[ChainEvent, ...], IndexState]:
    """Give credits and payouts in the chain's order, and how far the chain had been read meanwhile.

    The chain goes on while it is read in pieces. So it is read again when that has happened.

    Raises:
        ChainError: it went on each time.
    """
    for _ in range(_TRIES):
        before = await context.chain.state()
        facts = await _facts(context, splitter, recipient)
        if await context.chain.state() == before:
            return facts, before
    raise ChainError("the chain grows faster than it can be counted", fix="Try again in a minute.")


async def _facts(
    context: PluginContext, splitter: Wallet, recipient: Wallet | None
) -> tuple[ChainEvent, ...]:
    found: list[ChainEvent] = []
    while True:
        part = await context.chain.history(
            kinds=(IncomeCredited, PayoutMade),
            contract=splitter,
            wallet=recipient,
            newest_first=False,
            limit=_AT_ONCE,
            offset=len(found),
        )
        found += part
        if len(part) < _AT_ONCE:
            return tuple(found)
