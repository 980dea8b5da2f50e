"""Transactions for wallets, built over the adapters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.adapters.chain.wallet_call_client import PoolWalletCalls
from wylloh_server.adapters.system_clock import system_clock
from wylloh_server.app.chain_sync import build_onchain
from wylloh_server.domain.types import ChainId, parse_wallet
from wylloh_server.services.transactions.call_review import CallReview
from wylloh_server.services.transactions.call_summary import CallSummaries
from wylloh_server.services.transactions.receipt_tracker import ReceiptTracker
from wylloh_server.services.transactions.transaction_log import TransactionLog
from wylloh_server.services.transactions.transaction_service import TransactionService

if TYPE_CHECKING:
    from wylloh_server.app.adapters import Adapters
    from wylloh_server.config import Settings
    from wylloh_server.plugins.dispatch import Dispatch
    from wylloh_server.services.operations.event_bus import EventBus
    from wylloh_server.services.operations.live_updates import LiveUpdates


@dataclass(frozen=True, slots=True)
class TransactionServices:
    """What prepares transactions, and what follows them."""

    service: TransactionService
    tracker: ReceiptTracker
    summaries: CallSummaries


def build_transactions(
    settings: Settings,
    adapters: Adapters,
    bus: EventBus,
    live: LiveUpdates,
    refresher: Dispatch | None = None,
) -> TransactionServices:
    """Build what prepares, reads, explains and follows transactions."""
    log = TransactionLog(transactions=adapters.database.storage.transactions, live=live, bus=bus)
    calls = PoolWalletCalls(adapters.pool)
    tracker = ReceiptTracker(log=log, calls=calls, clock=system_clock)
    chain = build_onchain(settings, adapters)
    trusted = {parse_wallet(address): name for name, address in settings.chain.trusted_contracts.items()}
    review = CallReview(calls=calls, chain_id=ChainId(settings.chain.id), chain=chain, trusted=trusted)
    service = TransactionService(
        log=log, calls=calls, tracker=tracker, review=review, clock=system_clock, refresher=refresher
    )
    summaries = CallSummaries(
        review=review,
        chain=chain,
        films=adapters.database.storage.films,
        checksummed=adapters.chain.checksummed,
    )
    return TransactionServices(service, tracker, summaries)
