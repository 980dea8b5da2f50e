"""Asking the owner before a film is fetched whose tokens somebody here was sent, but has not bought.

Anybody can send tokens to a wallet: without the question a stranger would decide what fills this disk.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import NotFound
from wylloh_server.domain.film import FetchConsent, FilmState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_server.domain.film import Film
    from wylloh_server.domain.types import FilmId, Wallet
    from wylloh_server.storage.film_versions import FilmVersionRepository
    from wylloh_server.storage.films import FilmRepository
    from wylloh_server.storage.stacks import StackRepository

_ASKED = "Its tokens were sent to you. Who looks after this server has to agree before it is fetched."
_DECLINED = "Its tokens were sent to you, and who looks after this server does not want it fetched."
_NOT_BEGUN = {FilmState.DISCOVERED, FilmState.INTRODUCED}


@dataclass(kw_only=True, eq=False)
class FetchConsents:
    """Knows which films may be fetched.

    Attributes:
        ask: whether the owner is asked; else everything that somebody holds may be fetched.
    """

    films: FilmRepository
    versions: FilmVersionRepository
    stacks: StackRepository
    ask: bool

    async def allowed(self, held: Sequence[Film], wallets: Sequence[Wallet]) -> list[Film]:
        """Return those that may be fetched of the films that some wallets hold; ask about the others.

        One that is being fetched, or was here already, is not asked about.
        """
        if not self.ask or not held:
            return list(held)
        chosen, consents = await self.stacks.acquired(wallets), await self.versions.consents()
        may_come = []
        for film in held:
            consent = consents.get(film.id)
            if film.state not in _NOT_BEGUN or film.token in chosen or consent is FetchConsent.AGREED:
                may_come.append(film)
            else:
                await self._wait(film, consent)
        return may_come

    async def answer(self, film_id: FilmId, *, agreed: bool) -> None:
        """Store the owner's answer; the film is fetched, or left alone, from the next look on.

        Raises:
            NotFound: there is no such film.
        """
        film = await self.films.get(film_id)
        if film is None or film.token is None:
            raise NotFound("There is no such film with a token here.", fix="Go back to the library.")
        await self.versions.set_consent(film_id, FetchConsent.AGREED if agreed else FetchConsent.DECLINED)
        await self._explain(film, "" if agreed else _DECLINED)

    async def asked(self) -> tuple[Film, ...]:
        """Return the films about which the owner is asked, by title."""
        consents = await self.versions.consents()
        asked = [film for film, consent in consents.items() if consent is FetchConsent.ASKED]
        films = await self.films.some(asked) if asked else ()
        waiting = (film for film in films if film.state in _NOT_BEGUN)
        return tuple(sorted(waiting, key=lambda film: (film.title.casefold(), film.id)))

    async def _wait(self, film: Film, consent: FetchConsent | None) -> None:
        if consent is None:
            await self.versions.set_consent(film.id, FetchConsent.ASKED)
        await self._explain(film, _DECLINED if consent is FetchConsent.DECLINED else _ASKED)

    async def _explain(self, film: Film, reason: str) -> None:
        if film.state in _NOT_BEGUN and film.reason != reason:
            await self.films.save(replace(film, reason=reason))
