"""What waits for its wallet: prepared anew, because prices, holdings and permissions change; and expired."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wylloh_server.domain.transaction import TransactionState
from wylloh_server.services.transactions.messages import expired_sentence

if TYPE_CHECKING:
    from wylloh_server.domain.transaction import Proposal, Transaction
    from wylloh_server.domain.types import Timestamp

VALID_SECONDS = 30 * 60
"""How long a wallet may take for a step."""


@dataclass(frozen=True, slots=True)
class RefreshResult:
    """A transaction as it is now, and why it cannot be done as things are; empty when it can."""

    transaction: Transaction
    problem: str = ""


def expired(transaction: Transaction, now: Timestamp) -> Transaction:
    """Return the transaction as it is by now: one that waited too long for its wallet is expired."""
    if transaction.state is not TransactionState.PREPARED or now - transaction.changed <= VALID_SECONDS:
        return transaction
    reason = expired_sentence(transaction.step, len(transaction.proposal.steps))
    return replace(transaction, state=TransactionState.EXPIRED, reason=reason)


def renewable(transaction: Transaction) -> bool:
    """Return whether a transaction can be prepared anew: its wallet has sent nothing, nor was asked to."""
    waits = transaction.state is TransactionState.PREPARED
    return waits and bool(transaction.proposal.recipe) and not transaction.hashes and not transaction.asked


def refresh_proposal(before: Transaction, fresh: Proposal) -> Transaction:
    """Return a transaction with a fresh proposal: what was signed for the former one counts no longer."""
    kept = before.proposal
    proposal = replace(fresh, topics=kept.topics, recipe=kept.recipe)
    return replace(before, proposal=proposal, step=0, signatures=())


def reads_alike(one: Transaction, other: Transaction) -> bool:
    """Return whether a person reads the same of both; permissions may differ in what nobody reads."""
    return _words(one.proposal) == _words(other.proposal)


def _words(proposal: Proposal) -> tuple[object, ...]:
    return proposal.title, tuple(proposal.explanation), tuple(step.summary for step in proposal.steps)
