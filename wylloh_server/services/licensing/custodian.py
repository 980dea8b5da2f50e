"""The custodian's work: check the holding on chain, then seal the film's key to the holder's server."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wylloh_server.domain.access import Reason, Receipt
from wylloh_server.domain.device_binding import CLOCK_SLACK, LONGEST_BINDING
from wylloh_server.domain.errors import AccessRefused, ChainError, InvalidValue, NotFound, SealBroken
from wylloh_server.domain.events import EnvelopeReleased
from wylloh_server.domain.film import Film, TokenOrigin
from wylloh_server.domain.license import Envelope, EnvelopeRequest, EnvelopeTerms, KeyFault
from wylloh_server.domain.moments import utc_minute
from wylloh_server.domain.rights import PERSONAL, Stack, spoken_right, tokens
from wylloh_server.domain.types import Timestamp
from wylloh_server.storage.holder_servers import HolderServer

if TYPE_CHECKING:
    from wylloh_server.domain.device_binding import BindingRevocation, DeviceBinding
    from wylloh_server.domain.ports.chain import Chain
    from wylloh_server.domain.ports.clock import Clock
    from wylloh_server.domain.ports.crypto import ServerKeys
    from wylloh_server.domain.rights import RightsStatus
    from wylloh_server.domain.types import ChainId, ContentKey, Seconds, TokenReference
    from wylloh_server.services.licensing.film_keys import FilmKeys
    from wylloh_server.services.licensing.key_verifier import KeyVerifier
    from wylloh_server.services.licensing.revocation_intake import RevocationIntake
    from wylloh_server.services.operations.event_bus import EventBus
    from wylloh_server.storage.binding_revocations import BindingRevocationRepository
    from wylloh_server.storage.films import FilmRepository
    from wylloh_server.storage.holder_servers import HolderServerRepository
    from wylloh_server.storage.key_faults import KeyFaultRepository
    from wylloh_server.storage.receipts import ReceiptRepository

_log = logging.getLogger(__name__)

_MOST_REFUSED = 1_000
"""Refused wallets and films that are listed singly, a day."""
_SIGN_AGAIN = "Sign in again on that server; check its clock."
_FIXES = {
    Reason.TOO_FEW_TOKENS: "Hold more tokens of the film.",
    Reason.TOO_MANY_SERVERS: "Use one of these, or ask the custodian's owner to raise custody.servers.",
}


@dataclass(kw_only=True, eq=False)
class CustodianService:
    """Answers requests for envelopes.

    Attributes:
        window: how long an envelope lasts.
        most_servers: on how many servers a wallet may have a film's key within 90 days.
        confirmations: blocks for which tokens must have been held to count.
    """

    films: FilmRepository
    film_keys: FilmKeys
    verifier: KeyVerifier
    faults: KeyFaultRepository
    revocations: BindingRevocationRepository
    revocation_intake: RevocationIntake
    holder_servers: HolderServerRepository
    receipts: ReceiptRepository
    server_keys: ServerKeys
    chain: Chain
    bus: EventBus
    clock: Clock
    chain_id: ChainId
    window: Seconds
    most_servers: int
    confirmations: int

    async def release(self, request: EnvelopeRequest) -> Envelope:
        """Return a holder's server the envelope it asks for.

        Raises:
            NotFound: this server keeps no key of that film, or none that is right.
            AccessRefused: the binding is not the wallet's, has run out or was revoked; the wallet holds too
                little, or has the film on too many servers.
            InvalidValue: the device key in the binding is no X25519 public key, or the right is bounded to
                territories and none is named.
            ChainError: the holding cannot be checked now; ask again later.
        """
        if request.token.chain_id != self.chain_id:
            raise NotFound("This server keeps no keys for that chain.", fix="Ask another custodian.")
        key, film, origin = await self._kept(request.token)
        await self._check_binding(request.binding)
        await self._check_key(key, origin)
        # A film has one key for good: for a holder who keeps an older package it is released no wider.
        origin = replace(origin, root=request.root or origin.root)
        envelope = self._sealed(key, self._terms(request, origin))
        receipt = await self._decide(request, film)
        if not receipt.allowed:
            raise AccessRefused(receipt.sentence, fix=_FIXES.get(receipt.reason, ""))
        self.bus.publish(EnvelopeReleased(film.id, request.binding.wallet, request.right))
        return envelope

    async def _kept(self, token: TokenReference) -> tuple[ContentKey, Film, TokenOrigin]:
        try:
            key = await self.film_keys.in_custody(token)
        except SealBroken as error:
            raise await self._wrong_key(token, error) from None
        film = await self.films.by_token(token)
        if key is None or film is None or not isinstance(film.origin, TokenOrigin):
            raise NotFound("This server keeps no key of that film.", fix="Ask another custodian.")
        return key, film, film.origin

    async def _check_key(self, key: ContentKey, origin: TokenOrigin) -> None:
        """Try the key on what is here of the film's package; a custodian may well keep none of it.

        Raises:
            NotFound: it is not the film's key.
        """
        try:
            await self.verifier.verify(origin, key)
        except SealBroken as error:
            raise await self._wrong_key(origin.token, error) from None
        await self.faults.remove(origin.token, "")

    async def _wrong_key(self, token: TokenReference, error: SealBroken) -> NotFound:
        """Record the fault for the check of the keys, and return the error for the other server.

        That must not read as a server in trouble: holders' servers leave such a one alone with all its films.
        """
        _log.error("the key kept for %s is not the film's; it was not released: %s", token, error)
        await self.faults.save(KeyFault(token, "", self.clock(), str(error)))
        return NotFound(
            "This server keeps a wrong key of that film.", fix="Ask another custodian, and tell this one."
        )

    async def _check_binding(self, binding: DeviceBinding) -> None:
        if fault := binding.fault(self.chain_id, self.clock()):
            raise AccessRefused(fault, fix=_SIGN_AGAIN)
        await self._check_signature(binding)
        if await self.revocations.covers(binding):
            raise AccessRefused("The wallet has revoked its permission for this server.", fix=_SIGN_AGAIN)

    async def _check_signature(self, signed: DeviceBinding | BindingRevocation) -> None:
        text = signed.text(self.chain.checksummed(signed.wallet))
        if not await self.chain.signed_message(signed.wallet, text, signed.signature):
            raise AccessRefused("The wallet did not sign this.", fix=_SIGN_AGAIN)

    async def revoke(self, revocation: BindingRevocation) -> None:
        """Release no key any more for bindings that a wallet signed before.

        Raises:
            AccessRefused: the wallet did not sign it, or it is dated in the future or over; or the wallet
                holds nothing, and too many of those have revoked something.
            ChainError: a contract wallet's signature cannot be checked now; ask again later.
        """
        if fault := revocation.fault(self.chain_id, self.clock()):
            raise AccessRefused(fault, fix=_SIGN_AGAIN)
        await self._check_signature(revocation)
        await self.revocation_intake.take(revocation)

    async def forget_expired(self) -> None:
        """Delete revocations whose bindings have all run out, and servers that got no key for 90 days."""
        await self.revocation_intake.tidy(self.clock())
        await self.holder_servers.remove_before(Timestamp(self.clock() - LONGEST_BINDING))

    async def _decide(self, request: EnvelopeRequest, film: Film) -> Receipt:
        """Decide whether a wallet that has proved itself may have the key, and record the receipt.

        Raises:
            ChainError: the holding cannot be checked now; that is recorded, too.
        """
        blank = Receipt.undecided(film, request.binding.wallet, request.right, self.clock())
        try:
            status = await self.chain.rights(
                request.binding.wallet, request.token, confirmations=self.confirmations
            )
        except ChainError as error:
            unknown = replace(blank, sentence=f"The holding cannot be checked now: {error}.")
            await self.receipts.count_by_day(unknown, _MOST_REFUSED)
            raise
        read = replace(blank, block=status.block, balance=status.stack.holding)
        receipt = _decided(read, status, request.territory)
        if receipt.allowed:
            receipt = await self._admitted(receipt, request)
        await self.receipts.count_by_day(receipt, _MOST_REFUSED)
        return receipt

    async def _admitted(self, receipt: Receipt, request: EnvelopeRequest) -> Receipt:
        """Refuse a server where enough others got the wallet's key of the film within 90 days."""
        binding, now = request.binding, self.clock()
        server = HolderServer(request.token, binding.wallet, binding.device_key, binding.uri, now)
        since = Timestamp(now - LONGEST_BINDING)
        others = await self.holder_servers.admit(server, self.most_servers, since)
        if not others:
            return receipt
        free = utc_minute(others[0].last + LONGEST_BINDING)
        sentence = (
            f"The wallet has this film on {len(others)} servers already: "
            f"{', '.join(one.uri for one in others)}. The next may follow on {free}."
        )
        return replace(receipt, allowed=False, reason=Reason.TOO_MANY_SERVERS, tier="", sentence=sentence)

    def _terms(self, request: EnvelopeRequest, origin: TokenOrigin) -> EnvelopeTerms:
        now = int(self.clock())
        return EnvelopeTerms(
            root=origin.root,
            token=request.token,
            wallet=request.binding.wallet,
            right=request.right,
            territory=request.territory,
            device_key=request.binding.device_key,
            not_before=now - CLOCK_SLACK,
            not_after=now + int(self.window),
        )

    def _sealed(self, key: ContentKey, terms: EnvelopeTerms) -> Envelope:
        keys = self.server_keys
        sealed = keys.seal(key, terms.device_key, terms.binding_bytes())
        unsigned = Envelope(terms, sealed, keys.custodian_public, "")
        return Envelope(terms, sealed, keys.custodian_public, keys.sign(unsigned.signed_bytes()))


def _decided(read: Receipt, status: RightsStatus, territory: str) -> Receipt:
    """Turn a holding that was read into a yes or a no."""
    stack = status.stack
    held = tokens(stack.holding) if stack.holding else "no token of this film"
    tier = stack.grants(read.right, territory)
    if tier is None and _in_a_moment(status).grants(read.right, territory):
        sentence = "The wallet's tokens are too new to count. Ask again in a minute."
        return replace(read, reason=Reason.TOO_FEW_TOKENS, sentence=sentence)
    if tier is None:
        enough = f", which is not enough for {spoken_right(read.right)}" if stack.holding else ""
        return replace(
            read,
            reason=Reason.TOO_FEW_TOKENS,
            missing=stack.short_of(read.right),
            sentence=f"The wallet holds {held}{enough}.",
        )
    if read.right != PERSONAL and tier.territories and not territory:
        # An envelope that names no territory would read as a right without bounds.
        raise InvalidValue(
            f"The right to {spoken_right(read.right)} is for {', '.join(tier.territories)}.",
            fix="Name the territory.",
        )
    sentence = f"The wallet holds {held}: the key for {spoken_right(read.right)} was released to its server."
    return replace(read, allowed=True, reason=Reason.HOLDS_ENOUGH, tier=tier.right, sentence=sentence)


def _in_a_moment(status: RightsStatus) -> Stack:
    """Return the stack with the tokens that are only too new to be counted."""
    return replace(status.stack, holding=status.stack.holding + status.unsettled)
