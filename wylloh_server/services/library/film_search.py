"""Searching, sorting and filtering the films of a library."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from wylloh_server.domain.film import FilmState
from wylloh_server.services.library.film_library import PAGE_FILMS
from wylloh_server.storage.film_index import FilmIndex

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.film import Film
    from wylloh_server.domain.library_item import LibraryItem
    from wylloh_server.domain.types import FilmId
    from wylloh_server.services.library.film_library import Library
    from wylloh_server.storage.films import FilmRepository
    from wylloh_server.storage.positions import PositionRepository

_MOST_FOUND = 2000
"""Films that one text finds at most."""


class FilmSort(StrEnum):
    """Orders of films; MATCH is by title where there is no text."""

    MATCH = "match"
    TITLE = "title"
    NEWEST = "newest"
    OLDEST = "oldest"
    SHORTEST = "shortest"
    LONGEST = "longest"


class FilmFilter(StrEnum):
    """Which films are shown.

    Attributes:
        ALL: all that this server knows.
        MINE: those that the viewer may watch: by their tokens, or from the folders.
        READY: those that can be played without the network.
        NEW: those that the viewer has not begun.
    """

    ALL = "all"
    MINE = "mine"
    READY = "ready"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class FilmQuery:
    """What somebody looks for; `number` is the page, the first is 1."""

    text: str = ""
    sort: FilmSort = FilmSort.MATCH
    shown: FilmFilter = FilmFilter.ALL
    number: int = 1


@dataclass(frozen=True, slots=True)
class FoundFilms:
    """One page of what was found, and how many films were found in all."""

    items: Sequence[LibraryItem]
    total: int

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return max(1, -(-self.total // PAGE_FILMS))


class FilmSearch:
    """Finds films by words of titles, people, genres and synopses, without accents and with slips."""

    def __init__(self, *, library: Library, films: FilmRepository, positions: PositionRepository) -> None:
        self._library = library
        self._films = films
        self._positions = positions
        self._index = FilmIndex()
        self._places: dict[FilmId, int] = {}
        self._indexed: list[Film | None] = []
        self._reading = asyncio.Lock()

    async def find(self, viewer: Viewer, query: FilmQuery) -> FoundFilms:
        """Return one page of the films that a query means; one beyond the last has no films."""
        films = await self._films.all()
        found = await self._by_text(films, query.text) if query.text else films
        found = await self._filtered(viewer, found, query.shown)
        found = _sorted(found, query.sort)
        start = (query.number - 1) * PAGE_FILMS
        ids = [film.id for film in found[start : start + PAGE_FILMS]] if start >= 0 else []
        return FoundFilms(await self._library.cards(viewer, ids), len(found))

    async def _by_text(self, films: Sequence[Film], text: str) -> Sequence[Film]:
        async with self._reading:
            await self._update(films)
            places = await asyncio.to_thread(self._index.search, text, _MOST_FOUND)
            return [film for place in places if (film := self._indexed[place]) is not None]

    async def _update(self, films: Sequence[Film]) -> None:
        """Bring the index up to date: what has changed since the last search is read anew."""
        here = {film.id for film in films}
        gone = [self._places.pop(film) for film in self._places.keys() - here]
        changed = [film for film in films if self._known(film.id) != film]
        for film in changed:
            if film.id not in self._places:
                self._places[film.id] = len(self._indexed)
                self._indexed.append(None)
            self._indexed[self._places[film.id]] = film
        for place in gone:
            self._indexed[place] = None
        if gone:
            await asyncio.to_thread(self._index.drop, gone)
        if changed:
            await asyncio.to_thread(self._index.put, [(self._places[film.id], film) for film in changed])

    def _known(self, film: FilmId) -> Film | None:
        place = self._places.get(film)
        return None if place is None else self._indexed[place]

    async def _filtered(self, viewer: Viewer, films: Sequence[Film], shown: FilmFilter) -> Sequence[Film]:
        match shown:
            case FilmFilter.ALL:
                return films
            case FilmFilter.MINE:
                held = await self._library.held(viewer)
                return [film for film in films if film.token is None or film.id in held]
            case FilmFilter.READY:
                return [film for film in films if film.state is FilmState.READY]
            case FilmFilter.NEW:
                begun = await self._positions.of_films(viewer.wallet, [film.id for film in films])
                return [film for film in films if film.id not in begun]


def _sorted(films: Sequence[Film], sort: FilmSort) -> Sequence[Film]:
    """Return films in an order. Films come by title or by their match, which equal ones keep."""
    match sort:
        case FilmSort.MATCH:
            return films
        case FilmSort.TITLE:
            return sorted(films, key=lambda film: film.title.casefold())
        case FilmSort.NEWEST:
            return sorted(films, key=lambda film: -(film.description.year or 0))
        case FilmSort.OLDEST:
            return sorted(films, key=lambda film: film.description.year or 9999)
        case FilmSort.SHORTEST:
            return sorted(films, key=lambda film: film.description.runtime or float("inf"))
        case FilmSort.LONGEST:
            return sorted(films, key=lambda film: -film.description.runtime)
