"""What somebody sees in the library: films, their stacks of tokens, how far they watched."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import NotFound
from wylloh_server.domain.film import FilmState
from wylloh_server.domain.library_item import LibraryItem
from wylloh_server.domain.playback import Position
from wylloh_server.domain.rights import PERSONAL
from wylloh_server.storage.films import StoredShelf
from wylloh_server.storage.versioned_cache import VersionedCache

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.film import Film
    from wylloh_server.domain.ports.clock import Clock
    from wylloh_server.domain.types import FilmId, Seconds, TokenReference
    from wylloh_server.storage.films import FilmRepository
    from wylloh_server.storage.positions import PositionRepository
    from wylloh_server.storage.stacks import StackRepository

PAGE_FILMS = 60
"""Films of a shelf on one page."""

_VIEWERS = 256
"""Wallets whose overview is kept in memory."""


class LibraryShelf(StrEnum):
    """The shelves of a viewer's library, in the order in which they are shown.

    Attributes:
        HELD: the viewer's own by their tokens.
        FOLDER: from the folders of this server.
        UNKNOWN: gated by tokens that cannot be counted now.
        OTHERS: gated by tokens of which the viewer holds too few.
        BROKEN: cannot be played, whoever holds what.
    """

    HELD = "held"
    FOLDER = "folder"
    UNKNOWN = "unknown"
    OTHERS = "others"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class ShelfPage:
    """One page of a shelf, by title.

    Attributes:
        items: the films of this page.
        total: how many films the shelf has.
        ready: how many of all of them can be played without the network; counted for HELD only.
        number: this page's number; the first is 1.
    """

    name: LibraryShelf
    items: tuple[LibraryItem, ...] = ()
    total: int = 0
    ready: int = 0
    number: int = 1

    @property
    def pages(self) -> int:
        """How many pages the shelf has."""
        return max(1, -(-self.total // PAGE_FILMS))


@dataclass(frozen=True, slots=True)
class LibraryOverview:
    """What the first page of the library shows: films begun, each shelf's first page."""

    continuing: tuple[LibraryItem, ...]
    shelves: Mapping[LibraryShelf, ShelfPage]


@dataclass(frozen=True, slots=True)
class _HeldFilms:
    """Ids, by title, of the playable films that a wallet has the tokens for; how many are here."""

    ids: tuple[FilmId, ...]
    ready: int


class Library:
    """The films of this server, and what each viewer sees of them."""

    def __init__(
        self, *, films: FilmRepository, positions: PositionRepository, stacks: StackRepository, clock: Clock
    ) -> None:
        self._films = films
        self._positions = positions
        self._stacks = stacks
        self._clock = clock
        self._overviews: VersionedCache[LibraryOverview] = VersionedCache(films.writes, _VIEWERS)

    async def overview(self, viewer: Viewer) -> LibraryOverview:
        """Return the begun films and the first page of every shelf; the same object until a write."""

        async def read() -> LibraryOverview:
            held = await self._held(viewer)
            shelves = {name: await self._page(viewer, held, name, 1) for name in LibraryShelf}
            return LibraryOverview(await self._continuing(viewer), shelves)

        return await self._overviews.get(viewer.wallet, read)

    async def page(self, viewer: Viewer, name: LibraryShelf, number: int) -> ShelfPage:
        """Return a page of a shelf; one beyond the last has no films."""
        return await self._page(viewer, await self._held(viewer), name, number)

    async def more_like(self, viewer: Viewer, film: Film, limit: int) -> tuple[LibraryItem, ...]:
        """Return further films of the same publisher, or of the folders; none that cannot be played."""
        return await self._items(viewer, await self._films.like(film, limit))

    async def next_films(self, viewer: Viewer, film: Film, limit: int) -> tuple[LibraryItem, ...]:
        """Return films to watch after one: the next by title first, and after the last the first.

        They are of the same publisher, or of the folders, and the viewer may play them by what is known here.
        """
        later = await self._films.like(film, limit, after=True)
        found = {one.id: one for one in (*later, *await self._films.like(film, limit))}
        items = await self._items(viewer, [one for one in found.values() if one.state is FilmState.READY])
        return tuple(item for item in items if _may_be_watched(item))

    async def films(self, viewer: Viewer | None) -> tuple[LibraryItem, ...]:
        """Return every film by title, for plugins; without a viewer nobody's stacks are looked up."""
        return await self._items(viewer, await self._films.all())

    async def cards(self, viewer: Viewer | None, films: Collection[FilmId]) -> tuple[LibraryItem, ...]:
        """Return some films in the order asked for, for plugins; those that are gone are left out."""
        return await self._items(viewer, await self._in_order(films))

    async def held(self, viewer: Viewer) -> frozenset[FilmId]:
        """Return the playable films that the viewer has the tokens for."""
        return frozenset((await self._held(viewer)).ids)

    async def film(self, film_id: FilmId) -> Film:
        """Find a film.

        Raises:
            NotFound: there is none with this id.
        """
        film = await self._films.get(film_id)
        if film is None:
            raise NotFound("There is no such film here.", fix="Go back to the library.")
        return film

    async def published_by(self, viewer: Viewer, but: Collection[TokenReference] = ()) -> tuple[Film, ...]:
        """Return the films that the viewer's wallet has registered on chain, by title, without some."""
        films = await self._films.published_by(viewer.wallet)
        return tuple(film for film in films if film.token not in but)

    async def position(self, viewer: Viewer, film_id: FilmId) -> Position | None:
        """Return how far the viewer has watched a film; None if they never began."""
        return await self._positions.get(viewer.wallet, film_id)

    async def remember_position(self, viewer: Viewer, film_id: FilmId, at: Seconds, of: Seconds) -> None:
        """Store how far the viewer has watched.

        Raises:
            NotFound: there is no such film.
        """
        await self.film(film_id)
        await self._positions.save(viewer.wallet, Position(film_id, at, of, self._clock()))

    async def _held(self, viewer: Viewer) -> _HeldFilms:
        tokens = (await self._stacks.held([viewer.wallet]))[viewer.wallet]
        stacks = await self._stacks.stacks(viewer.wallet, tokens) if tokens else {}
        enough = [token for token, stack in stacks.items() if stack.grants(PERSONAL)]
        found = await self._films.gated(enough)
        ready = sum(film.state is FilmState.READY for film in found)
        return _HeldFilms(tuple(film.id for film in found), ready)

    async def _page(self, viewer: Viewer, held: _HeldFilms, name: LibraryShelf, number: int) -> ShelfPage:
        start = (number - 1) * PAGE_FILMS
        total = await self._total(held, name)
        films = await self._films_of(held, name, start) if 0 <= start < total else ()
        items = await self._items(viewer, films)
        return ShelfPage(name, items, total, held.ready if name is LibraryShelf.HELD else 0, number)

    async def _films_of(self, held: _HeldFilms, name: LibraryShelf, start: int) -> tuple[Film, ...]:
        match name:
            case LibraryShelf.HELD:
                return await self._in_order(held.ids[start : start + PAGE_FILMS])
            case LibraryShelf.OTHERS:
                return await self._films.counted(PAGE_FILMS, start, without=held.ids)
            case LibraryShelf.UNKNOWN:
                return await self._films.uncounted(PAGE_FILMS, start)
            case LibraryShelf.FOLDER:
                return await self._films.shelf(StoredShelf.FOLDER, PAGE_FILMS, start)
            case LibraryShelf.BROKEN:
                return await self._films.shelf(StoredShelf.BROKEN, PAGE_FILMS, start)

    async def _total(self, held: _HeldFilms, name: LibraryShelf) -> int:
        counts = await self._films.counts()
        match name:
            case LibraryShelf.HELD:
                return len(held.ids)
            case LibraryShelf.OTHERS:
                return counts.counted - len(held.ids)
            case LibraryShelf.UNKNOWN:
                return counts.gated - counts.counted
            case LibraryShelf.FOLDER:
                return counts.folder
            case LibraryShelf.BROKEN:
                return counts.broken

    async def _continuing(self, viewer: Viewer) -> tuple[LibraryItem, ...]:
        """Return begun films that the viewer may go on with, as many as a page has."""
        begun = await self._positions.begun(viewer.wallet, PAGE_FILMS)
        films = await self._in_order([position.film for position in begun])
        playable = [film for film in films if film.state not in {FilmState.FAILED, FilmState.AWAY}]
        items = await self._items(viewer, playable)
        return tuple(item for item in items if _may_be_watched(item))

    async def _in_order(self, wanted: Collection[FilmId]) -> tuple[Film, ...]:
        known = {film.id: film for film in await self._films.some(wanted)} if wanted else {}
        return tuple(known[film] for film in dict.fromkeys(wanted) if film in known)

    async def _items(self, viewer: Viewer | None, films: Iterable[Film]) -> tuple[LibraryItem, ...]:
        """Return films as a viewer sees them; without a viewer, just as they are."""
        chosen = tuple(films)
        if viewer is None or not chosen:
            return tuple(LibraryItem(film) for film in chosen)
        tokens = [film.token for film in chosen if film.token]
        stacks = await self._stacks.stacks(viewer.wallet, tokens) if tokens else {}
        positions = await self._positions.of_films(viewer.wallet, [film.id for film in chosen])
        return tuple(
            LibraryItem(film, stacks.get(film.token) if film.token else None, positions.get(film.id))
            for film in chosen
        )


def _may_be_watched(item: LibraryItem) -> bool:
    return item.stack is None or item.stack.grants(PERSONAL) is not None
