"""The custodian's work: check the holding on chain, then seal the film's key to the holder's server."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wylloh_server.domain.access import Reason, Receipt
from wylloh_server.domain.errors import AccessRefused, ChainError, InvalidValue, NotFound
from wylloh_server.domain.events import EnvelopeReleased
from wylloh_server.domain.film import Film, TokenOrigin
from wylloh_server.domain.license import DeviceBinding, Envelope, EnvelopeRequest, EnvelopeTerms
from wylloh_server.domain.rights import PERSONAL, Stack, spoken_right, tokens

if TYPE_CHECKING:
    from wylloh_server.domain.ports.chain import Chain, Signatures
    from wylloh_server.domain.ports.crypto import ServerKeys
    from wylloh_server.domain.ports.storage import Films, Receipts
    from wylloh_server.domain.ports.world import Clock
    from wylloh_server.domain.types import ChainId, ContentKey, Seconds, Timestamp, TokenReference
    from wylloh_server.services.bus import Bus
    from wylloh_server.services.film_keys import FilmKeys

_CLOCK_SLACK = 300


class Custody:
    """Answers requests for envelopes."""

    def __init__(
        self,
        *,
        films: Films,
        film_keys: FilmKeys,
        receipts: Receipts,
        server_keys: ServerKeys,
        chain: Chain,
        signatures: Signatures,
        bus: Bus,
        clock: Clock,
        chain_id: ChainId,
        window: Seconds,
    ) -> None:
        self._films = films
        self._film_keys = film_keys
        self._receipts = receipts
        self._server_keys = server_keys
        self._chain = chain
        self._signatures = signatures
        self._bus = bus
        self._clock = clock
        self._chain_id = chain_id
        self._window = window

    async def release(self, request: EnvelopeRequest) -> Envelope:
        """Give a holder's server the envelope it asks for.

        Raises:
            NotFound: this server keeps no key of that film.
            AccessRefused: the binding is not the wallet's, or the wallet holds too little.
            InvalidValue: the device key in the binding is no X25519 public key, or the right is bounded to
                territories and none is named.
            ChainError: the holding cannot be checked now; ask again later.
        """
        if request.token.chain_id != self._chain_id:
            raise NotFound("This server keeps no keys for that chain.", fix="Ask another custodian.")
        key, film, origin = await self._kept(request.token)
        await self._check_binding(request.binding)
        receipt = await self._decide(request, film)
        if not receipt.allowed:
            raise AccessRefused(receipt.sentence, fix="Hold more tokens of the film.")
        envelope = self._sealed(key, self._terms(request, origin))
        self._bus.publish(EnvelopeReleased(film.id, request.binding.wallet, request.right))
        return envelope

    async def _kept(self, token: TokenReference) -> tuple[ContentKey, Film, TokenOrigin]:
        key = await self._film_keys.kept(token)
        film = await self._films.by_token(token)
        if key is None or film is None or not isinstance(film.origin, TokenOrigin):
            raise NotFound("This server keeps no key of that film.", fix="Ask another custodian.")
        return key, film, film.origin

    async def _check_binding(self, binding: DeviceBinding) -> None:
        if binding.chain_id != self._chain_id or binding.signed_at > self._clock() + _CLOCK_SLACK:
            raise AccessRefused(
                "The binding is for another chain or from the future.", fix="Check the server's clock."
            )
        if not await self._signatures.signed_message(binding.wallet, binding.text(), binding.signature):
            raise AccessRefused(
                "The wallet did not sign this server's binding.", fix="Sign in again on that server."
            )

    async def _decide(self, request: EnvelopeRequest, film: Film) -> Receipt:
        """Decide whether a wallet that has proved itself may have the key, and record the receipt.

        Raises:
            ChainError: the holding cannot be checked now; that is recorded, too.
        """
        blank = _blank(request, film, self._clock())
        try:
            holdings = await self._chain.holdings(request.binding.wallet, [request.token])
            ladder = await self._chain.ladder(request.token)
        except ChainError as error:
            await self._receipts.add(replace(blank, sentence=f"The holding cannot be checked now: {error}."))
            raise
        read = replace(blank, block=holdings.block, balance=holdings.of(request.token))
        receipt = _decided(read, Stack(holdings.of(request.token), ladder), request.territory)
        await self._receipts.add(receipt)
        return receipt

    def _terms(self, request: EnvelopeRequest, origin: TokenOrigin) -> EnvelopeTerms:
        now = int(self._clock())
        return EnvelopeTerms(
            root=origin.root,
            token=request.token,
            wallet=request.binding.wallet,
            right=request.right,
            territory=request.territory,
            device_key=request.binding.device_key,
            not_before=now - _CLOCK_SLACK,
            not_after=now + int(self._window),
        )

    def _sealed(self, key: ContentKey, terms: EnvelopeTerms) -> Envelope:
        keys = self._server_keys
        sealed = keys.seal(key, terms.device_key, terms.binding_bytes())
        unsigned = Envelope(terms, sealed, keys.custodian_public, "")
        return Envelope(terms, sealed, keys.custodian_public, keys.sign(unsigned.signed_bytes()))


def _blank(request: EnvelopeRequest, film: Film, now: Timestamp) -> Receipt:
    return Receipt(
        film.id,
        request.binding.wallet,
        request.right,
        allowed=False,
        reason=Reason.CHAIN_UNKNOWN,
        sentence="",
        at=now,
        contract=str(request.token),
    )


def _decided(read: Receipt, stack: Stack, territory: str) -> Receipt:
    """Turn a holding that was read into a yes or a no."""
    held = tokens(stack.holding) if stack.holding else "no token of this film"
    tier = stack.grants(read.right, territory)
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
