"""Where proposals are made, and where a page asks what its wallet shall do next."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import AccessRefused, ChainError, ChainUnavailable, InvalidValue, NotFound
from wylloh_server.domain.transaction import (
    MOST_PROPOSAL_STEPS,
    ContractCall,
    PendingCall,
    SignaturePart,
    SignatureRequest,
    SigningClaim,
    Transaction,
    TransactionId,
    TransactionState,
)
from wylloh_server.domain.types import Timestamp
from wylloh_server.services.transactions.messages import ON_ITS_WAY, discarded_sentence, refusal_sentence
from wylloh_server.services.transactions.refresh import (
    RefreshResult,
    expired,
    reads_alike,
    refresh_proposal,
    renewable,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.ports.clock import Clock
    from wylloh_server.domain.ports.wallet_calls import PreparedCall, WalletCalls
    from wylloh_server.domain.transaction import Proposal
    from wylloh_server.domain.types import Wallet
    from wylloh_server.plugins.dispatch import Dispatch
    from wylloh_server.services.transactions.call_review import CallReview
    from wylloh_server.services.transactions.receipt_tracker import ReceiptTracker
    from wylloh_server.services.transactions.transaction_log import TransactionLog

_log = logging.getLogger(__name__)

ASK_AGAIN_SECONDS = 60
"""How long nobody else may ask a wallet that is being asked: two questions would be two payments."""

LOOK_SECONDS = 2
"""How long a page waits to hear from the chain whether what it offers would work."""

_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")
_HASH = re.compile(r"0x[0-9a-f]{64}")
_START_AGAIN = "Go back and start again."


@dataclass(frozen=True, slots=True)
class SigningRequest:
    """What a wallet is asked now: to send a call, or to sign."""

    transaction: Transaction
    call: PreparedCall | None = None
    signature: SignatureRequest | None = None


@dataclass(kw_only=True, eq=False)
class TransactionService:
    """Prepares transactions, hands their steps to wallets, and takes what wallets answer.

    A wallet sees only its own transactions. `refresher` prepares them again; without one they stay as is.
    """

    log: TransactionLog
    calls: WalletCalls
    tracker: ReceiptTracker
    review: CallReview
    clock: Clock
    refresher: Dispatch | None = None

    async def propose(self, viewer: Viewer, proposal: Proposal, plugin: str = "") -> TransactionId:
        """Try a proposal's first call on the chain and keep it.

        Raises:
            InvalidValue: it is no proposal, or the contracts would refuse it; the sentence is from
                `refusals` if it has one.
            AccessRefused: it does more than a wallet is asked for here, see `CallReview`.
            ChainError: the chain cannot be asked.
        """
        _check(proposal)
        await self.review.check(viewer.wallet, proposal)
        now = self.clock()
        transaction = Transaction(
            id=TransactionId(secrets.token_hex(16)),
            wallet=viewer.wallet,
            proposal=proposal,
            state=TransactionState.PREPARED,
            step=0,
            hashes=(),
            created=now,
            changed=now,
            plugin=plugin,
        )
        if isinstance(proposal.steps[0], ContractCall):
            with _plainly():
                await self._try(transaction)
        await self.log.repository.add(transaction)
        return transaction.id

    async def get(self, wallet: Wallet, transaction: TransactionId) -> Transaction:
        """Return one of a wallet's transactions; one that nobody confirmed in time is expired by that.

        Raises:
            NotFound: it has none of that id.
        """
        async with self._changing(wallet, transaction) as current:
            return current

    async def refresh(self, viewer: Viewer, transaction: TransactionId) -> RefreshResult:
        """Return one of the viewer's transactions for reading: what waits for its wallet is prepared anew.

        Its next call is tried on the chain, which another proposal may have changed meanwhile.

        Raises:
            NotFound: there is none of that id.
        """
        async with self._changing(viewer.wallet, transaction) as before:
            after = before
            try:
                after = await self._renewed(viewer, before)
                # Storing it would have open pages look again, and so on.
                if after is not before:
                    alike = reads_alike(before, after) and await self._asks_alike(before, after)
                    after = before if alike else after
                await self.log.save(before, after)
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._check_possible(after)
            except (ChainError, TimeoutError):
                return RefreshResult(after)
            except (InvalidValue, AccessRefused, NotFound) as no:
                return RefreshResult(after, f"{no} {no.fix}".strip())
            return RefreshResult(after)

    async def freshen(self, viewer: Viewer, transaction: TransactionId) -> None:
        """Prepare anew what the wallet is about to be asked for.

        Raises:
            InvalidValue: it cannot be done now, or does something else than was read. Open pages show it.
            NotFound, ChainError: as `get` and `propose`.
        """
        async with self._changing(viewer.wallet, transaction) as before:
            try:
                with _plainly():
                    after = await self._renewed(viewer, before)
            except (InvalidValue, AccessRefused, NotFound):
                self.log.notify_pages(before)
                raise
            if after is before:
                return
            await self.log.save(before, after)
            if not await self._asks_alike(before, after):
                raise InvalidValue("This has changed since you read it.", fix="Read it again, then confirm.")

    async def _asks_alike(self, one: Transaction, other: Transaction) -> bool:
        """Whether both ask the wallet for the same calls; what a plugin says about them decides nothing."""
        first, second = [await self.review.fingerprint(each.wallet, each.proposal) for each in (one, other)]
        return first == second

    async def discard(self, wallet: Wallet, transaction: TransactionId) -> None:
        """Forget what waits for its wallet. What is on the chain already stays; discarding twice is fine.

        Raises:
            InvalidValue: the wallet has sent it.
            NotFound: as `get`.
        """
        async with self._changing(wallet, transaction) as before:
            if before.state is TransactionState.EXPIRED:
                return
            if before.state is not TransactionState.PREPARED:
                raise InvalidValue("This cannot be discarded: your wallet has sent it.", fix=_START_AGAIN)
            await self.log.repository.release(transaction)
            reason = discarded_sentence(len(before.hashes), asked=before.asked)
            await self.log.save(before, replace(before, state=TransactionState.EXPIRED, reason=reason))

    async def ask(self, wallet: Wallet, transaction: TransactionId, claim: str, terms: str) -> SigningRequest:
        """Return what the wallet shall do next, once it has been tried on the chain.

        Args:
            wallet: who confirms it.
            transaction: what is confirmed.
            claim: a secret of whoever asks. Until it is given back, or a minute has passed, nobody else gets
                the same step: two questions to a wallet would be two payments.
            terms: what was read on the page, see `CallReview.terms`.

        Raises:
            InvalidValue: there is nothing to do, something else was read, the wallet is being asked already,
                or the contracts refuse.
            AccessRefused, NotFound, ChainError: as `get` and `propose`.
        """
        async with self._changing(wallet, transaction) as before:
            step = _to_do(before)
            if terms != await self.review.terms(wallet, before.proposal):
                self.log.notify_pages(before)
                raise InvalidValue("This has changed since you read it.", fix="Read it again, then confirm.")
            # What is known may be otherwise by now: a splitter taken back, a contract no longer trusted.
            await self.review.check(wallet, before.proposal)
            await self._claim(before, claim)
            try:
                if isinstance(step, SignatureRequest):
                    return SigningRequest(before, signature=step)
                with _plainly():
                    return await self._ask_for_call(before)
            except BaseException:
                await self.log.repository.release(transaction)
                raise

    async def give_back(self, wallet: Wallet, transaction: TransactionId, claim: str) -> None:
        """Record that the wallet refused. Raise NotFound if there is no such transaction."""
        async with self._changing(wallet, transaction) as before:
            held = await self.log.repository.claimed(transaction)
            if held is None or held.by != claim:
                return
            await self.log.repository.release(transaction)
            if held.first and before.asked:
                await self.log.save(before, replace(before, trail=None))

    async def signed(self, wallet: Wallet, transaction: TransactionId, signature: str) -> Transaction:
        """Take a signature, once the call that carries it has been tried on the chain.

        Raises:
            InvalidValue: none is wanted, it is none, or the contracts refuse the call.
            NotFound, ChainError: as `get` and `propose`.
        """
        async with self._changing(wallet, transaction) as before:
            if not isinstance(_to_do(before), SignatureRequest):
                raise InvalidValue("Nothing is to be signed now.", fix=_START_AGAIN)
            await self.log.repository.release(transaction)
            after = replace(
                before,
                signatures=(*before.signatures, signature),
                step=before.step + 1,
                changed=self.clock(),
            )
            with _plainly():
                await self._try(after)
            await self.log.save(before, after)
            return after

    async def sent(self, wallet: Wallet, transaction: TransactionId, sent: str) -> Transaction:
        """Take the hash of what the wallet sent. Told twice is fine; the chain need not be there.

        Raises:
            InvalidValue: it is no hash, belongs to another transaction, or the wallet was not asked to send.
            NotFound: as `get`.
        """
        if not _HASH.fullmatch(sent):
            raise InvalidValue("That is no transaction hash.", fix="Send 0x and 64 hex digits.")
        async with self.log.changing(transaction) as before:
            if before.wallet != wallet:
                raise NotFound("There is no such transaction here.", fix="Go back to your transactions.")
            if sent in before.hashes:
                return before
            if not before.asked:
                raise InvalidValue("The wallet was not asked to send anything.", fix=_START_AGAIN)
            after = replace(
                before,
                hashes=(*before.hashes, sent),
                state=TransactionState.SENT,
                changed=self.clock(),
                reason="",
                final=False,
            )
            if not await self.log.save(before, after):
                raise InvalidValue("That hash belongs to another transaction.", fix=_START_AGAIN)
            await self.log.repository.release(transaction)
            self.tracker.woken.set()
            numbered = await self.tracker.with_number(after)
            await self.log.save(after, numbered)
            return numbered

    @asynccontextmanager
    async def _changing(self, wallet: Wallet, transaction: TransactionId) -> AsyncIterator[Transaction]:
        """Have one of a wallet's transactions for oneself, expired if its time is over.

        Raises:
            NotFound: it has none of that id.
        """
        async with self.log.changing(transaction) as found:
            if found.wallet != wallet:
                raise NotFound("There is no such transaction here.", fix="Go back to your transactions.")
            after = expired(found, self.clock())
            await self.log.save(found, after)
            yield after

    async def _renewed(self, viewer: Viewer, before: Transaction) -> Transaction:
        """Return a transaction as its plugin would prepare it now; a signature stays while it is accepted.

        Raises:
            InvalidValue, AccessRefused, NotFound, ChainError: it cannot be done now, and why.
        """
        if self.refresher is None or not renewable(before) or await self._seconds_left(before):
            return before
        fresh = await self.refresher.renew(before.plugin, viewer, before.proposal.recipe)
        if fresh is None:
            return before
        _check(fresh)
        await self.review.check(viewer.wallet, fresh)
        after = refresh_proposal(before, fresh)
        if before.signatures and await self._asks_alike(before, after) and await self._works(before):
            return before
        return after

    async def _check_possible(self, transaction: Transaction) -> None:
        """Raise InvalidValue or ChainError if the wallet would be asked for a call that fails."""
        waits = transaction.state is TransactionState.PREPARED and not transaction.asked
        if waits and isinstance(transaction.current, ContractCall):
            await self._try(transaction)

    async def _works(self, transaction: Transaction) -> bool:
        try:
            await self._try(transaction)
        except InvalidValue:
            return False
        return True

    async def _ask_for_call(self, before: Transaction) -> SigningRequest:
        if before.asked:
            after = await self.tracker.followed(before)
            await self.log.save(before, after)
            _to_do(after)
            before = after
        call = await self._try(before)
        if before.asked:
            after = replace(before, changed=self.clock())
        else:
            standing = await self.calls.standing(before.wallet)
            trail = PendingCall(self.clock(), standing.block, standing.nonce)
            after = replace(before, trail=trail, changed=self.clock(), final=False)
        await self.log.save(before, after)
        self.tracker.woken.set()
        return SigningRequest(after, call=call)

    async def _try(self, transaction: Transaction) -> PreparedCall:
        """Compose the call that comes next and try it. Raises InvalidValue, ChainError."""
        call = self._next_call(transaction)
        if call is None:
            raise InvalidValue("There is no call to send.", fix=_START_AGAIN)
        if await self._on_its_way(transaction, call):
            raise InvalidValue(ON_ITS_WAY, fix="Wait until the chain has confirmed it.")
        refusal = await self.calls.refusal(call)
        if refusal is not None:
            raise InvalidValue(refusal_sentence(refusal, transaction.proposal))
        return call

    async def _on_its_way(self, transaction: Transaction, call: PreparedCall) -> bool:
        """Whether the wallet has sent the same for another transaction, and the chain has not taken it."""
        return any(
            other.state is TransactionState.SENT
            and other.id != transaction.id
            and self._next_call(other) == call
            for other in await self.log.repository.followed()
        )

    def _next_call(self, transaction: Transaction) -> PreparedCall | None:
        step = transaction.current
        if not isinstance(step, ContractCall):
            return None
        return self.calls.prepared(transaction.wallet, step, transaction.signature_for(transaction.step))

    async def _claim(self, transaction: Transaction, by: str) -> None:
        now = self.clock()
        until = Timestamp(now + ASK_AGAIN_SECONDS)
        claim = SigningClaim(by, until, transaction.step, first=not transaction.asked)
        if not await self.log.repository.claim(transaction.id, claim, now):
            left = await self._seconds_left(transaction)
            raise InvalidValue(
                "Your wallet has been asked already, here or in another window. Answer it there.",
                fix=f"If it shows nothing, ask it again in {left:.0f} s.",
            )

    async def _seconds_left(self, transaction: Transaction) -> float:
        """Return how long the wallet's answer to a question that was put to it is still waited for."""
        held = await self.log.repository.claimed(transaction.id)
        if held is None or held.step != transaction.step:
            return 0
        return max(0, held.until - self.clock())


@contextmanager
def _plainly() -> Iterator[None]:
    """Translate errors of the chain into sentences; the log names the node and the reason."""
    try:
        yield
    except ChainError as error:
        _log.warning("a transaction cannot be tried: %s", error)
        raise ChainUnavailable(
            "The chain cannot be asked right now. Nothing was sent.", fix="Try again in a minute."
        ) from error


def _to_do(transaction: Transaction) -> ContractCall | SignatureRequest:
    """Return the step that waits for the wallet.

    Raises:
        InvalidValue: none does, and why.
    """
    step = transaction.current
    if transaction.state is TransactionState.PREPARED and step is not None:
        return step
    if transaction.state is TransactionState.SENT:
        raise InvalidValue("Your wallet has sent this already.", fix="Wait until the chain has confirmed it.")
    if transaction.state is TransactionState.CONFIRMED:
        raise InvalidValue("This is done already.", fix="Go back, and start again if you want more.")
    raise InvalidValue(transaction.reason or "This is over.", fix=_START_AGAIN)


def _check(proposal: Proposal) -> None:
    """Refuse what makes no sense before anybody sees it.

    Raises:
        InvalidValue: what is wrong.
    """
    steps = proposal.steps
    if not (0 < len(steps) <= MOST_PROPOSAL_STEPS and isinstance(steps[-1], ContractCall)):
        raise InvalidValue(
            f"A transaction has one to {MOST_PROPOSAL_STEPS} steps and ends with a call.", fix="Correct them."
        )
    if not (proposal.title.strip() and proposal.explanation and proposal.done.strip()):
        raise InvalidValue("A transaction needs a title, an explanation, and what to say when it is done.")
    for path in filter(None, (proposal.back or "?", proposal.start)):
        if not _PATH.fullmatch(path):
            raise InvalidValue(f"{path!r} is not a path on this server.", fix="Begin it with one '/'.")
    signed = False
    for step in steps:
        signed = signed or isinstance(step, SignatureRequest)
        if isinstance(step, ContractCall) and not signed and _carries_signature(step.arguments):
            raise InvalidValue("A call carries a signature that no step before it asks for.")


def _carries_signature(arguments: tuple[object, ...]) -> bool:
    return any(
        isinstance(one, SignaturePart) or (isinstance(one, tuple | list) and _carries_signature(tuple(one)))
        for one in arguments
    )
