"""Renewal of envelopes before they expire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.domain.film import FilmState

if TYPE_CHECKING:
    from wylloh_server.services.licensing.envelope_client import EnvelopeClient
    from wylloh_server.storage.films import FilmRepository
    from wylloh_server.storage.stacks import StackRepository


class EnvelopeRenewal:
    """Fetches and renews envelopes of the films that bound wallets hold."""

    def __init__(self, *, films: FilmRepository, stacks: StackRepository, envelopes: EnvelopeClient) -> None:
        self._films = films
        self._stacks = stacks
        self._envelopes = envelopes

    async def renew(self) -> None:
        """Go once through wallets and films.

        Until the chain has been read once, nobody is known to hold any film.
        """
        films = {film.token: film for film in await self._films.in_state(FilmState.READY) if film.token}
        held = await self._stacks.held(await self._envelopes.bindings.wallets()) if films else {}
        for wallet, tokens in held.items():
            for token in sorted(tokens & films.keys()):
                await self._envelopes.ensure(films[token], wallet, waited_for=False)
