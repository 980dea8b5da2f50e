"""What somebody holds, by the chain's history: for counting what is within their reach."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from wylloh_server.sdk import EventQuery, TokensTransferred
from wylloh_store.sync import index_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wylloh_server.sdk import PluginContext, Wallet

_MOST_TRANSFERS = 5_000
"""Who moved tokens more often is not counted: adding it up would take too long."""


async def holdings_of(context: PluginContext, wallet: Wallet) -> Mapping[str, int] | None:
    """Return the number of tokens a wallet holds, by token reference; None for one that is not counted.

    It is added up once for each wallet and change of the chain, from all transfers of its tokens.
    """
    holdings = index_of(context).holdings
    if wallet not in holdings:
        holdings[wallet] = await _added_up(context, wallet)
    return holdings[wallet]


async def _added_up(context: PluginContext, wallet: Wallet) -> Mapping[str, int] | None:
    query = EventQuery(kinds=(TokensTransferred,), wallet=wallet, limit=_MOST_TRANSFERS)
    if await context.chain.count(query) > _MOST_TRANSFERS:
        return None
    held: Counter[str] = Counter()
    for move in await context.chain.history(query):
        if isinstance(move, TokensTransferred):
            held[str(move.token)] += move.amount * ((move.receiver == wallet) - (move.sender == wallet))
    return +held  # without those that left again
