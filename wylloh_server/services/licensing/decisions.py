"""Every yes and every no: ladder, holding, envelope and plugin votes become a decision receipt."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wylloh_server.domain.access import AccessRequest, Reason, Receipt, Role, Viewer
from wylloh_server.domain.errors import ChainError, ChainUnavailable, NotFound
from wylloh_server.domain.events import LicenseChecked
from wylloh_server.domain.film import Film, FilmState, TrailerOrigin, UploadOrigin
from wylloh_server.domain.moments import utc_minute
from wylloh_server.domain.rights import PERSONAL, missing_sentence, spoken_right, tokens

if TYPE_CHECKING:
    from wylloh_server.domain.license import Envelope
    from wylloh_server.domain.ports.chain import Chain
    from wylloh_server.domain.ports.clock import Clock
    from wylloh_server.domain.rights import RightsStatus
    from wylloh_server.plugins.dispatch import Dispatch
    from wylloh_server.services.licensing.envelope_client import EnvelopeClient
    from wylloh_server.services.operations.event_bus import EventBus
    from wylloh_server.storage.envelopes import EnvelopeRepository
    from wylloh_server.storage.receipts import ReceiptRepository
    from wylloh_server.storage.stacks import StackRepository

_log = logging.getLogger(__name__)


@dataclass(kw_only=True, eq=False)
class Licensing:
    """Decides, and records why."""

    chain: Chain
    envelopes: EnvelopeClient
    stored_envelopes: EnvelopeRepository
    receipts: ReceiptRepository
    stacks: StackRepository
    votes: Dispatch
    bus: EventBus
    clock: Clock

    async def decide(
        self, viewer: Viewer, film: Film, right: str = PERSONAL, *, renewal: bool = False
    ) -> Receipt:
        """Decide whether the viewer may use a right of a film now, and record the receipt.

        `renewal` says that the film plays already. No plugin hears of a film that is not published yet. A
        trailer needs no right, so that no receipt of it is kept.
        """
        if isinstance(film.origin, TrailerOrigin):
            blank = Receipt.undecided(film, viewer.wallet, right, self.clock())
            return replace(blank, allowed=True, reason=Reason.OWN_FOLDER, sentence="From your own folder.")
        if isinstance(film.origin, UploadOrigin):
            blank = Receipt.undecided(film, viewer.wallet, right, self.clock())
            receipt = _by_upload(blank, viewer, film.origin)
            await self.receipts.add(receipt)
            return receipt
        receipt = await self._by_rights(viewer, film, right)
        if receipt.allowed:
            receipt = await self._by_votes(AccessRequest(viewer, film, right, renewal), receipt)
        if receipt.allowed:
            receipt = await self._by_readiness(viewer, film, receipt)
        await self.receipts.add(receipt)
        self.bus.publish(LicenseChecked(receipt))
        return receipt

    async def _by_rights(self, viewer: Viewer, film: Film, right: str) -> Receipt:
        blank = Receipt.undecided(film, viewer.wallet, right, self.clock())
        if film.token is None:
            return replace(blank, allowed=True, reason=Reason.OWN_FOLDER, sentence="From your own folder.")
        try:
            status = await self.chain.rights(viewer.wallet, film.token)
        except (ChainError, NotFound) as error:
            return await self._without_chain(blank, viewer, film, error)
        # With the chain silent later, an envelope lets in only who was last seen holding enough.
        await self.stored_envelopes.record_status(film.token, viewer.wallet, status)
        return _by_stack(blank, status)

    async def _without_chain(
        self, blank: Receipt, viewer: Viewer, film: Film, error: ChainError | NotFound
    ) -> Receipt:
        envelope = await self.envelopes.valid(film, viewer.wallet, blank.right)
        if envelope is None:
            _log.warning("holdings of %s cannot be checked: %s", film.title, error)
            return replace(blank, sentence=_unknown(error))
        if (since := await self._seen_short(blank, envelope)) is not None:
            return since
        return replace(
            blank,
            allowed=True,
            reason=Reason.ENVELOPE_STILL_VALID,
            tier=blank.right,
            sentence=f"Your tokens cannot be checked now; your licence is good until "
            f"{utc_minute(envelope.terms.not_after)}.",
        )

    async def _seen_short(self, blank: Receipt, envelope: Envelope) -> Receipt | None:
        """Return the refusal of who holds too little by the history that was read here; None of others.

        What the chain itself was asked about a later block counts more.
        """
        terms = envelope.terms
        status = await self.stacks.status(terms.wallet, terms.token)
        if status is None or status.stack.grants(terms.right, terms.territory) is not None:
            return None
        asked = await self.stored_envelopes.asked_at(terms.token, terms.wallet, terms.right)
        if asked is not None and asked > status.block:
            return None
        sentence = (
            f"Your tokens cannot be checked now, and in block {status.block:,}, the last one that was read "
            f"here, you held too few for {spoken_right(terms.right)}."
        )
        return replace(blank, block=status.block, balance=status.stack.holding, sentence=sentence)

    async def _by_votes(self, request: AccessRequest, receipt: Receipt) -> Receipt:
        ballot = await self.votes.count_votes(request)
        receipt = replace(receipt, plugins=ballot.plugins)
        if not ballot.vote.denial:
            return receipt
        reason = Reason.VOTE_UNKNOWN if ballot.failed else Reason.VOTED_DOWN
        return replace(receipt, allowed=False, reason=reason, sentence=ballot.vote.denial, tier="")

    async def _by_readiness(self, viewer: Viewer, film: Film, receipt: Receipt) -> Receipt:
        if film.state is not FilmState.READY:
            return replace(
                receipt, allowed=False, reason=Reason.NOT_HERE_YET, sentence=_not_here(film), tier=""
            )
        if film.token is None or receipt.reason is Reason.ENVELOPE_STILL_VALID:
            return receipt
        # With the key at hand nobody waits for a custodian; renewal is `EnvelopeRenewal`'s work.
        if await self.envelopes.opens(film) or await self.envelopes.ensure(
            film, viewer.wallet, receipt.right
        ):
            return receipt
        sentence = "You hold enough, but no custodian has released the key yet. Try again in a minute."
        if not await self.envelopes.bindings.current(viewer.wallet):
            sentence = "You hold enough. Sign in once more and let this server keep the keys of your films."
        return replace(receipt, allowed=False, reason=Reason.NO_KEY, sentence=sentence, tier="")


def _by_upload(blank: Receipt, viewer: Viewer, upload: UploadOrigin) -> Receipt:
    if viewer.wallet == upload.publisher or viewer.role is Role.OWNER:
        sentence = "It was uploaded here, and is not published yet."
        return replace(blank, allowed=True, reason=Reason.UPLOADED_HERE, tier=blank.right, sentence=sentence)
    sentence = "Only its publisher and the owner of this server may watch it before it is published."
    return replace(blank, reason=Reason.NOT_THEIR_UPLOAD, sentence=sentence)


def _by_stack(blank: Receipt, status: RightsStatus) -> Receipt:
    stack = status.stack
    read = replace(blank, block=status.block, balance=stack.holding)
    tier = stack.grants(blank.right)
    if tier is not None:
        unlocks = "unlocks" if stack.holding == 1 else "unlock"
        sentence = f"You hold {tokens(stack.holding)}, which {unlocks} {spoken_right(blank.right)}."
        return replace(read, allowed=True, reason=Reason.HOLDS_ENOUGH, tier=tier.right, sentence=sentence)
    missing, sentence = stack.short_of(blank.right), missing_sentence(stack, blank.right)
    return replace(read, reason=Reason.TOO_FEW_TOKENS, missing=missing, sentence=sentence)


def _unknown(error: ChainError | NotFound) -> str:
    """Return what is known: nothing. The details are for the log and for `wylloh doctor`."""
    if isinstance(error, ChainUnavailable):
        return "Your tokens cannot be checked now: the chain cannot be reached. Try again in a minute."
    return "Your tokens cannot be checked: this server asks the wrong chain. Tell who looks after it."


def _not_here(film: Film) -> str:
    if film.state is FilmState.PULLING:
        return f"The film is arriving: {film.progress:.0%} is here."
    if film.state in (FilmState.DISCOVERED, FilmState.INTRODUCED):
        return film.reason or "The film has been found and will be fetched soon."
    return film.reason or "The film is not here."
