"""How the library page shows films: what to go on with, what is yours, what is not, what is broken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.film import FilmState
from wylloh_server.services.library.film_library import PAGE_FILMS, LibraryShelf
from wylloh_server.web.film_cards import FilmTile, film_tile

if TYPE_CHECKING:
    from collections.abc import Callable

    from wylloh_server.domain.film import Film
    from wylloh_server.services.library.film_library import LibraryOverview, ShelfPage
    from wylloh_server.services.library.posters import PictureUrls

_TITLES = {
    LibraryShelf.HELD: "Yours for good",
    LibraryShelf.FOLDER: "From your own folders",
    LibraryShelf.UNKNOWN: "On this server",
    LibraryShelf.OTHERS: "Not yours yet",
    LibraryShelf.BROKEN: "Cannot be played",
}
_NOTES = {
    LibraryShelf.UNKNOWN: "Your tokens cannot be counted right now",
    LibraryShelf.OTHERS: "Published on the chain this server follows",
    LibraryShelf.BROKEN: "Open one to see why",
}
_IDS = {LibraryShelf.HELD: "yours"}
"""Fragments of addresses that people may have kept; the other shelves are called what they are."""


@dataclass(frozen=True, slots=True)
class ShelfView:
    """One page of a shelf.

    Attributes:
        id: what the shelf's heading is called in addresses.
        note: a few words beside the heading.
        rest: how many films come after this page.
    """

    page: ShelfPage
    id: str
    title: str
    note: str
    cards: tuple[FilmTile, ...]
    rest: int


@dataclass(frozen=True, slots=True)
class LibraryView:
    """The library page: films begun and not finished, the last watched first; the shelves with films."""

    continuing: tuple[FilmTile, ...]
    shelves: tuple[ShelfView, ...]
    hero: FilmTile | None
    hero_line: str
    empty: bool
    unknown: bool

    @property
    def hero_plays(self) -> bool:
        """Whether the film on the stage can be played now."""
        return self.hero is not None and self.hero.film.state is FilmState.READY

    @property
    def cards(self) -> tuple[FilmTile, ...]:
        """Every card on the page; a film may have several."""
        return (*self.continuing, *(card for shelf in self.shelves for card in shelf.cards))


def library_view(overview: LibraryOverview, pictures: Callable[[Film], PictureUrls]) -> LibraryView:
    """Return what the first page of the library shows."""
    continuing = tuple(film_tile(item, pictures(item.film)) for item in overview.continuing)
    views = {name: shelf_view(page, pictures) for name, page in overview.shelves.items() if page.total}
    hero = _hero(continuing, views)
    return LibraryView(
        continuing=continuing,
        shelves=tuple(views.values()),
        hero=hero,
        hero_line=_hero_line(hero, continuing),
        empty=not views.keys() - {LibraryShelf.BROKEN},
        unknown=LibraryShelf.UNKNOWN in views,
    )


def shelf_view(page: ShelfPage, pictures: Callable[[Film], PictureUrls]) -> ShelfView:
    """Return one page of a shelf as it is shown."""
    shown = (page.number - 1) * PAGE_FILMS + len(page.items)
    return ShelfView(
        page=page,
        id=_IDS.get(page.name, page.name),
        title=_TITLES[page.name],
        note=_note(page),
        cards=tuple(film_tile(item, pictures(item.film)) for item in page.items),
        rest=max(0, page.total - shown),
    )


def _note(page: ShelfPage) -> str:
    if page.name is LibraryShelf.HELD:
        return f"{_films(page.total)} · {page.ready:,} ready offline"
    return _films(page.total) if page.name is LibraryShelf.FOLDER else _NOTES[page.name]


def _films(count: int) -> str:
    return f"{count:,} film{'' if count == 1 else 's'}"


def _hero(continuing: tuple[FilmTile, ...], views: dict[LibraryShelf, ShelfView]) -> FilmTile | None:
    """Return the film on the stage: the one to go on with, else one that can be played now, else any."""
    names = (LibraryShelf.HELD, LibraryShelf.FOLDER, LibraryShelf.UNKNOWN)
    mine = (*continuing, *(card for name in names if name in views for card in views[name].cards))
    return next((card for card in mine if card.film.state is FilmState.READY), next(iter(mine), None))


def _hero_line(hero: FilmTile | None, continuing: tuple[FilmTile, ...]) -> str:
    if hero is None:
        return ""
    if hero in continuing:
        return f"Continue watching · {hero.left}"
    return hero.line
