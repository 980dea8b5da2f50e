"""What films are called, by token: pages about money name films that the library may not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.sdk import NotFound

if TYPE_CHECKING:
    from wylloh_server.sdk import Film, FilmId, PluginLibrary

UNKNOWN = "A film that is not here"


class Titles:
    """The library's films that have tokens."""

    def __init__(self, library: PluginLibrary) -> None:
        self._library = library
        self._films: dict[str, Film] = {}

    async def read_all(self) -> None:
        """Take in the whole library."""
        for card in await self._library.films(None):
            self._keep(card.film)

    async def read(self, film: FilmId) -> None:
        """Take in one film, or its new title."""
        try:
            self._keep(await self._library.film(film))
        except NotFound:
            return  # it left again before this was heard

    def forget(self, film: FilmId) -> None:
        """Forget a film that left."""
        self._films = {token: kept for token, kept in self._films.items() if kept.id != film}

    def film(self, token: str) -> Film | None:
        """Find the film of a token (CAIP-19); None when the library lacks it."""
        return self._films.get(token)

    def title(self, token: str) -> str:
        """Give what a film is called."""
        film = self._films.get(token)
        return film.title if film else UNKNOWN

    def _keep(self, film: Film) -> None:
        if film.token is not None:
            self._films[str(film.token)] = film
