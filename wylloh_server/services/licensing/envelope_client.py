"""The holder's side of custody: fetching and renewing envelopes."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cachetools import LRUCache

from wylloh_server.domain.errors import (
    AccessRefused,
    ContentError,
    InvalidValue,
    SealBroken,
    WyllohError,
)
from wylloh_server.domain.film import Custodian, Film, FilmState, TokenOrigin
from wylloh_server.domain.license import (
    Envelope,
    EnvelopeRequest,
    KeyFault,
    envelope_from_json,
)
from wylloh_server.domain.rights import PERSONAL
from wylloh_server.domain.types import ContentKey, Wallet
from wylloh_server.services.operations.backoff import Backoff

if TYPE_CHECKING:
    from collections.abc import Callable

    from wylloh_server.domain.ports.clock import Clock
    from wylloh_server.domain.ports.crypto import ServerKeys
    from wylloh_server.domain.ports.http import HttpClient
    from wylloh_server.services.licensing.device_bindings import DeviceBindings
    from wylloh_server.services.licensing.film_keys import FilmKeys
    from wylloh_server.services.licensing.key_verifier import KeyVerifier
    from wylloh_server.services.retrieval.manifests import Manifests
    from wylloh_server.storage.envelopes import EnvelopeRepository
    from wylloh_server.storage.key_faults import KeyFaultRepository

_log = logging.getLogger(__name__)

_SAID, _SERVER_ERROR = 300, 500
_MOST_CUSTODIANS = 1000


class _NobodyAsked(AccessRefused):
    """Every custodian is left alone for a while, after what it answered last."""


@dataclass(kw_only=True, eq=False)
class EnvelopeClient:
    """Keeps each film's envelope for the wallets that bound themselves to this server."""

    bindings: DeviceBindings
    envelopes: EnvelopeRepository
    faults: KeyFaultRepository
    film_keys: FilmKeys
    verifier: KeyVerifier
    server_keys: ServerKeys
    manifests: Manifests
    http: HttpClient
    clock: Clock
    timer: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        """Begin with nothing remembered."""
        self._silent = Backoff(_MOST_CUSTODIANS, self.timer)
        self._logged: LRUCache[tuple[str, ...], str] = LRUCache(_MOST_CUSTODIANS)
        self._replacing = asyncio.Lock()

    async def valid(self, film: Film, wallet: Wallet, right: str = PERSONAL) -> Envelope | None:
        """Return the envelope that covers this moment, if there is one.

        It is for this server's device key, and for the film's present package or one with the same key: that
        a publisher replaces a package takes nobody's licence.
        """
        if not isinstance(film.origin, TokenOrigin):
            return None
        envelope = await self.envelopes.find(film.origin.token, wallet, right)
        if envelope is None or not envelope.terms.covers(self.clock()):
            return None
        if envelope.terms.device_key != self.server_keys.device_public:
            return None
        root = envelope.terms.root
        same = root == film.origin.root or await self._same_key(film.origin, replace(film.origin, root=root))
        return envelope if same else None

    async def _same_key(self, origin: TokenOrigin, other: TokenOrigin) -> bool:
        """Return whether a key here is that of two packages."""
        others = await self.film_keys.candidates(other)
        shared = [key for key in await self.film_keys.candidates(origin) if key in others]
        return await self.verifier.fitting(origin, tuple(shared)) is not None

    async def opens(self, film: Film) -> bool:
        """Return whether this server has a key for the film."""
        return isinstance(film.origin, TokenOrigin) and bool(await self.film_keys.candidates(film.origin))

    async def content_key(self, film: Film) -> ContentKey:
        """Return the key that opens a film. One that the film's manifest excludes is replaced.

        Raises:
            AccessRefused: this server does not have it.
        """
        if not isinstance(film.origin, TokenOrigin):
            raise _no_key()
        stored = await self.film_keys.candidates(film.origin)
        key = await self.verifier.fitting(film.origin, stored)
        if key is not None:
            return key
        if not stored:
            raise _no_key()
        return await self.replaced_key(film, *stored)

    async def replaced_key(self, film: Film, *broken: ContentKey) -> ContentKey:
        """Discard keys that do not open their film, with its envelopes, and return another key.

        Raises:
            AccessRefused: no custodian released another one.
        """
        if not isinstance(film.origin, TokenOrigin):
            raise _no_key()
        async with self._replacing:
            for key in broken:
                await self.film_keys.discard(film.origin, key)
            # Somebody else may have replaced it meanwhile.
            other = await self._key_but(film.origin, broken)
            if other is None:
                await self._fetch_anew(film, film.origin)
                other = await self._key_but(film.origin, broken)
        if other is None:
            raise _no_key()
        return other

    async def _key_but(self, origin: TokenOrigin, broken: tuple[ContentKey, ...]) -> ContentKey | None:
        keys = [key for key in await self.film_keys.candidates(origin) if key not in broken]
        return await self.verifier.fitting(origin, tuple(keys))

    async def _fetch_anew(self, film: Film, origin: TokenOrigin) -> None:
        _log.warning("the key of %s does not open it; fetching it again", film.title)
        asked = [(one.terms.wallet, one.terms.right) for one in await self.envelopes.of_token(origin.token)]
        asked += [(wallet, PERSONAL) for wallet in await self.bindings.wallets()]
        await self.envelopes.remove(origin.token)
        for wallet, right in dict.fromkeys(asked):
            if await self.ensure(film, wallet, right):
                return

    async def ensure(
        self, film: Film, wallet: Wallet, right: str = PERSONAL, *, waited_for: bool = True
    ) -> bool:
        """Fetch or renew the envelope if less than half of its window is left.

        Args:
            film: the film.
            wallet: who holds it.
            right: what it is to be used for.
            waited_for: whether somebody waits for it; else a custodian that did not answer lately is not
                asked.

        Returns:
            Whether a valid one is here afterwards, and a key. A custodian that cannot be reached or refuses
            is logged; an envelope that is still valid stays.
        """
        envelope = await self.valid(film, wallet, right)
        usable = envelope is not None and await self._has_key(film)
        if usable and envelope is not None and not self._half_gone(envelope):
            return True
        try:
            await self._fetch(film, wallet, right, waited_for=waited_for)
        except _NobodyAsked:
            return usable
        except WyllohError as error:
            self._log_once((film.id, wallet, right), f"no new envelope for {film.title}: {error}")
            return usable
        self._logged.pop((film.id, wallet, right), None)
        return True

    def _log_once(self, question: tuple[str, ...], sentence: str) -> None:
        """Log what became of a question, unless the last answer was the same."""
        if self._logged.get(question) != sentence:
            _log.info("%s", sentence)
        self._logged[question] = sentence

    async def _has_key(self, film: Film) -> bool:
        """Return whether a key is here that the film's manifest does not exclude."""
        if not isinstance(film.origin, TokenOrigin):
            return False
        stored = await self.film_keys.candidates(film.origin)
        return await self.verifier.fitting(film.origin, stored) is not None

    def _half_gone(self, envelope: Envelope) -> bool:
        terms = envelope.terms
        return self.clock() > (terms.not_before + terms.not_after) / 2

    async def _fetch(self, film: Film, wallet: Wallet, right: str, *, waited_for: bool) -> None:
        binding = await self.bindings.current(wallet)
        if binding is None or film.token is None or not isinstance(film.origin, TokenOrigin):
            raise AccessRefused(
                "This wallet does not let this server keep its keys now.", fix="Sign in again."
            )
        # Only in these two states the manifest, which names the custodians, is known to be its publisher's.
        if film.state not in (FilmState.PULLING, FilmState.READY):
            raise ContentError("The film's manifest is not here yet.", fix="Wait until it has arrived.")
        manifest = await self.manifests.load(film.origin.root)
        request = EnvelopeRequest(film.token, right, "", binding, film.origin.root)
        await self._ask(manifest.custodians, request, film, waited_for=waited_for)

    async def _ask(
        self, custodians: tuple[Custodian, ...], request: EnvelopeRequest, film: Film, *, waited_for: bool
    ) -> None:
        """Ask one custodian after the other until one has sent an envelope with the film's key."""
        reasons, began = [], self.clock()
        for custodian in custodians:
            question = f"{custodian.url} {request.token} {request.binding.wallet} {request.right}"
            if not waited_for and (self._silent.is_paused(custodian.url) or self._silent.is_paused(question)):
                continue
            try:
                await self._keep(await self._ask_one(custodian, request, film), film, custodian)
            except (OSError, TimeoutError, WyllohError) as error:
                # Who refuses once, or sends a wrong key, is not asked the same every few seconds.
                self._silent.failed(question)
                if isinstance(error, SealBroken):
                    await self._report(custodian, film, error)
                reasons.append(f"{custodian.url}: {error or type(error).__name__}")
            else:
                self._silent.answered(question)
                # The right key is here: what custodians sent before, also such as are none any more, is over.
                await self.faults.remove_before(request.token, began)
                return
        if custodians and not reasons:
            raise _NobodyAsked("The custodians were asked a moment ago.", fix="Try again in a minute.")
        raise AccessRefused(
            "No custodian released the key. " + "; ".join(reasons), fix="Try again when one can be reached."
        )

    async def _keep(self, envelope: Envelope, film: Film, custodian: Custodian) -> None:
        """Store an envelope and its key, once the key was tried. The former key stays until then.

        Raises:
            SealBroken: the envelope does not open, or its key is not the film's.
        """
        assert isinstance(film.origin, TokenOrigin)  # noqa: S101 - `_fetch` asks for such films only
        key = ContentKey(self.server_keys.unseal(envelope.sealed, envelope.terms.binding_bytes()))
        # What cannot be tried yet must not take the place of a key that may be the right one.
        if await self.verifier.verify(film.origin, key) or not await self.film_keys.candidates(film.origin):
            await self.film_keys.receive(film.origin, key)
        await self.envelopes.save(envelope, custodian.url)
        await self.faults.remove(envelope.terms.token, custodian.url)

    async def _report(self, custodian: Custodian, film: Film, error: SealBroken) -> None:
        """Note for the owner that a custodian sent what is not the film's key."""
        assert film.token is not None  # noqa: S101 - `_fetch` asks for such films only
        _log.warning("what %s sent for %s was dropped: %s", custodian.url, film.title, error)
        await self.faults.save(KeyFault(film.token, custodian.url, self.clock(), str(error)))

    async def _ask_one(self, custodian: Custodian, request: EnvelopeRequest, film: Film) -> Envelope:
        url = custodian.url.rstrip("/") + "/api/custody/envelope"
        try:
            status, body = await self.http.post_json(url, request.as_json())
        except (OSError, TimeoutError):
            self._silent.failed(custodian.url)
            raise
        if status >= _SERVER_ERROR:
            self._silent.failed(custodian.url)
        else:
            self._silent.answered(custodian.url)
        if status != 200:  # noqa: PLR2004 - the HTTP code for success
            raise AccessRefused(_said(body) or f"It answered with status {status}.")
        envelope = _readable(body)
        self._check(envelope, custodian, request, film)
        return envelope

    def _check(self, envelope: Envelope, custodian: Custodian, request: EnvelopeRequest, film: Film) -> None:
        """Trust an envelope only if the custodian named in the signed manifest made it for this request."""
        terms, keys = envelope.terms, self.server_keys
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
        if not terms.covers(self.clock()):
            raise AccessRefused(
                "The custodian's envelope is not valid now.", fix="Check this server's clock."
            )


def _no_key() -> AccessRefused:
    return AccessRefused("This server has no key for the film yet.", fix="Sign in again to fetch it.")


def _said(body: object) -> str:
    """Return a custodian's own words: a stranger's, on their way to a log and a terminal."""
    said = body.get("error") if isinstance(body, dict) else None
    return "".join(sign for sign in said[:_SAID] if sign.isprintable()) if isinstance(said, str) else ""


def _readable(body: object) -> Envelope:
    try:
        return envelope_from_json(body)
    except (KeyError, InvalidValue) as error:
        raise AccessRefused(f"Its answer is malformed: {error}.") from None
