"""Coins as far as they can be read."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import ChainError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wylloh_server.domain.chain_events import Coin
    from wylloh_server.domain.ports.plugin_services import PluginChain
    from wylloh_server.domain.types import Wallet


async def read_coins(chain: PluginChain, addresses: Iterable[Wallet]) -> dict[Wallet, Coin]:
    """Return coins by address, in order, without those that cannot be read."""
    found: dict[Wallet, Coin] = {}
    for address in dict.fromkeys(addresses):
        with suppress(ChainError):
            found[address] = await chain.coin(address)
    return found
