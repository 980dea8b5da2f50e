"""The search of the library, on a real database: words, orders, filters, pages, and what has changed since."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.components.registry import ACCOUNTS, CHAIN_ID
from tests.components.stacks import write_stacks
from tests.services.packing import LADDER
from tests.services.server_environment import viewer_with
from wylloh_server.domain.film import (
    Credit,
    Description,
    Film,
    FilmState,
    FolderOrigin,
    TokenOrigin,
    film_id_for,
)
from wylloh_server.domain.playback import Position
from wylloh_server.domain.types import Cid, Seconds, TokenReference, parse_wallet
from wylloh_server.services.library.film_library import PAGE_FILMS
from wylloh_server.services.library.film_search import FilmFilter, FilmQuery, FilmSearch, FilmSort

WALLETS = [parse_wallet(account.address) for account in ACCOUNTS]
VIEWER = viewer_with(WALLETS[1])
TOKENS = [TokenReference(CHAIN_ID, WALLETS[3], number) for number in (1, 2)]


def film(number, title, state=FilmState.READY, **about) -> Film:
    path = f"/films/{number}.mp4"
    return Film(film_id_for(path), Description(title, **about), FolderOrigin(path), state, 1.0)


def gated(token, title) -> Film:
    origin = TokenOrigin(token, Cid("bafyroot"), WALLETS[0], "0" * 64)
    return Film(film_id_for(str(token)), Description(title), origin, FilmState.DISCOVERED)


LIGHT = film(1, "Winter Light", year=1994, runtime=Seconds(600), credits=(Credit("Director", "Ada Marsh"),))
AUTUMN = film(2, "Ästlicher Herbst", FilmState.AWAY, year=2020, runtime=Seconds(60))
HELD, OTHER = gated(TOKENS[0], "Held Winter"), gated(TOKENS[1], "Other Winter")


@pytest.fixture
async def search(publisher):
    storage = publisher.storage
    for one in (LIGHT, AUTUMN, HELD, OTHER):
        await storage.films.save(one)
    ladders = dict.fromkeys(TOKENS, LADDER)
    await write_stacks(storage, ladders, {(VIEWER.wallet, TOKENS[0]): 88})
    return FilmSearch(library=publisher.library, films=storage.films, positions=storage.positions)


async def titles(search, text="", **query):
    return [item.film.title for item in (await search.find(VIEWER, FilmQuery(text, **query))).items]


async def test_words_find_films_in_titles_and_people(search):
    assert await titles(search, "marsh") == ["Winter Light"]
    assert await titles(search, "astlicher") == ["Ästlicher Herbst"]
    assert sorted(await titles(search, "wnter")) == ["Held Winter", "Other Winter", "Winter Light"]
    assert await titles(search, "submarine") == []


async def test_without_words_every_film_is_found_by_title(search):
    assert await titles(search) == ["Held Winter", "Other Winter", "Winter Light", "Ästlicher Herbst"]


@pytest.mark.parametrize(
    ("sort", "first", "last"),
    [
        (FilmSort.TITLE, HELD, AUTUMN),
        (FilmSort.NEWEST, AUTUMN, OTHER),
        (FilmSort.OLDEST, LIGHT, OTHER),
        (FilmSort.SHORTEST, AUTUMN, OTHER),
        (FilmSort.LONGEST, LIGHT, OTHER),
    ],
)
async def test_films_come_in_the_order_asked_for_and_those_without_a_number_last(search, sort, first, last):
    found = await titles(search, sort=sort)
    assert (found[0], found[-1]) == (first.title, last.title)


async def test_filters_show_what_is_yours_what_is_here_and_what_is_new(publisher, search):
    assert await titles(search, shown=FilmFilter.MINE) == ["Held Winter", "Winter Light", "Ästlicher Herbst"]
    assert await titles(search, "winter", shown=FilmFilter.READY) == ["Winter Light"]
    await publisher.storage.positions.save(
        VIEWER.wallet, Position(LIGHT.id, Seconds(1), Seconds(2), publisher.clock())
    )
    assert "Winter Light" not in await titles(search, shown=FilmFilter.NEW)
    assert "Winter Light" in await titles(search)


async def test_a_film_that_changed_or_went_is_found_as_it_is_now(publisher, search):
    assert await titles(search, "light") == ["Winter Light"]
    await publisher.storage.films.save(replace(LIGHT, description=Description("Summer Dark")))
    assert (await titles(search, "light"), await titles(search, "dark")) == ([], ["Summer Dark"])
    await publisher.storage.films.remove(LIGHT.id)
    assert await titles(search, "dark") == []
    await publisher.storage.films.save(LIGHT)
    assert await titles(search, "light") == ["Winter Light"]


async def test_pages_hold_every_film_once(publisher, search):
    for number in range(PAGE_FILMS):
        await publisher.storage.films.save(film(100 + number, f"Winter {number}"))
    pages = [await search.find(VIEWER, FilmQuery("winter", number=number)) for number in (1, 2, 3)]
    assert [len(page.items) for page in pages] == [PAGE_FILMS, 3, 0]
    assert {page.total for page in pages} == {PAGE_FILMS + 3}
    assert pages[0].pages == 2
    assert len({item.film.id for page in pages for item in page.items}) == PAGE_FILMS + 3
