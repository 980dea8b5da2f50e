"""A transaction as people read it: what it does, where it stands, what they can do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.transaction import ContractCall, TransactionState
from wylloh_server.services.transactions.refresh import VALID_SECONDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_server.domain.transaction import Step, Transaction
    from wylloh_server.services.transactions.call_summary import StepSummary

_WORDS = {
    TransactionState.PREPARED: "Waits for your wallet",
    TransactionState.SENT: "Sent",
    TransactionState.CONFIRMED: "Confirmed",
    TransactionState.FAILED: "Failed",
    TransactionState.EXPIRED: "Not confirmed",
}
_MARKS = {TransactionState.CONFIRMED: "✓", TransactionState.FAILED: "!"}
_NEXT = {
    TransactionState.CONFIRMED: "Go on",
    TransactionState.FAILED: "Go back and start again",
    TransactionState.EXPIRED: "Go back and start again",
}
_IMPOSSIBLE = "Not possible now"
_SENT = "Sent. The chain has not confirmed it yet; you may leave this page."
_OVER = (TransactionState.FAILED, TransactionState.EXPIRED)


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step: what it does, where it stands in a word, and its hash if it was sent.

    Attributes:
        sentence: in the words of who proposed it.
        read: what the server has read from the step itself; None if it cannot be read.
    """

    sentence: str
    read: StepSummary | None
    word: str
    done: bool
    now: bool
    sent_hash: str


@dataclass(frozen=True, slots=True)
class TransactionView:
    """A transaction on its page, and in the list of transactions.

    Attributes:
        word, mark: its state.
        lead: the most important sentence of the explanation; `rest` are the others.
        sentence: where it stands.
        problem: it is over and did not happen, or not as it should, or it cannot be done as things are.
        waits: the wallet can be asked now.
        open: it can still be discarded.
        expires: when it is over by itself unless the wallet confirms; None when it does not wait.
        past: what is said of it was said before it was confirmed, and is over.
        place: `Confirmed in block 1,234`, and where that can be looked up.
    """

    transaction: Transaction
    word: str
    mark: str
    lead: str
    rest: tuple[str, ...]
    steps: tuple[StepLine, ...]
    sentence: str
    problem: bool
    waits: bool
    open: bool
    expires: float | None
    past: bool
    back: str
    back_label: str
    place: str
    place_url: str


def transaction_view(
    transaction: Transaction, explorer: str = "", problem: str = "", read: Sequence[StepSummary] = ()
) -> TransactionView:
    """Describe a transaction.

    Args:
        transaction: as it is now.
        explorer: the address of a block's page with `{block}` in it, or empty.
        problem: why the wallet cannot be asked as things are; empty when it can.
        read: what each step does, by its own data; empty where that is not shown.
    """
    start, (lead, *rest) = transaction.proposal.start, transaction.proposal.explanation
    over = transaction.state in _OVER
    waits = transaction.state is TransactionState.PREPARED
    return TransactionView(
        transaction=transaction,
        word=_IMPOSSIBLE if problem else _WORDS[transaction.state],
        mark=_MARKS.get(transaction.state, "…"),
        lead=lead,
        rest=tuple(rest),
        steps=_steps(transaction, problem, read),
        sentence=problem or _sentence(transaction),
        problem=over or bool(problem),
        waits=waits and not problem,
        open=waits,
        expires=transaction.changed + VALID_SECONDS if waits else None,
        past=over or _done(transaction),
        back=_way_on(transaction, again=over or bool(problem)),
        back_label=_NEXT.get(transaction.state, "Begin again" if problem and start else "Back"),
        place=_place(transaction),
        place_url=explorer.replace("{block}", str(transaction.block))
        if explorer and transaction.block
        else "",
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


def _done(transaction: Transaction) -> bool:
    return transaction.state is TransactionState.CONFIRMED


def _steps(transaction: Transaction, problem: str, read: Sequence[StepSummary]) -> tuple[StepLine, ...]:
    hashes = dict(zip(transaction.calls, transaction.hashes, strict=False))
    return tuple(
        StepLine(
            sentence=step.summary or _sentence_of_step(step, transaction),
            read=read[index] if index < len(read) else None,
            word=_IMPOSSIBLE if problem and index == transaction.step else _word(transaction, index),
            done=index < transaction.step,
            now=index == transaction.step and transaction.state not in _OVER,
            sent_hash=hashes.get(index, ""),
        )
        for index, step in enumerate(transaction.proposal.steps)
    )


def _sentence_of_step(step: Step, transaction: Transaction) -> str:
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
