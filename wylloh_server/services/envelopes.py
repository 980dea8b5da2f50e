"""The holder's side of custody: binding wallets to this server, fetching and renewing envelopes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import (
    AccessRefused,
    ContentError,
    InvalidValue,
    SealBroken,
    SignInRefused,
    WyllohError,
)
from wylloh_server.domain.film import Custodian, Film, FilmState, TokenOrigin
from wylloh_server.domain.license import (
    DeviceBinding,
    Envelope,
    EnvelopeRequest,
    envelope_from_json,
)
from wylloh_server.domain.rights import PERSONAL
from wylloh_server.domain.types import ChainId, ContentKey, Seconds, Wallet

if TYPE_CHECKING:
    from wylloh_server.domain.ports.chain import Signatures
    from wylloh_server.domain.ports.crypto import ServerKeys
    from wylloh_server.domain.ports.http import HttpClient
    from wylloh_server.domain.ports.storage import Bindings, Envelopes
    from wylloh_server.domain.ports.world import Clock
    from wylloh_server.services.film_keys import FilmKeys
    from wylloh_server.services.manifests import Manifests

_log = logging.getLogger(__name__)

CLOCK_SLACK = Seconds(300)
"""How far ahead of this server's clock a wallet's may be."""
_SAID = 300


class EnvelopeDesk:
    """Keeps each film's envelope for the wallets that bound themselves to this server."""

    def __init__(
        self,
        *,
        bindings: Bindings,
        envelopes: Envelopes,
        film_keys: FilmKeys,
        server_keys: ServerKeys,
        manifests: Manifests,
        signatures: Signatures,
        http: HttpClient,
        clock: Clock,
        chain_id: ChainId,
    ) -> None:
        self._bindings = bindings
        self._envelopes = envelopes
        self._film_keys = film_keys
        self._server_keys = server_keys
        self._manifests = manifests
        self._signatures = signatures
        self._http = http
        self._clock = clock
        self._chain_id = chain_id

    def binding_for(self, wallet: Wallet) -> DeviceBinding:
        """Give the binding this wallet would sign now; its `text()` is what the wallet shows."""
        return DeviceBinding(wallet, self._server_keys.device_public, self._chain_id, int(self._clock()))

    async def bound(self, wallet: Wallet) -> bool:
        """Say whether the wallet has bound itself to this server."""
        binding = await self._bindings.get(wallet)
        return binding is not None and binding.device_key == self._server_keys.device_public

    async def bind(self, binding: DeviceBinding) -> None:
        """Keep a signed binding.

        Raises:
            SignInRefused: it is for another server, from the future, or the wallet did not sign it.
        """
        ours = binding.device_key == self._server_keys.device_public and binding.chain_id == self._chain_id
        dated = binding.signed_at <= self._clock() + CLOCK_SLACK
        if (
            not ours
            or not dated
            or not await self._signatures.signed_message(binding.wallet, binding.text(), binding.signature)
        ):
            raise SignInRefused("The wallet did not sign this server's binding.", fix="Sign in again.")
        await self._bindings.save(binding)

    async def wallets(self) -> tuple[Wallet, ...]:
        """Give every wallet bound to this server."""
        ours, bindings = self._server_keys.device_public, await self._bindings.all()
        return tuple(binding.wallet for binding in bindings if binding.device_key == ours)

    async def valid(self, film: Film, wallet: Wallet, right: str = PERSONAL) -> Envelope | None:
        """Give the envelope for the film's present package that covers this moment, if there is one."""
        if not isinstance(film.origin, TokenOrigin):
            return None
        envelope = await self._envelopes.find(film.origin.token, wallet, right)
        if envelope is None or envelope.terms.root != film.origin.root:
            return None
        return envelope if envelope.terms.covers(self._clock()) else None

    async def opens(self, film: Film) -> bool:
        """Say whether this server has the film's key."""
        return film.token is not None and await self._film_keys.for_playing(film.token) is not None

    async def content_key(self, film: Film) -> ContentKey:
        """Give the key that opens a film.

        Raises:
            AccessRefused: this server does not have it.
        """
        key = await self._film_keys.for_playing(film.token) if film.token else None
        if key is None:
            raise AccessRefused("This server has no key for the film yet.", fix="Sign in again to fetch it.")
        return key

    async def ensure(self, film: Film, wallet: Wallet, right: str = PERSONAL) -> bool:
        """Fetch or renew the envelope if less than half of its window is left.

        Gives whether a valid one is here afterwards. A custodian that cannot be reached or refuses is
        logged; an envelope that is still valid stays.
        """
        envelope = await self.valid(film, wallet, right)
        if envelope is not None and not self._half_gone(envelope):
            return True
        try:
            await self._fetch(film, wallet, right)
        except WyllohError as error:
            _log.info("no new envelope for %s: %s", film.title, error)
            return envelope is not None
        return True

    def _half_gone(self, envelope: Envelope) -> bool:
        terms = envelope.terms
        return self._clock() > (terms.not_before + terms.not_after) / 2

    async def _fetch(self, film: Film, wallet: Wallet, right: str) -> None:
        binding = await self._bindings.get(wallet)
        if binding is None or film.token is None or not isinstance(film.origin, TokenOrigin):
            raise AccessRefused("This wallet has not let this server keep its keys.", fix="Sign in again.")
        # Only in these two states the manifest, which names the custodians, is known to be its publisher's.
        if film.state not in (FilmState.PULLING, FilmState.READY):
            raise ContentError("The film's manifest is not here yet.", fix="Wait until it has arrived.")
        manifest = await self._manifests.load(film.origin.root)
        request = EnvelopeRequest(film.token, right, "", binding)
        envelope = await self._ask(manifest.custodians, request, film)
        key = self._server_keys.unseal(envelope.sealed, envelope.terms.binding_bytes())
        await self._film_keys.receive(film.token, ContentKey(key))
        await self._envelopes.save(envelope)

    async def _ask(self, custodians: tuple[Custodian, ...], request: EnvelopeRequest, film: Film) -> Envelope:
        reasons = []
        for custodian in custodians:
            try:
                return await self._ask_one(custodian, request, film)
            except (OSError, TimeoutError, WyllohError) as error:
                reasons.append(f"{custodian.url}: {error or type(error).__name__}")
        raise AccessRefused(
            "No custodian released the key. " + "; ".join(reasons), fix="Try again when one can be reached."
        )

    async def _ask_one(self, custodian: Custodian, request: EnvelopeRequest, film: Film) -> Envelope:
        url = custodian.url.rstrip("/") + "/api/custody/envelope"
        status, body = await self._http.post_json(url, request.as_json())
        if status != 200:  # noqa: PLR2004 - the HTTP code for success
            raise AccessRefused(_said(body) or f"It answered with status {status}.")
        envelope = _readable(body)
        self._check(envelope, custodian, request, film)
        return envelope

    def _check(self, envelope: Envelope, custodian: Custodian, request: EnvelopeRequest, film: Film) -> None:
        """Trust an envelope only if the custodian named in the signed manifest made it for this request."""
        terms, keys = envelope.terms, self._server_keys
        fits = (
            envelope.custodian_key == custodian.public_key
            and terms.token == request.token
            and terms.wallet == request.binding.wallet
            and (terms.right, terms.territory) == (request.right, request.territory)
            and terms.device_key == keys.device_public
            and isinstance(film.origin, TokenOrigin)
            and terms.root == film.origin.root
        )
        if not fits or not keys.verify(custodian.public_key, envelope.signed_bytes(), envelope.signature):
            raise SealBroken(
                "The envelope is not for this server or not signed by its custodian.",
                fix="Tell the film's publisher.",
            )
        if not terms.covers(self._clock()):
            raise AccessRefused(
                "The custodian's envelope is not valid at this hour.", fix="Check this server's clock."
            )


def _said(body: object) -> str:
    """Give a custodian's own words: a stranger's, on their way to a log and a terminal."""
    said = body.get("error") if isinstance(body, dict) else None
    return "".join(sign for sign in said[:_SAID] if sign.isprintable()) if isinstance(said, str) else ""


def _readable(body: object) -> Envelope:
    try:
        return envelope_from_json(body)
    except (KeyError, InvalidValue) as error:
        raise AccessRefused(f"Its answer is malformed: {error}.") from None
