"""Checks who shall be paid, before it stands on the chain for good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wylloh_server.domain.chain_events import Contracts
    from wylloh_server.domain.types import Wallet
    from wylloh_server.storage.coin_metadata import CoinRepository


@dataclass(frozen=True, slots=True)
class PayeeCheck:
    """Knows the project's contracts and the coins whose names were read."""

    contracts: Contracts
    coins: CoinRepository

    async def check(self, payee: Wallet | None) -> None:
        """Raise InvalidValue if money sent there stays there for good; None is the publisher."""
        if payee is not None:
            coin = await self.coins.get(payee)
            self.contracts.check_payee(payee, () if coin is None else (coin.address,))
