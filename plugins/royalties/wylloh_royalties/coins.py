"""Coins and amounts as people read them; also of a coin that nobody can name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.sdk import NATIVE_COIN, ChainError, shortened

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
        """Give what a coin is called, or its shortened address."""
        known = self.known.get(coin)
        return known.symbol if known else shortened(coin)

    def written(self, amount: int, coin: Wallet) -> str:
        """Write an amount: `4.99 USDC`; of an unknown coin in its smallest unit."""
        known = self.known.get(coin)
        return known.written(amount) if known else f"{amount:,} units of {shortened(coin)}"

    def plain(self, amount: int, coin: Wallet) -> str:
        """Write an amount as a number that programs read; of an unknown coin in its smallest unit."""
        known = self.known.get(coin)
        return (
            known.written(amount).removesuffix(f" {known.symbol}").replace(",", "") if known else str(amount)
        )

    def ordered(self, coins: Iterable[Wallet]) -> list[Wallet]:
        """Put coins in order: by symbol, the chain's own and unknown ones last."""
        return sorted(
            set(coins),
            key=lambda coin: (coin == NATIVE_COIN, coin not in self.known, self.symbol(coin), coin),
        )


async def coins_named(context: PluginContext, addresses: Iterable[Wallet]) -> Coins:
    """Read coins; those that cannot be read stay unknown."""
    known: dict[Wallet, Coin] = {}
    for address in dict.fromkeys(addresses):
        try:
            known[address] = await context.chain.coin(address)
        except ChainError:
            continue
    return Coins(known)
