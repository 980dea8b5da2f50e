"""What is in a splitter for somebody, coin by coin, in words."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_royalties.coins import coins_named
from wylloh_royalties.splitters import known_coins
from wylloh_server.sdk import NATIVE_COIN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wylloh_royalties.coins import Coins
    from wylloh_royalties.keeper import Keeper
    from wylloh_royalties.ledger import Balance
    from wylloh_server.sdk import PluginContext, Wallet

_MOST_COINS = 20


@dataclass(frozen=True, slots=True)
class Purse:
    """One coin of a splitter, as one recipient sees it.

    Attributes:
        pending: what came in and is not divided yet; None when nobody can say now.
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
class Money:
    """All of a splitter's coins.

    Attributes:
        purses: those known or in use, in order.
        balances: of every recipient.
        pending: what is not divided yet, by coin.
    """

    purses: tuple[Purse, ...]
    balances: tuple[Balance, ...]
    pending: Mapping[Wallet, int | None]
    coins: Coins

    @property
    def nothing(self) -> str:
        """An amount of nothing, in the first coin: `0.00 USDC`."""
        return self.coins.written(0, self.purses[0].coin) if self.purses else "nothing"


async def money_in(context: PluginContext, keeper: Keeper, splitter: Wallet, viewer: Wallet) -> Money:
    """Look into a splitter. What was set aside and paid is as of the last block read, the rest as of now."""
    balances = await keeper.ledger.balances(splitter=splitter)
    priced = [payee.coin for payee in await keeper.ledger.paying(splitter) if payee.coin is not None]
    used = [balance.coin for balance in balances]
    addresses = dict.fromkeys([*used, *priced, *await known_coins(context, splitter), NATIVE_COIN])
    wanted = [(splitter, coin) for coin in list(addresses)[:_MOST_COINS]]
    found = await keeper.purses.pending(wanted)
    pending = {coin: amount for (_, coin), amount in found.items()}
    coins = await coins_named(context, pending)
    mine = {balance.coin: balance for balance in balances if balance.recipient == viewer}
    shown = [coin for coin in coins.ordered(pending) if _worth_showing(coin, pending, used)]
    purses = tuple(_purse(coin, pending[coin], mine.get(coin), coins) for coin in shown)
    return Money(purses, balances, pending, coins)


def sums_of(amounts: Iterable[tuple[Wallet, int]], coins: Coins) -> list[str]:
    """Add amounts up by coin and write those that are not 0."""
    sums: defaultdict[Wallet, int] = defaultdict(int)
    for coin, amount in amounts:
        sums[coin] += amount
    return [coins.written(sums[coin], coin) for coin in coins.ordered(sums) if sums[coin]]


def _worth_showing(coin: Wallet, pending: Mapping[Wallet, int | None], used: Iterable[Wallet]) -> bool:
    """Leave out the chain's own coin until some came: every splitter takes it, hardly any gets it."""
    return coin != NATIVE_COIN or bool(pending[coin]) or coin in used


def _purse(coin: Wallet, pending: int | None, mine: Balance | None, coins: Coins) -> Purse:
    owed, paid = (mine.owed, mine.paid) if mine else (0, 0)
    return Purse(
        coin=coin,
        symbol=coins.symbol(coin),
        pending=pending,
        owed=owed,
        paid=paid,
        pending_written="unknown now" if pending is None else coins.written(pending, coin),
        owed_written=coins.written(owed, coin),
        paid_written=coins.written(paid, coin),
    )
