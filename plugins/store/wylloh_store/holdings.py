"""What somebody holds, as the chain's history says it: for counting what is within their reach."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from wylloh_server.sdk import TokensMoved
from wylloh_store.keeper import shop_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wylloh_server.sdk import PluginContext, Viewer

_MOST_MOVES = 5_000
"""Whoever moved tokens more often is taken for somebody who holds none: adding it up would take too long."""


async def holdings_of(context: PluginContext, viewer: Viewer | None) -> Mapping[str, int]:
    """Give the number of tokens a viewer holds, by token reference.

    It is added up once for each viewer and change of the chain, from all moves of their tokens.
    """
    if viewer is None:
        return {}
    shop = shop_of(context)
    known = shop.holdings.of(viewer.wallet)
    if known is None:
        version = shop.holdings.version
        known = await _added_up(context, viewer)
        shop.holdings.keep(viewer.wallet, known, version)
    return known


async def _added_up(context: PluginContext, viewer: Viewer) -> Mapping[str, int]:
    kinds, wallet = (TokensMoved,), viewer.wallet
    if await context.chain.count(kinds=kinds, wallet=wallet) > _MOST_MOVES:
        return {}
    held: Counter[str] = Counter()
    for move in await context.chain.history(kinds=kinds, wallet=wallet, limit=_MOST_MOVES):
        if isinstance(move, TokensMoved):
            held[str(move.token)] += move.amount * ((move.receiver == wallet) - (move.sender == wallet))
    return +held  # without those that left again
