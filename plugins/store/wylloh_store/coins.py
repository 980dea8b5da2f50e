"""The coins that prices can be named in: those the settings name, and those in use."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from wylloh_server.sdk import ChainError, InvalidValue, wallet_of
from wylloh_store.keeper import shop_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wylloh_server.sdk import Coin, PluginContext, Wallet


async def coins_to_choose(context: PluginContext) -> tuple[Coin, ...]:
    """Give the coins to offer in a form, by symbol. One that cannot be read now is left out."""
    found = dict(shop_of(context).coins)
    for address in configured_coins(context):
        if address not in found:
            with suppress(ChainError):
                found[address] = await context.chain.coin(address)
    return tuple(sorted(found.values(), key=lambda coin: (coin.symbol, coin.address)))


def configured_coins(context: PluginContext) -> tuple[Wallet, ...]:
    """Read the setting.

    Raises:
        InvalidValue: it names something that is no address.
    """
    return tuple(wallet_of(text) for text in context.settings["coins"])


async def known_coin(context: PluginContext, address: str) -> Coin:
    """Read the coin somebody chose.

    Raises:
        InvalidValue: it is no address, nothing there is a coin, or nobody can say.
    """
    if not address.strip():
        raise InvalidValue("No coin is chosen.", fix="Choose the coin in which you want to be paid.")
    try:
        return await context.chain.coin(wallet_of(address.strip()))
    except ChainError as error:
        raise InvalidValue(f"This coin cannot be read: {error}", fix=error.fix) from error


async def coins_in(context: PluginContext, addresses: Iterable[Wallet]) -> dict[Wallet, Coin]:
    """Give those of some coins that can be read; the shop knows most of them."""
    known = shop_of(context).coins
    found: dict[Wallet, Coin] = {}
    for address in dict.fromkeys(addresses):
        if address in known:
            found[address] = known[address]
            continue
        with suppress(ChainError):
            found[address] = await context.chain.coin(address)
    return found
