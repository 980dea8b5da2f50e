"""The custodian's work: check the holding on chain, then seal the film's key to the holder's server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.domain.errors import AccessRefused, NotFound
from wylloh_server.domain.events import EnvelopeReleased
from wylloh_server.domain.film import Film, TokenOrigin
from wylloh_server.domain.license import DeviceBinding, Envelope, EnvelopeRequest, EnvelopeTerms
from wylloh_server.domain.rights import Stack, spoken_right, tokens

if TYPE_CHECKING:
    from wylloh_server.domain.ports.chain import Chain, Signatures
    from wylloh_server.domain.ports.crypto import ServerKeys
    from wylloh_server.domain.ports.storage import Films
    from wylloh_server.domain.ports.world import Clock
    from wylloh_server.domain.types import ChainId, ContentKey, Seconds, TokenReference, Wallet
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
            InvalidValue: the device key in the binding is no X25519 public key.
            ChainError: the holding cannot be checked now; ask again later.
        """
        if request.token.chain_id != self._chain_id:
            raise NotFound("This server keeps no keys for that chain.", fix="Ask another custodian.")
        key, film, origin = await self._kept(request.token)
        await self._check_binding(request.binding)
        await self._check_holding(request.binding.wallet, request.token, request.right, request.territory)
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

    async def _check_holding(self, wallet: Wallet, token: TokenReference, right: str, territory: str) -> None:
        holdings = await self._chain.holdings(wallet, [token])
        stack = Stack(holdings.of(token), await self._chain.ladder(token))
        if stack.grants(right, territory) is None:
            held = "no token of this film"
            if stack.holding:
                held = f"{tokens(stack.holding)}, which is not enough for {spoken_right(right)}"
            raise AccessRefused(
                f"The wallet holds {held}.",
                fix="Hold more tokens of the film.",
            )

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
