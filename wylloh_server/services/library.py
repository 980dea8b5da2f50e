"""What somebody sees in the library: films, where their stack stands, how far they watched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import ChainError, NotFound
from wylloh_server.domain.playback import Position
from wylloh_server.domain.rights import Stack

if TYPE_CHECKING:
    from collections.abc import Collection

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.film import Film
    from wylloh_server.domain.ports.chain import Chain, Holdings
    from wylloh_server.domain.ports.storage import Films, Positions
    from wylloh_server.domain.ports.world import Clock
    from wylloh_server.domain.types import FilmId, Seconds, TokenReference


@dataclass(frozen=True, slots=True)
class Shelved:
    """A film as one viewer sees it. `stack` is None for a folder film, or while the chain is silent."""

    film: Film
    stack: Stack | None = None
    position: Position | None = None

    @property
    def theirs(self) -> bool:
        """Say whether the viewer may call it theirs; a silent chain takes nothing away."""
        return self.stack is None or bool(self.stack.reached)


class Library:
    """Gives the films of this server."""

    def __init__(self, *, films: Films, positions: Positions, chain: Chain, clock: Clock) -> None:
        self._films = films
        self._positions = positions
        self._chain = chain
        self._clock = clock

    async def shelf(self, viewer: Viewer) -> tuple[Shelved, ...]:
        """Give every film by title, with the viewer's stacks from one batched call."""
        films = await self._films.all()
        positions = {position.film: position for position in await self._positions.of_wallet(viewer.wallet)}
        stacks = await self._stacks(viewer, films)
        return tuple(Shelved(film, stacks.get(film.id), positions.get(film.id)) for film in films)

    async def films(self, viewer: Viewer | None) -> tuple[Shelved, ...]:
        """Give every film by title, for plugins; without a viewer nobody's stacks are looked up."""
        if viewer is None:
            return tuple(Shelved(film) for film in await self._films.all())
        return await self.shelf(viewer)

    async def cards(self, viewer: Viewer | None, films: Collection[FilmId]) -> tuple[Shelved, ...]:
        """Give some films in the order asked for, for plugins; those that are gone are left out."""
        known = {film.id: film for film in await self._films.some(films)}
        found = tuple(known[film] for film in dict.fromkeys(films) if film in known)
        if viewer is None:
            return tuple(Shelved(film) for film in found)
        positions = {position.film: position for position in await self._positions.of_wallet(viewer.wallet)}
        stacks = await self._stacks(viewer, found)
        return tuple(Shelved(film, stacks.get(film.id), positions.get(film.id)) for film in found)

    async def film(self, film_id: FilmId) -> Film:
        """Find a film.

        Raises:
            NotFound: there is none with this id.
        """
        film = await self._films.get(film_id)
        if film is None:
            raise NotFound("There is no such film here.", fix="Go back to the library.")
        return film

    async def remember_position(self, viewer: Viewer, film_id: FilmId, at: Seconds, of: Seconds) -> None:
        """Keep how far the viewer has watched.

        Raises:
            NotFound: there is no such film.
        """
        await self.film(film_id)
        await self._positions.save(viewer.wallet, Position(film_id, at, of, self._clock()))

    async def _stacks(self, viewer: Viewer, films: tuple[Film, ...]) -> dict[FilmId, Stack]:
        gated = {film.token: film for film in films if film.token}
        if not gated:
            return {}
        try:
            holdings = await self._chain.holdings(viewer.wallet, list(gated))
        except ChainError:
            return {}
        stacks = {film.id: await self._stack(holdings, token) for token, film in gated.items()}
        return {film: stack for film, stack in stacks.items() if stack is not None}

    async def _stack(self, holdings: Holdings, token: TokenReference) -> Stack | None:
        """Give a stack; None when this one film's cannot be read, which says nothing about the others."""
        try:
            return Stack(holdings.of(token), await self._chain.ladder(token))
        except (ChainError, NotFound):
            return None
