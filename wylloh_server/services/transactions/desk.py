"""Where proposals are made, and where a page asks what its wallet shall do next."""

from __future__ import annotations

import logging
import re
import secrets
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import AccessRefused, ChainError, ChainUnavailable, InvalidValue, NotFound
from wylloh_server.domain.transaction import (
    ContractCall,
    SignaturePart,
    SignatureRequest,
    Trail,
    Transaction,
    TransactionId,
    TransactionState,
)
from wylloh_server.services.transactions.expiry import expired
from wylloh_server.services.transactions.renewal import Looked, prepared_anew, reads_alike, renewable
from wylloh_server.services.transactions.sentences import discarded_sentence, refusal_sentence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.ports.wallet_calls import PreparedCall, WalletCalls
    from wylloh_server.domain.ports.world import Clock
    from wylloh_server.domain.transaction import Proposal
    from wylloh_server.domain.types import Timestamp, Wallet
    from wylloh_server.services.transactions.follower import Follower
    from wylloh_server.services.transactions.ledger import Ledger
    from wylloh_server.services.transactions.renewal import Renewer

_log = logging.getLogger(__name__)

ASK_AGAIN_SECONDS = 60
"""How long nobody else may ask a wallet that is being asked: two questions would be two payments."""

_MOST_STEPS = 10
_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")
_HASH = re.compile(r"0x[0-9a-f]{64}")
_START_AGAIN = "Go back and start again."


@dataclass(frozen=True, slots=True)
class Asked:
    """What a wallet is asked now: to send a call, or to sign."""

    transaction: Transaction
    call: PreparedCall | None = None
    signature: SignatureRequest | None = None


@dataclass(frozen=True, slots=True)
class _Claim:
    """Who is asking a wallet, since when, for which step, and whether nobody asked for that before."""

    by: str
    at: Timestamp
    step: int
    first: bool


class TransactionDesk:
    """Prepares transactions, hands their steps to wallets, and takes what wallets answer.

    A wallet sees only its own transactions. `renewer` prepares them anew; without one they stay as they were.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        calls: WalletCalls,
        follower: Follower,
        clock: Clock,
        renewer: Renewer | None = None,
    ) -> None:
        self._ledger = ledger
        self._calls = calls
        self._follower = follower
        self._clock = clock
        self._renewer = renewer
        self._claims: dict[TransactionId, _Claim] = {}

    async def propose(self, viewer: Viewer, proposal: Proposal, plugin: str = "") -> TransactionId:
        """Try a proposal's first call on the chain and keep it.

        Raises:
            InvalidValue: it is no proposal, or the contracts would refuse it; the sentence is from
                `refusals` if it has one.
            ChainError: the chain cannot be asked.
        """
        _check(proposal)
        for call in proposal.calls:
            self._calls.prepared(viewer.wallet, call)
        now = self._clock()
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
        await self._ledger.kept.add(transaction)
        return transaction.id

    async def get(self, wallet: Wallet, transaction: TransactionId) -> Transaction:
        """Give one of a wallet's transactions; one that nobody confirmed in time is expired by that.

        Raises:
            NotFound: it has none of that id.
        """
        async with self._ledger.changing(transaction) as found:
            return await self._current(wallet, found)

    async def of_wallet(self, wallet: Wallet, *, limit: int, offset: int = 0) -> tuple[Transaction, ...]:
        """Give a wallet's transactions, newest first."""
        return await self._ledger.kept.of_wallet(wallet, limit=limit, offset=offset)

    async def look(self, viewer: Viewer, transaction: TransactionId) -> Looked:
        """Give one of the viewer's transactions for reading: what waits for its wallet is prepared anew.

        Raises:
            NotFound: there is none of that id.
        """
        async with self._ledger.changing(transaction) as found:
            before = await self._current(viewer.wallet, found)
            try:
                after = await self._renewed(viewer, before)
            except ChainError:
                return Looked(before)
            except (InvalidValue, AccessRefused, NotFound) as no:
                return Looked(before, f"{no} {no.fix}".strip())
            if reads_alike(before, after):  # storing it would have open pages look again, and so on
                return Looked(before)
            await self._ledger.save(before, after)
            return Looked(after)

    async def freshen(self, viewer: Viewer, transaction: TransactionId) -> None:
        """Prepare anew what the wallet is about to be asked for.

        Raises:
            InvalidValue: it cannot be done now, or does something else than was read. Open pages show it.
            NotFound, ChainError: as `get` and `propose`.
        """
        async with self._ledger.changing(transaction) as found:
            before = await self._current(viewer.wallet, found)
            try:
                with _plainly():
                    after = await self._renewed(viewer, before)
            except (InvalidValue, AccessRefused, NotFound):
                self._ledger.tell(before)
                raise
            await self._ledger.save(before, after)
            if not reads_alike(before, after):
                raise InvalidValue("This has changed since you read it.", fix="Read it again, then confirm.")

    async def discard(self, wallet: Wallet, transaction: TransactionId) -> None:
        """Forget what waits for its wallet. What is on the chain already stays; discarding twice is fine.

        Raises:
            InvalidValue: the wallet has sent it.
            NotFound: as `get`.
        """
        async with self._ledger.changing(transaction) as found:
            before = await self._current(wallet, found)
            if before.state is TransactionState.EXPIRED:
                return
            if before.state is not TransactionState.PREPARED:
                raise InvalidValue("This cannot be discarded: your wallet has sent it.", fix=_START_AGAIN)
            self._claims.pop(transaction, None)
            reason = discarded_sentence(len(before.hashes), asked=before.asked)
            await self._ledger.save(before, replace(before, state=TransactionState.EXPIRED, reason=reason))

    async def ask(self, wallet: Wallet, transaction: TransactionId, claim: str) -> Asked:
        """Say what the wallet shall do next, once it has been tried on the chain.

        `claim` is a secret of whoever asks. Until it is given back, or a minute has passed, nobody else gets
        the same step: two questions to a wallet would be two payments.

        Raises:
            InvalidValue: there is nothing to do, the wallet is being asked already, or the contracts refuse.
            NotFound, ChainError: as `get` and `propose`.
        """
        async with self._ledger.changing(transaction) as found:
            before = await self._current(wallet, found)
            step = _to_do(before)
            self._claim(before, claim)
            try:
                if isinstance(step, SignatureRequest):
                    return Asked(before, signature=step)
                with _plainly():
                    return await self._ask_for_call(before)
            except BaseException:
                self._claims.pop(transaction, None)
                raise

    async def give_back(self, wallet: Wallet, transaction: TransactionId, claim: str) -> None:
        """Take note that the wallet said no. Raises NotFound."""
        async with self._ledger.changing(transaction) as found:
            before = await self._current(wallet, found)
            held = self._claims.get(transaction)
            if held is None or held.by != claim:
                return
            del self._claims[transaction]
            if held.first and before.asked:
                await self._ledger.save(before, replace(before, trail=None))

    async def signed(self, wallet: Wallet, transaction: TransactionId, signature: str) -> Transaction:
        """Take a signature, once the call that carries it has been tried on the chain.

        Raises:
            InvalidValue: none is wanted, it is none, or the contracts refuse the call.
            NotFound, ChainError: as `get` and `propose`.
        """
        async with self._ledger.changing(transaction) as found:
            before = await self._current(wallet, found)
            if not isinstance(_to_do(before), SignatureRequest):
                raise InvalidValue("Nothing is to be signed now.", fix=_START_AGAIN)
            self._claims.pop(transaction, None)
            after = replace(
                before,
                signatures=(*before.signatures, signature),
                step=before.step + 1,
                changed=self._clock(),
            )
            with _plainly():
                await self._try(after)
            await self._ledger.save(before, after)
            return after

    async def sent(self, wallet: Wallet, transaction: TransactionId, sent: str) -> Transaction:
        """Take the hash of what the wallet sent. Told twice is fine; the chain need not be there.

        Raises:
            InvalidValue: it is no hash, belongs to another transaction, or the wallet was not asked to send.
            NotFound: as `get`.
        """
        if not _HASH.fullmatch(sent):
            raise InvalidValue("That is no transaction hash.", fix="Send 0x and 64 hex digits.")
        async with self._ledger.changing(transaction) as before:
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
                changed=self._clock(),
                reason="",
                final=False,
            )
            if not await self._ledger.save(before, after):
                raise InvalidValue("That hash belongs to another transaction.", fix=_START_AGAIN)
            self._claims.pop(transaction, None)
            self._follower.wake()
            return after

    async def _current(self, wallet: Wallet, found: Transaction) -> Transaction:
        """Give the transaction if it is this wallet's, expired if its time is over."""
        if found.wallet != wallet:
            raise NotFound("There is no such transaction here.", fix="Go back to your transactions.")
        after = expired(found, self._clock())
        await self._ledger.save(found, after)
        return after

    async def _renewed(self, viewer: Viewer, before: Transaction) -> Transaction:
        """Give a transaction as its plugin would prepare it now. A signature stays while the chain takes it.

        Raises:
            InvalidValue, AccessRefused, NotFound, ChainError: it cannot be done now, and why.
        """
        if self._renewer is None or not renewable(before) or self._seconds_left(before):
            return before
        fresh = await self._renewer.renew(before.plugin, viewer, before.proposal.recipe)
        if fresh is None:
            return before
        _check(fresh)
        after = prepared_anew(before, fresh)
        if before.signatures and reads_alike(before, after) and await self._works(before):
            return before
        return after

    async def _works(self, transaction: Transaction) -> bool:
        try:
            await self._try(transaction)
        except InvalidValue:
            return False
        return True

    async def _ask_for_call(self, before: Transaction) -> Asked:
        if before.asked:
            after = await self._follower.followed(before)
            await self._ledger.save(before, after)
            _to_do(after)
            before = after
        call = await self._try(before)
        if before.asked:
            after = replace(before, changed=self._clock())
        else:
            standing = await self._calls.standing(before.wallet)
            trail = Trail(self._clock(), standing.block, standing.nonce)
            after = replace(before, trail=trail, changed=self._clock(), final=False)
        await self._ledger.save(before, after)
        self._follower.wake()
        return Asked(after, call=call)

    async def _try(self, transaction: Transaction) -> PreparedCall:
        """Compose the call that comes next and try it. Raises InvalidValue, ChainError."""
        step = transaction.current
        if not isinstance(step, ContractCall):
            raise InvalidValue("There is no call to send.", fix=_START_AGAIN)
        signature = transaction.signature_for(transaction.step)
        call = self._calls.prepared(transaction.wallet, step, signature)
        refusal = await self._calls.refusal(call)
        if refusal is not None:
            raise InvalidValue(refusal_sentence(refusal, transaction.proposal))
        return call

    def _claim(self, transaction: Transaction, claim: str) -> None:
        left = self._seconds_left(transaction)
        if left > 0:
            raise InvalidValue(
                "Your wallet has been asked already, here or in another window. Answer it there.",
                fix=f"If it shows nothing, ask it again in {left:.0f} s.",
            )
        first = not transaction.asked
        self._claims[transaction.id] = _Claim(claim, self._clock(), transaction.step, first)

    def _seconds_left(self, transaction: Transaction) -> float:
        """Say how long the wallet's answer to a question that was put to it is still waited for."""
        held = self._claims.get(transaction.id)
        if held is None or held.step != transaction.step:
            return 0
        return max(0, ASK_AGAIN_SECONDS - (self._clock() - held.at))


@contextmanager
def _plainly() -> Iterator[None]:
    """Say of a chain that cannot be asked what that means here; the log says which node, and why."""
    try:
        yield
    except ChainError as error:
        _log.warning("a transaction cannot be tried: %s", error)
        raise ChainUnavailable(
            "The chain cannot be asked right now. Nothing was sent.", fix="Try again in a minute."
        ) from error


def _to_do(transaction: Transaction) -> ContractCall | SignatureRequest:
    """Give the step that waits for the wallet.

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
    if not (0 < len(steps) <= _MOST_STEPS and isinstance(steps[-1], ContractCall)):
        raise InvalidValue("A transaction has one to ten steps and ends with a call.", fix="Correct them.")
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
