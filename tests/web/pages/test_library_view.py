"""The library page shows the films sorted by what the viewer can do with them."""

from __future__ import annotations

import re
from dataclasses import replace

from tests.web.pages.samples import ARRIVING, BEGUN, LADDER, OWN, STACKED, WAITING
from wylloh_server.domain.film import FilmState
from wylloh_server.domain.playback import Position
from wylloh_server.domain.rights import Stack
from wylloh_server.domain.types import Seconds, Timestamp
from wylloh_server.domain.library_item import LibraryItem
from wylloh_server.services.library.film_library import LibraryOverview, LibraryShelf, ShelfPage
from wylloh_server.services.library.posters import PictureUrls
from wylloh_server.web.pages.library_view import library_view, shelf_view
from wylloh_server.web.templating import template_environment


def held(film, count=1):
    return LibraryItem(film, Stack(count, LADDER))


def begun(item, updated, at=600):
    position = Position(item.film.id, Seconds(at), Seconds(3600), Timestamp(updated))
    return replace(item, position=position)


def shown(*continuing, ready=0, **shelves):
    pages = {
        LibraryShelf(name): ShelfPage(LibraryShelf(name), items, len(items), ready)
        for name, items in shelves.items()
    }
    return library_view(
        LibraryOverview(continuing, pages),
        lambda film: PictureUrls(f"/poster/{film.id}", f"/backdrop/{film.id}"),
    )


def titles(cards):
    return [card.film.title for card in cards]


def test_shelves_with_films_are_shown_in_order():
    view = shown(held=(held(BEGUN),), folder=(), others=(held(STACKED, 0),))
    assert [shelf.title for shelf in view.shelves] == ["Yours for good", "Not yours yet"]
    assert titles(view.shelves[0].cards) == [BEGUN.title]


def test_the_stage_shows_what_was_watched_last():
    view = shown(begun(held(STACKED), 2), begun(held(BEGUN), 1), held=(held(BEGUN),))
    assert view.hero.film.title == STACKED.title
    assert view.hero_line == "Continue watching · 50 min left"


def test_the_stage_shows_a_film_that_can_be_played():
    assert shown(held=(held(ARRIVING), held(BEGUN))).hero.film.title == BEGUN.title
    assert shown(held=(held(WAITING),)).hero.film.title == WAITING.title
    assert shown(others=(held(BEGUN, 0),)).hero is None
    away = begun(LibraryItem(replace(OWN, state=FilmState.AWAY)), 1)
    view = shown(away, held=(held(BEGUN),))
    assert (view.hero.film.title, view.hero_line, view.hero_plays) == (BEGUN.title, "Personal viewing", True)
    assert not shown(away).hero_plays


def test_what_stands_over_it_is_never_a_rank():
    assert shown(held=(held(STACKED, 250),)).hero_line == "Small venue"
    assert shown(folder=(LibraryItem(OWN),)).hero_line == "Your own folder"
    assert shown(held=(held(ARRIVING),)).hero_line == "Arriving · 64\xa0%"


def test_the_summary_counts():
    assert shown(held=(held(BEGUN), held(ARRIVING)), ready=1).shelves[0].note == "2 films · 1 ready offline"
    assert shown(held=(held(BEGUN),), ready=1).shelves[0].note == "1 film · 1 ready offline"
    assert shown(folder=(LibraryItem(OWN),)).shelves[0].note == "1 film"


def test_an_empty_server_says_so():
    assert shown().empty
    assert shown(broken=(LibraryItem(OWN),)).empty
    assert shown(broken=(LibraryItem(OWN),)).hero is None
    assert not shown(others=(held(BEGUN, 0),)).empty


async def test_pages_lead_to_each_other():
    page = ShelfPage(LibraryShelf.FOLDER, (LibraryItem(OWN),) * 60, total=1000, number=2)
    (shelf,) = library_view(LibraryOverview((), {LibraryShelf.FOLDER: page}), lambda _: PictureUrls()).shelves
    assert (shelf.page.number, shelf.page.pages, shelf.rest) == (2, 17, 880)
    links = [(rel, address) for rel, address in re.findall(r'rel="(\w+)" href="([^"]+)"', await drawn(shelf))]
    assert links == [("prev", "/?shelf=folder&amp;page=1"), ("next", "/?shelf=folder&amp;page=3")]


async def test_the_first_page_and_the_last_lead_one_way():
    async def rels(number):
        page = ShelfPage(LibraryShelf.FOLDER, (LibraryItem(OWN),), total=120, number=number)
        return re.findall(r'rel="(\w+)"', await drawn(shelf_view(page, lambda _: PictureUrls())))

    assert (await rels(1), await rels(2)) == (["next"], ["prev"])


async def drawn(shelf):
    template = '{% import "macros.html" as ui %}{{ ui.shelf(shelf) }}'
    return await template_environment(dict).from_string(template).render_async(shelf=shelf)
