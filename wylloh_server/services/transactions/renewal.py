"""Prepares what waits for its wallet anew: prices, holdings and permissions change in the meantime."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from wylloh_server.domain.transaction import TransactionState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.transaction import Proposal, Transaction


class Renewer(Protocol):
    """Asks the plugin that proposed something; `hooks.dispatch.Dispatch` does."""

    async def renew(self, plugin: str, viewer: Viewer, recipe: Mapping[str, str]) -> Proposal | None:
        """Give what the plugin would propose now; None when what was proposed stays.

        Raises:
            InvalidValue, AccessRefused, NotFound, ChainError: it cannot be done now, and why.
        """


@dataclass(frozen=True, slots=True)
class Looked:
    """A transaction as it is now, and why it cannot be done as things are; empty when it can."""

    transaction: Transaction
    problem: str = ""


def renewable(transaction: Transaction) -> bool:
    """Say whether a transaction can be prepared anew: its wallet has sent nothing, nor was asked to."""
    waits = transaction.state is TransactionState.PREPARED
    return waits and bool(transaction.proposal.recipe) and not transaction.hashes and not transaction.asked


def prepared_anew(before: Transaction, fresh: Proposal) -> Transaction:
    """Give a transaction with a fresh proposal: what was signed for the former one counts no longer."""
    kept = before.proposal
    proposal = replace(fresh, topics=kept.topics, recipe=kept.recipe)
    return replace(before, proposal=proposal, step=0, signatures=())


def reads_alike(one: Transaction, other: Transaction) -> bool:
    """Say whether a person reads the same of both; permissions may differ in what nobody reads."""
    return _words(one.proposal) == _words(other.proposal)


def _words(proposal: Proposal) -> tuple[object, ...]:
    return proposal.title, tuple(proposal.explanation), tuple(step.says for step in proposal.steps)
