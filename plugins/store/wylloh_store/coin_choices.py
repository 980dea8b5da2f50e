"""The coins that prices can be named in: those the settings name, and those in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.sdk import ChainError, InvalidValue, parse_address, read_coins
from wylloh_store.sync import index_of

if TYPE_CHECKING:
    from wylloh_server.sdk import Coin, PluginContext, Wallet


async def coins_to_choose(context: PluginContext) -> tuple[Coin, ...]:
    """Return the coins to offer in a form, by symbol. One that cannot be read now is left out."""
    found = await read_coins(context.chain, [*index_of(context).coins, *configured_coins(context)])
    return tuple(sorted(found.values(), key=lambda coin: (coin.symbol, coin.address)))


def configured_coins(context: PluginContext) -> tuple[Wallet, ...]:
    """Read the setting.

    Raises:
        InvalidValue: it names something that is no address.
    """
    return tuple(parse_address(text) for text in context.settings["coins"])


async def known_coin(context: PluginContext, address: str) -> Coin:
    """Read the coin somebody chose.

    Raises:
        InvalidValue: it is no address, nothing there is a coin, or it cannot be read.
    """
    if not address.strip():
        raise InvalidValue("No coin is chosen.", fix="Choose the coin in which you want to be paid.")
    try:
        return await context.chain.coin(parse_address(address))
    except ChainError as error:
        raise InvalidValue(f"This coin cannot be read: {error}", fix=error.fix) from error
