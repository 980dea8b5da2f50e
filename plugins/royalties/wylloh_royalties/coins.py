"""Coins and amounts as people read them; also of a coin that nobody can name."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from wylloh_server.sdk import (
    NATIVE_COIN,
    format_exact,
    format_money,
    format_number,
    read_coins,
    short_address,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wylloh_server.sdk import Coin, PluginContext, Wallet


class Coins:
    """Some coins, those that can be read with their names.

    Attributes:
        known: by address.
    """

    def __init__(self, known: Mapping[Wallet, Coin]) -> None:
        self.known = known

    def symbol(self, coin: Wallet) -> str:
        """Return what a coin is called, or its shortened address."""
        known = self.known.get(coin)
        return known.symbol if known else short_address(coin)

    def written(self, amount: int, coin: Wallet) -> str:
        """Write an amount: `4.99 USDC`; of an unknown coin in its smallest unit."""
        known = self.known.get(coin)
        return (
            format_money(amount, known)
            if known
            else f"{format_number(amount)} units of {short_address(coin)}"
        )

    def plain(self, amount: int, coin: Wallet) -> str:
        """Write an amount as a number that programs read; of an unknown coin in its smallest unit."""
        known = self.known.get(coin)
        return format_exact(amount, known) if known else str(amount)

    def ordered(self, coins: Iterable[Wallet]) -> list[Wallet]:
        """Put coins in order: by symbol, the chain's own and unknown ones last."""
        return sorted(
            set(coins),
            key=lambda coin: (coin == NATIVE_COIN, coin not in self.known, self.symbol(coin), coin),
        )

    def sums(self, amounts: Iterable[tuple[Wallet, int]]) -> list[str]:
        """Return the sum of each coin, written; without those that are 0."""
        totals: defaultdict[Wallet, int] = defaultdict(int)
        for coin, amount in amounts:
            totals[coin] += amount
        return [self.written(totals[coin], coin) for coin in self.ordered(totals) if totals[coin]]


async def coins_named(context: PluginContext, addresses: Iterable[Wallet]) -> Coins:
    """Read coins; those that cannot be read stay unknown."""
    return Coins(await read_coins(context.chain, addresses))
