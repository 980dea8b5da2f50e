"""A transaction as people read it: what it does, where it stands, what they can do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.transaction import ContractCall, TransactionState

if TYPE_CHECKING:
    from wylloh_server.domain.transaction import Step, Transaction

_WORDS = {
    TransactionState.PREPARED: "Waits for your wallet",
    TransactionState.SENT: "Sent",
    TransactionState.CONFIRMED: "Confirmed",
    TransactionState.FAILED: "Failed",
    TransactionState.EXPIRED: "Not confirmed",
}
_MARKS = {TransactionState.CONFIRMED: "✓", TransactionState.FAILED: "!"}
_SENT = "Sent. The chain has not confirmed it yet; you may leave this page."
_OVER = (TransactionState.FAILED, TransactionState.EXPIRED)


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step: what it does, where it stands in a word, and its hash if it was sent."""

    says: str
    word: str
    done: bool
    now: bool
    sent_hash: str


@dataclass(frozen=True, slots=True)
class TransactionView:
    """The page of a transaction.

    Attributes:
        lead: the most important sentence of the explanation; `rest` are the others.
        sentence: where it stands.
        problem: it is over and did not happen, or not as it should, or it cannot be done as things are.
        waits: the wallet can be asked now.
        open: it can still be discarded.
        past: what is said of it was said before it was confirmed, and is over.
        place: `Confirmed in block 1,234`, and where that can be looked up.
    """

    id: str
    title: str
    state: str
    word: str
    lead: str
    rest: tuple[str, ...]
    steps: tuple[StepLine, ...]
    sentence: str
    problem: bool
    waits: bool
    open: bool
    past: bool
    back: str
    back_label: str
    place: str
    place_url: str


@dataclass(frozen=True, slots=True)
class TransactionLine:
    """One line of the list of transactions; `at` is seconds since 1970."""

    id: str
    title: str
    word: str
    mark: str
    sentence: str
    at: float


def view_of(transaction: Transaction, explorer: str, problem: str = "") -> TransactionView:
    """Describe a transaction.

    Args:
        transaction: as it is now.
        explorer: the address of a block's page with `{block}` in it, or empty.
        problem: why the wallet cannot be asked as things are; empty when it can.
    """
    lead, *rest = transaction.proposal.explanation
    over = transaction.state in _OVER
    waits = transaction.state is TransactionState.PREPARED
    return TransactionView(
        id=transaction.id,
        title=transaction.proposal.title,
        state=transaction.state,
        word=_WORDS[transaction.state],
        lead=lead,
        rest=tuple(rest),
        steps=_steps(transaction, problem),
        sentence=problem or _sentence(transaction),
        problem=over or bool(problem),
        waits=waits and not problem,
        open=waits,
        past=over or _done(transaction),
        back=_way_on(transaction, again=over or bool(problem)),
        back_label=_way_label(transaction, problem),
        place=_place(transaction),
        place_url=explorer.replace("{block}", str(transaction.block))
        if explorer and transaction.block
        else "",
    )


def line_of(transaction: Transaction) -> TransactionLine:
    """Describe a transaction in a line."""
    return TransactionLine(
        id=transaction.id,
        title=transaction.proposal.title,
        word=_WORDS[transaction.state],
        mark=_MARKS.get(transaction.state, "…"),
        sentence=_sentence(transaction),
        at=transaction.created,
    )


def _sentence(transaction: Transaction) -> str:
    if _done(transaction):
        return transaction.proposal.done
    if transaction.state in _OVER:
        return transaction.reason
    if transaction.state is TransactionState.SENT:
        return _SENT
    steps = len(transaction.proposal.steps)
    if transaction.step:
        return f"Step {transaction.step} of {steps} is done. Your wallet has to confirm the next one."
    return "Nothing has happened yet." if steps == 1 else f"Nothing has happened yet. It takes {steps} steps."


def _way_on(transaction: Transaction, *, again: bool) -> str:
    proposal = transaction.proposal
    return proposal.start or proposal.back if again else proposal.back


def _way_label(transaction: Transaction, problem: str) -> str:
    if transaction.state in _OVER:
        return "Go back and start again"
    if problem:
        return "Begin again"
    return "Go on" if _done(transaction) else "Back"


def _done(transaction: Transaction) -> bool:
    return transaction.state is TransactionState.CONFIRMED


def _steps(transaction: Transaction, problem: str) -> tuple[StepLine, ...]:
    hashes = dict(zip(transaction.calls, transaction.hashes, strict=False))
    return tuple(
        StepLine(
            says=step.says or _says(step, transaction),
            word="Not possible now" if problem and index == transaction.step else _word(transaction, index),
            done=index < transaction.step,
            now=index == transaction.step and transaction.state not in _OVER,
            sent_hash=hashes.get(index, ""),
        )
        for index, step in enumerate(transaction.proposal.steps)
    )


def _says(step: Step, transaction: Transaction) -> str:
    if isinstance(step, ContractCall):
        return transaction.proposal.title
    return "Sign a permission"


def _word(transaction: Transaction, index: int) -> str:
    if index < transaction.step:
        return "Done"
    if index > transaction.step or transaction.state is TransactionState.EXPIRED:
        return "Not begun" if transaction.state in _OVER else "Then"
    return _WORDS[transaction.state]


def _place(transaction: Transaction) -> str:
    if not _done(transaction) or transaction.block is None:
        return ""
    certainty = "final" if transaction.final else "final in a while"
    return f"In block {transaction.block:,}, {certainty}"
