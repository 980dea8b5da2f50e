"""Every yes and every no: ladder, holding, envelope and plugin votes become a decision receipt."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from wylloh_server.domain.access import AccessRequest, Reason, Receipt, Verdict, Viewer
from wylloh_server.domain.errors import ChainError, ChainUnavailable, NotFound
from wylloh_server.domain.events import LicenseChecked
from wylloh_server.domain.film import Film, FilmState
from wylloh_server.domain.rights import PERSONAL, Stack, missing_sentence, spoken_right, tokens

if TYPE_CHECKING:
    from wylloh_server.domain.license import Envelope
    from wylloh_server.domain.ports.chain import Chain
    from wylloh_server.domain.ports.storage import Receipts
    from wylloh_server.domain.ports.world import Clock
    from wylloh_server.domain.types import BlockNumber, TokenReference, Wallet
    from wylloh_server.hooks.dispatch import Ballot
    from wylloh_server.services.bus import Bus
    from wylloh_server.services.envelopes import EnvelopeDesk

_log = logging.getLogger(__name__)


class Votes(Protocol):
    """Asks the plugins; `hooks.dispatch.Dispatch` does."""

    async def ballot(self, request: AccessRequest) -> Ballot:
        """Give the plugins' common answer: deny beats allow beats abstain."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A wallet's stack of a film, and the block at which it was read."""

    stack: Stack
    block: BlockNumber


class Licensing:
    """Decides, and records why."""

    def __init__(
        self,
        *,
        chain: Chain,
        envelopes: EnvelopeDesk,
        receipts: Receipts,
        votes: Votes,
        bus: Bus,
        clock: Clock,
    ) -> None:
        self._chain = chain
        self._envelopes = envelopes
        self._receipts = receipts
        self._votes = votes
        self._bus = bus
        self._clock = clock

    async def decide(self, viewer: Viewer, film: Film, right: str = PERSONAL) -> Receipt:
        """Decide whether the viewer may use a right of a film now, and record the receipt."""
        receipt = await self._by_rights(viewer, film, right)
        if receipt.allowed:
            receipt = await self._by_votes(viewer, film, receipt)
        if receipt.allowed:
            receipt = await self._by_readiness(viewer, film, receipt)
        await self._receipts.add(receipt)
        self._bus.publish(LicenseChecked(receipt))
        return receipt

    async def standing(self, wallet: Wallet, film: Film) -> Standing | None:
        """Give where a wallet stands on a film's ladder; None for a film from a folder.

        Raises:
            ChainError: the chain cannot be asked.
        """
        if film.token is None:
            return None
        holdings = await self._chain.holdings(wallet, [film.token])
        ladder = await self._chain.ladder(film.token)
        return Standing(Stack(holdings.of(film.token), ladder), holdings.block)

    async def _by_rights(self, viewer: Viewer, film: Film, right: str) -> Receipt:
        blank = Receipt(
            film.id,
            viewer.wallet,
            right,
            allowed=False,
            reason=Reason.CHAIN_UNKNOWN,
            sentence="",
            at=self._clock(),
        )
        if film.token is None:
            return replace(blank, allowed=True, reason=Reason.OWN_FOLDER, sentence="From your own folder.")
        blank = replace(blank, contract=str(film.token))
        try:
            standing = await self.standing(viewer.wallet, film)
        except (ChainError, NotFound) as error:
            return await self._without_chain(blank, viewer, film, error)
        return blank if standing is None else _by_standing(blank, standing, film.token)

    async def _without_chain(
        self, blank: Receipt, viewer: Viewer, film: Film, error: ChainError | NotFound
    ) -> Receipt:
        envelope = await self._envelopes.valid(film, viewer.wallet, blank.right)
        if envelope is None:
            _log.warning("holdings of %s cannot be checked: %s", film.title, error)
            return replace(blank, sentence=_unknown(error))
        return replace(
            blank,
            allowed=True,
            reason=Reason.ENVELOPE_STILL_VALID,
            tier=blank.right,
            sentence=f"Your tokens cannot be checked now; your licence is good until {_day(envelope)}.",
        )

    async def _by_votes(self, viewer: Viewer, film: Film, receipt: Receipt) -> Receipt:
        ballot = await self._votes.ballot(AccessRequest(viewer, film, receipt.right))
        receipt = replace(receipt, plugins=ballot.plugins)
        if ballot.vote.verdict is not Verdict.DENY:
            return receipt
        sentence = ballot.vote.sentence or "A plugin of this server does not allow it."
        reason = Reason.VOTE_UNKNOWN if ballot.failed else Reason.VOTED_DOWN
        return replace(receipt, allowed=False, reason=reason, sentence=sentence, tier="")

    async def _by_readiness(self, viewer: Viewer, film: Film, receipt: Receipt) -> Receipt:
        if film.state is not FilmState.READY:
            return replace(
                receipt, allowed=False, reason=Reason.NOT_HERE_YET, sentence=_not_here(film), tier=""
            )
        if film.token is None or receipt.reason is Reason.ENVELOPE_STILL_VALID:
            return receipt
        # With the key at hand nobody waits for a custodian; renewal is the caretaker's work.
        if await self._envelopes.opens(film) or await self._envelopes.ensure(
            film, viewer.wallet, receipt.right
        ):
            return receipt
        sentence = "You hold enough, but no custodian has released the key yet. Try again in a minute."
        if not await self._envelopes.bound(viewer.wallet):
            sentence = "You hold enough. Sign in once more and let this server keep the keys of your films."
        return replace(receipt, allowed=False, reason=Reason.NO_KEY, sentence=sentence, tier="")


def _by_standing(blank: Receipt, standing: Standing, token: TokenReference) -> Receipt:
    stack = standing.stack
    read = replace(blank, contract=str(token), block=standing.block, balance=stack.holding)
    tier = stack.grants(blank.right)
    if tier is not None:
        unlocks = "unlocks" if stack.holding == 1 else "unlock"
        sentence = f"You hold {tokens(stack.holding)}, which {unlocks} {spoken_right(blank.right)}."
        return replace(read, allowed=True, reason=Reason.HOLDS_ENOUGH, tier=tier.right, sentence=sentence)
    missing = stack.short_of(blank.right)
    return replace(
        read,
        reason=Reason.TOO_FEW_TOKENS,
        missing=missing,
        sentence=missing_sentence(stack, blank.right),
    )


def _unknown(error: ChainError | NotFound) -> str:
    """Say what is known: nothing. The details are for the log and for `wylloh doctor`."""
    if isinstance(error, ChainUnavailable):
        return "Your tokens cannot be checked now: the chain cannot be reached. Try again in a minute."
    return "Your tokens cannot be checked: this server asks the wrong chain. Tell who looks after it."


def _not_here(film: Film) -> str:
    if film.state is FilmState.PULLING:
        return f"The film is arriving: {film.progress:.0%} is here."
    if film.state in (FilmState.DISCOVERED, FilmState.INTRODUCED):
        return "The film has been found and will be fetched soon."
    return film.reason or "The film is not here."


def _day(envelope: Envelope) -> str:
    moment = datetime.fromtimestamp(envelope.terms.not_after, UTC)
    return f"{moment.day} {moment:%B %Y}"
