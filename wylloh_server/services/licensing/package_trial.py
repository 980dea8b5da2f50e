"""Whether a newer package opens and holds the film, tried before it takes the place of the present one."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import (
    ContentError,
    MediaRefused,
    PackageInvalid,
    ProbeInterrupted,
    RetryLater,
)
from wylloh_server.domain.film import FilmState
from wylloh_server.domain.package_version import is_same_length
from wylloh_server.services.operations.backoff import Backoff

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wylloh_server.domain.film import Film, TokenOrigin
    from wylloh_server.domain.ports.content import Packages
    from wylloh_server.domain.ports.media import MediaTools
    from wylloh_server.domain.types import ContentKey, Seconds, Wallet
    from wylloh_server.services.licensing.envelope_client import EnvelopeClient
    from wylloh_server.services.licensing.film_keys import FilmKeys
    from wylloh_server.services.licensing.key_verifier import KeyVerifier
    from wylloh_server.storage.stacks import StackRepository

_NO_KEY = (
    "The newer package is here, but no custodian has released a key that opens it. Trying again by itself."
)
_NOBODY_TO_ASK_FOR = (
    "The newer package is here, but nobody who holds the film lets this server fetch its key now. "
    "It is tried again once somebody who does has signed in."
)
_MOST = 10_000


@dataclass(kw_only=True, eq=False)
class PackageTrial:
    """Opens newer packages with the keys that can be had here, and looks into the films in them."""

    packages: Packages
    stacks: StackRepository
    envelopes: EnvelopeClient
    film_keys: FilmKeys
    verifier: KeyVerifier
    media: MediaTools
    timer: Callable[[], float] = time.monotonic

    _sealed: Backoff = field(init=False)

    def __post_init__(self) -> None:
        """Remember the packages whose key nobody has released, to leave custodians alone for a while."""
        self._sealed = Backoff(_MOST, self.timer)

    async def run(self, film: Film, present: TokenOrigin, newer: TokenOrigin) -> None:
        """Return if a newer package, whole and signed, may take the place of a film's present one by itself.

        Where no key here opens the present package and nobody here holds the film, nothing that anybody here
        can watch is replaced, and there is no key to look into the newer package with: it is taken as it is.
        The present one stays its days as a former package all the same.

        Raises:
            RetryLater: no key that opens the newer package can be had now.
            PackageInvalid: the film in it is broken: the right key does not open it.
            MediaRefused: what is in it does not play here, or runs for another time than the film.
            ContentError: a block of it is missing or damaged.
        """
        key = await self._key(newer, present)
        if key is None:
            wallets = await self._holders(newer)
            if not wallets and not await self.envelopes.opens(film):
                return
            key = await self._released_key(film, present, newer, wallets)
        await self._look_into(film, present, newer, key)

    async def _holders(self, origin: TokenOrigin) -> tuple[Wallet, ...]:
        """Return the wallets for which custodians can be asked."""
        held = await self.stacks.held(await self.envelopes.bindings.wallets())
        return tuple(wallet for wallet, tokens in held.items() if origin.token in tokens)

    async def _released_key(
        self, film: Film, present: TokenOrigin, newer: TokenOrigin, wallets: Sequence[Wallet]
    ) -> ContentKey:
        """Return the key that custodians release to who holds the film. Raises RetryLater if none does."""
        if not wallets:
            raise RetryLater(_NOBODY_TO_ASK_FOR)
        if not self._sealed.is_paused(newer.root):
            candidate = replace(film, origin=newer, state=FilmState.PULLING)
            for wallet in wallets:
                if await self.envelopes.ensure(candidate, wallet):
                    key = await self._key(newer, present)
                    if key is not None:
                        return key
            self._sealed.failed(newer.root)
        raise RetryLater(_NO_KEY)

    async def _key(self, newer: TokenOrigin, present: TokenOrigin) -> ContentKey | None:
        """Return a key that opens the newer package, which is its key from now on; None if none here does.

        Tried are its own, and those of the film's `present` package: a publisher may use one key for both.
        """
        tried = [*await self.film_keys.candidates(newer), *await self.film_keys.candidates(present)]
        for key in dict.fromkeys(tried):
            if await self.verifier.opens(newer, key):
                await self.film_keys.receive(newer, key)
                return key
        return None

    async def _look_into(self, film: Film, present: TokenOrigin, newer: TokenOrigin, key: ContentKey) -> None:
        """Raise MediaRefused unless a package holds a film that plays here, about as long as the present."""
        try:
            length = await self._length(newer, key)
        except MediaRefused as error:
            raise MediaRefused(f"What is in it does not play here: {error}") from error
        expected = await self._present_length(film, present)
        if length is not None and expected is not None and not is_same_length(length, expected):
            raise MediaRefused(
                f"It runs for {_clock_time(length)}, the version that plays for {_clock_time(expected)}."
            )

    async def _length(self, origin: TokenOrigin, key: ContentKey) -> Seconds | None:
        """Return how long the film in a package is, once its beginning was decoded; None if it is sealed."""
        source = await self.verifier.open(origin, key)
        if source is None:
            return None
        try:
            return (await self.media.probe(source)).duration
        finally:
            await source.close()

    async def _present_length(self, film: Film, present: TokenOrigin) -> Seconds | None:
        """Return how long the present package's film is; None where it does not play, and nothing is lost.

        Where blocks of it are missing, or looking into it was interrupted, its manifest tells.
        """
        if not await self.packages.complete(present.root):
            return _stated_length(film)
        for key in await self.film_keys.candidates(present):
            try:
                length = await self._length(present, key)
            except (ProbeInterrupted, ContentError) as error:
                return None if isinstance(error, PackageInvalid) else _stated_length(film)
            except MediaRefused:
                return None
            if length is not None:
                return length
        return None


def _stated_length(film: Film) -> Seconds | None:
    return film.description.runtime or None


def _clock_time(length: Seconds) -> str:
    """Return a length as hours, minutes and seconds: `1:30:05`."""
    return str(timedelta(seconds=round(length)))
