"""A proposal is good for half an hour: prices and holdings change."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wylloh_server.domain.transaction import TransactionState
from wylloh_server.services.transactions.sentences import expired_sentence

if TYPE_CHECKING:
    from wylloh_server.domain.transaction import Transaction
    from wylloh_server.domain.types import Timestamp

VALID_SECONDS = 30 * 60
"""How long a wallet may take for a step."""


def expired(transaction: Transaction, now: Timestamp) -> Transaction:
    """Give the transaction as it is by now: one that waited too long for its wallet is expired."""
    if transaction.state is not TransactionState.PREPARED or now - transaction.changed <= VALID_SECONDS:
        return transaction
    reason = expired_sentence(transaction.step, len(transaction.proposal.steps))
    return replace(transaction, state=TransactionState.EXPIRED, reason=reason)
