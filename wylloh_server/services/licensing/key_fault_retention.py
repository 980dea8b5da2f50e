"""Deletes notes of wrong keys that are over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import SealBroken
from wylloh_server.domain.film import TokenOrigin
from wylloh_server.domain.types import Seconds, Timestamp

if TYPE_CHECKING:
    from wylloh_server.domain.license import KeyFault
    from wylloh_server.domain.ports.clock import Clock
    from wylloh_server.services.licensing.film_keys import FilmKeys
    from wylloh_server.services.licensing.key_verifier import KeyVerifier
    from wylloh_server.storage.films import FilmRepository
    from wylloh_server.storage.key_faults import KeyFaultRepository

KEPT_FAULTS = Seconds(30 * 86_400)
"""How long it is told that a custodian sent a wrong key, after the last time."""


@dataclass(kw_only=True, eq=False)
class KeyFaultRetention:
    """Deletes faults of custodians after 30 days, of films that are gone, and of this server once mended.

    A fault of a custodian also ends when the right key has come: see `EnvelopeClient`.
    """

    faults: KeyFaultRepository
    films: FilmRepository
    film_keys: FilmKeys
    verifier: KeyVerifier
    clock: Clock

    async def delete_over(self) -> None:
        """Go once through the faults."""
        for fault in await self.faults.all():
            if await self._is_over(fault):
                await self.faults.remove(fault.token, fault.custodian)

    async def _is_over(self, fault: KeyFault) -> bool:
        film = await self.films.by_token(fault.token)
        if film is None or not isinstance(film.origin, TokenOrigin):
            return True
        if fault.custodian:
            return fault.at < Timestamp(self.clock() - KEPT_FAULTS)
        try:
            key = await self.film_keys.in_custody(fault.token)
            return key is None or await self.verifier.verify(film.origin, key)
        except SealBroken:
            return False
