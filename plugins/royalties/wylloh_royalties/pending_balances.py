"""What came into splitters and is not divided yet.

Money comes by plain transfers of coins, which leave no event of a splitter. So the balances on somebody's
page are read again whenever the chain has grown, and no others.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from cachetools import TTLCache

from wylloh_server.sdk import ChainError, DeployedContract, Wallet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from wylloh_server.sdk import PluginChain

_SHOWN_SECONDS = 20 * 60
"""How long after a page was drawn somebody may still look at it. Drawing it again begins the time again."""
_MOST_SHOWN = 500
"""Pairs of splitter and coin that are read again; the oldest are forgotten."""
_AT_ONCE = 8
"""Calls on their way at the same time."""

Pair = tuple[Wallet, Wallet]
"""A splitter and a coin."""


class PendingBalances:
    """Reads pending balances, and remembers them while they may be shown."""

    def __init__(self, chain: PluginChain, clock: Callable[[], float] = time.monotonic) -> None:
        self._chain = chain
        self._shown: TTLCache[Pair, None] = TTLCache(_MOST_SHOWN, _SHOWN_SECONDS, clock)
        self._known: dict[Pair, int | None] = {}
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def pending(self, wanted: Iterable[Pair]) -> Mapping[Pair, int | None]:
        """Return what is not divided yet, for pairs of splitter and coin; None where that cannot be read.

        The pairs count as shown from now on.
        """
        pairs = tuple(dict.fromkeys(wanted))
        self._shown.update(dict.fromkeys(pairs))
        found = await self._read(pairs)
        self._known |= found
        return found

    async def refresh(self) -> frozenset[Wallet]:
        """Read again whatever may be on somebody's page; return the splitters of which it has changed."""
        self._shown.expire()
        before = {pair: amount for pair, amount in self._known.items() if pair in self._shown}
        self._known = dict(before)
        now = await self._read(before)
        self._known |= now
        return frozenset(pair[0] for pair, amount in now.items() if before[pair] != amount)

    async def _read(self, pairs: Iterable[Pair]) -> dict[Pair, int | None]:
        wanted = list(pairs)
        return dict(zip(wanted, await asyncio.gather(*(self._one(*pair) for pair in wanted)), strict=True))

    async def _one(self, splitter: Wallet, coin: Wallet) -> int | None:
        async with self._gate:
            try:
                (amount,) = await DeployedContract("RoyaltySplitter", splitter).read(
                    self._chain, "pending", coin
                )
            except ChainError:
                return None
        return int(amount)
