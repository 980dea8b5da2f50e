"""The library page sorts films by what the viewer can do with them."""

from __future__ import annotations

from dataclasses import replace

from tests.web.pages.samples import ARRIVING, BEGUN, ELSEWHERE, FAILED, LADDER, OWN, STACKED, WAITING
from wylloh_server.domain.film import FilmState
from wylloh_server.domain.playback import Position
from wylloh_server.domain.rights import Stack
from wylloh_server.domain.types import Seconds, Timestamp
from wylloh_server.services.library import Shelved
from wylloh_server.web.pages._shelves import shelves_of


def held(film, count=1):
    return Shelved(film, Stack(count, LADDER))


def begun(item, updated, at=600):
    position = Position(item.film.id, Seconds(at), Seconds(3600), Timestamp(updated))
    return replace(item, position=position)


def sorted_(*items):
    return shelves_of(items, lambda film: f"/poster/{film.id}")


def titles(cards):
    return [card.title for card in cards]


def test_yours_not_yours_and_unknown_are_apart():
    shelves = sorted_(held(BEGUN), held(ELSEWHERE, 0), Shelved(OWN), Shelved(STACKED))
    assert titles(shelves.held) == [BEGUN.title]
    assert titles(shelves.folder) == [OWN.title]
    assert titles(shelves.others) == [ELSEWHERE.title]
    assert titles(shelves.unknown) == [STACKED.title]


def test_what_cannot_be_played_stands_apart_and_counts_nowhere():
    notes = replace(OWN, state=FilmState.FAILED)
    shelves = sorted_(
        begun(held(FAILED), 1), held(replace(FAILED, id="other"), 0), Shelved(notes), Shelved(OWN)
    )
    assert titles(shelves.broken) == [FAILED.title, FAILED.title, notes.title]
    assert not (shelves.held or shelves.unknown or shelves.others or shelves.continuing)
    assert shelves.folder_summary == "1 film"
    assert sorted_(Shelved(notes)).empty
    assert sorted_(Shelved(notes)).hero is None


def test_what_was_watched_last_comes_first():
    shelves = sorted_(begun(held(BEGUN), 1), begun(held(STACKED), 2), begun(Shelved(OWN), 3, at=3599))
    assert titles(shelves.continuing) == [STACKED.title, BEGUN.title]
    assert shelves.hero.title == STACKED.title
    assert shelves.hero_line == "Continue watching · 50 min left"


def test_a_film_that_was_sold_is_not_offered_to_go_on_with():
    assert not sorted_(begun(held(BEGUN, 0), 1)).continuing


def test_the_stage_shows_a_film_that_can_be_played():
    assert sorted_(held(ARRIVING), held(BEGUN)).hero.title == BEGUN.title
    assert sorted_(held(WAITING)).hero.title == WAITING.title
    assert sorted_(held(ELSEWHERE, 0)).hero is None


def test_what_stands_over_it_is_never_a_rank():
    assert sorted_(held(STACKED, 250)).hero_line == "Yours for good"
    assert sorted_(Shelved(OWN)).hero_line == "Your own folder"
    assert sorted_(held(ARRIVING)).hero_line == "Arriving · 64 %"


def test_the_summary_counts():
    assert sorted_(held(BEGUN), held(ARRIVING)).summary == "2 films · 1 ready offline"
    assert sorted_(held(BEGUN)).summary == "1 film · 1 ready offline"


def test_an_empty_server_says_so():
    assert sorted_().empty
    assert not sorted_(held(ELSEWHERE, 0)).empty
