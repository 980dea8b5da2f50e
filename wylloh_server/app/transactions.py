"""Transactions for wallets, built over the adapters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.adapters.chain.wallet_calls import PoolWalletCalls
from wylloh_server.adapters.clock import system_clock
from wylloh_server.services.transactions import Follower, Ledger, TransactionDesk

if TYPE_CHECKING:
    from wylloh_server.app.outside import Outside
    from wylloh_server.services.bus import Bus
    from wylloh_server.services.live import Live
    from wylloh_server.services.transactions import Renewer


@dataclass(frozen=True, slots=True)
class Transactions:
    """What prepares transactions, and what follows them."""

    desk: TransactionDesk
    follower: Follower


def build_transactions(
    outside: Outside, bus: Bus, live: Live, renewer: Renewer | None = None
) -> Transactions:
    """Build what prepares, explains and follows transactions."""
    ledger = Ledger(transactions=outside.database.storage.transactions, live=live, bus=bus)
    calls = PoolWalletCalls(outside.pool)
    follower = Follower(ledger=ledger, calls=calls, clock=system_clock)
    desk = TransactionDesk(ledger=ledger, calls=calls, follower=follower, clock=system_clock, renewer=renewer)
    return Transactions(desk, follower)
