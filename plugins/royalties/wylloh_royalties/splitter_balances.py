"""What is in a splitter for somebody, coin by coin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_royalties.coins import coins_named
from wylloh_royalties.projection import Balance
from wylloh_royalties.splitters import known_coins
from wylloh_server.sdk import NATIVE_COIN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wylloh_royalties.coins import Coins
    from wylloh_royalties.splitter_sync import SplitterSync
    from wylloh_server.sdk import PluginContext, Wallet

_MOST_COINS = 20


@dataclass(frozen=True, slots=True)
class CoinBalance:
    """One coin of a splitter, as one recipient sees it; `…_written` is the amount with the coin's symbol.

    Attributes:
        pending: what came in and is not divided yet; None when that cannot be read now.
        owed: what is set aside for the viewer.
        paid: what the viewer got so far.
    """

    coin: Wallet
    symbol: str
    pending: int | None
    owed: int
    paid: int
    pending_written: str
    owed_written: str
    paid_written: str


@dataclass(frozen=True, slots=True)
class SplitterMoney:
    """All of a splitter's coins.

    Attributes:
        shown: those known or in use, in order, as the viewer sees them.
        balances: of every recipient.
        pending: what is not divided yet, by coin.
    """

    shown: tuple[CoinBalance, ...]
    balances: tuple[Balance, ...]
    pending: Mapping[Wallet, int | None]
    coins: Coins

    @property
    def nothing(self) -> str:
        """An amount of nothing, in the first coin: `0.00 USDC`."""
        return self.coins.written(0, self.shown[0].coin) if self.shown else "nothing"


async def money_in(
    context: PluginContext, sync: SplitterSync, splitter: Wallet, viewer: Wallet
) -> SplitterMoney:
    """Return a splitter's money. Set aside and paid are as of the last block read, the rest as of now."""
    balances = await sync.projection.balances(splitter=splitter)
    priced = [payee.coin for payee in await sync.projection.paying(splitter) if payee.coin is not None]
    used = [balance.coin for balance in balances]
    addresses = dict.fromkeys([*used, *priced, *await known_coins(context, splitter), NATIVE_COIN])
    found = await sync.pending.pending((splitter, coin) for coin in list(addresses)[:_MOST_COINS])
    pending = {coin: amount for (_, coin), amount in found.items()}
    coins = await coins_named(context, pending)
    mine = {balance.coin: balance for balance in balances if balance.recipient == viewer}
    shown = tuple(
        _coin_balance(pending[coin], mine.get(coin) or Balance(splitter, viewer, coin), coins)
        for coin in coins.ordered(pending)
        # every splitter takes the chain's own coin, hardly any gets it
        if coin != NATIVE_COIN or pending[coin] or coin in used
    )
    return SplitterMoney(shown, balances, pending, coins)


def _coin_balance(pending: int | None, mine: Balance, coins: Coins) -> CoinBalance:
    return CoinBalance(
        coin=mine.coin,
        symbol=coins.symbol(mine.coin),
        pending=pending,
        owed=mine.owed,
        paid=mine.paid,
        pending_written="unknown now" if pending is None else coins.written(pending, mine.coin),
        owed_written=coins.written(mine.owed, mine.coin),
        paid_written=coins.written(mine.paid, mine.coin),
    )
