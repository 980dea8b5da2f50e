"""What came into splitters and is not divided yet.

Money comes by plain transfers of coins, which leave no fact here. So what is on somebody's page is asked for
again whenever the chain has grown, and nothing else is.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from wylloh_server.sdk import ChainError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from wylloh_server.sdk import PluginChain, Wallet

_SHOWN_SECONDS = 20 * 60
"""How long after a page was drawn somebody may still look at it. Drawing it anew begins the time again."""
_MOST_SHOWN = 500
"""Pairs of splitter and coin that are watched; the oldest are forgotten."""
_AT_ONCE = 8
"""Questions on their way at the same time."""
_PENDING = "pending(address)"


class Purses:
    """Asks splitters, and remembers what they said and when it was shown."""

    def __init__(self, chain: PluginChain, clock: Callable[[], float] = time.monotonic) -> None:
        self._chain = chain
        self._clock = clock
        self._shown: dict[tuple[Wallet, Wallet], float] = {}
        self._known: dict[tuple[Wallet, Wallet], int | None] = {}
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def pending(
        self, wanted: Iterable[tuple[Wallet, Wallet]]
    ) -> Mapping[tuple[Wallet, Wallet], int | None]:
        """Ask what is not divided yet, for pairs of splitter and coin; None where nobody can say.

        The pairs count as shown from now on.
        """
        pairs = list(dict.fromkeys(wanted))
        for pair in pairs:
            self._shown.pop(pair, None)
            self._shown[pair] = self._clock()
        for pair in list(self._shown)[:-_MOST_SHOWN]:
            self._forget(pair)
        found = await self._ask(pairs)
        self._known |= {pair: amount for pair, amount in found.items() if pair in self._shown}
        return found

    async def look(self) -> frozenset[Wallet]:
        """Ask again for all that may be on somebody's page; gives the splitters that say something else."""
        oldest = self._clock() - _SHOWN_SECONDS
        for pair in [pair for pair, when in self._shown.items() if when < oldest]:
            self._forget(pair)
        before = dict(self._known)
        now = await self._ask(before)
        self._known |= {pair: amount for pair, amount in now.items() if pair in self._shown}
        return frozenset(
            splitter for (splitter, coin), amount in now.items() if before[splitter, coin] != amount
        )

    async def _ask(self, pairs: Iterable[tuple[Wallet, Wallet]]) -> dict[tuple[Wallet, Wallet], int | None]:
        asked = list(pairs)
        return dict(zip(asked, await asyncio.gather(*(self._one(*pair) for pair in asked)), strict=True))

    async def _one(self, splitter: Wallet, coin: Wallet) -> int | None:
        async with self._gate:
            try:
                (amount,) = await self._chain.read(splitter, _PENDING, (coin,), ("uint256",))
            except ChainError:
                return None
        return int(amount)

    def _forget(self, pair: tuple[Wallet, Wallet]) -> None:
        self._shown.pop(pair, None)
        self._known.pop(pair, None)
