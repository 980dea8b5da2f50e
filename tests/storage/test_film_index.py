"""Words find films: in titles, credits, genres and synopses, without accents and with slips."""

from __future__ import annotations

import pytest

from wylloh_server.domain.film import Credit, Description, Film, FilmState, FolderOrigin, film_id_for
from wylloh_server.storage.film_index import FilmIndex


def film(number, title, **about) -> Film:
    given = {"genres": ("Drama",)} | about
    return Film(
        film_id_for(str(number)), Description(title, **given), FolderOrigin(f"/{number}"), FilmState.READY
    )


LIGHT = film(
    1,
    "Winter Light",
    synopsis="A lighthouse keeper counts the ships.",
    credits=(Credit("Director", "Ada Marsh"), Credit("Cast", "Lou Große")),
    genres=("Drama", "Film noir"),
)
MEADOW = film(2, "The Meadow", genres=("Documentary",))
NIGHT = film(3, "Night Bus", genres=("Drama", "Comedy"))
FILMS = (LIGHT, MEADOW, NIGHT)

FERIEN = film(4, "Große Ferien in Łódź", synopsis="", credits=(), genres=("Komödie",))
PEKING = film(5, "北京的秋天", synopsis="", credits=(), genres=())
ALL = (*FILMS, FERIEN, PEKING)


@pytest.fixture(scope="module")
def index():
    index = FilmIndex()
    index.put(enumerate(ALL))
    return index


def found(index, text):
    return [ALL[place].title for place in index.search(text, 10)]


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("winter", ["Winter Light"]),
        ("WINTER light", ["Winter Light"]),
        ("win", ["Winter Light"]),
        ("lihgt", ["Winter Light"]),  # two letters changed places
        ("wnter", ["Winter Light"]),  # one is missing
        ("lighthose keeper", ["Winter Light"]),  # in the synopsis
        ("marsh", ["Winter Light"]),  # in the credits
        ("grosse", ["Große Ferien in Łódź", "Winter Light"]),  # title before credits
        ("lodz", ["Große Ferien in Łódź"]),
        ("komodie", ["Große Ferien in Łódź"]),
        ("documentary", ["The Meadow"]),  # a genre
        ("meadow documentary", ["The Meadow"]),
        ("北京的秋天", ["北京的秋天"]),
        ("北京", ["北京的秋天"]),
        ("night", ["Night Bus"]),  # and not Winter Light, as a mistyped word would
        ("winter meadow", []),  # all words must be there
        ("zzzzzz", []),
        ("", []),
        ("!? … --", []),
        ("AND OR NOT title:x (", []),  # nothing of it is a command
    ],
)
def test_words_find_films(index, text, titles):
    assert found(index, text) == titles


def test_a_short_word_must_be_typed_right(index):
    assert "Night Bus" in found(index, "bus")
    assert found(index, "bux") == []


def test_a_word_in_the_title_weighs_more_than_elsewhere():
    index = FilmIndex()
    index.put([(0, film(8, "Other", synopsis="A comet passes, a comet returns.")), (1, film(9, "Comet"))])
    assert index.search("comet", 10) == [1, 0]


def test_what_was_replaced_or_dropped_is_not_found():
    index = FilmIndex()
    index.put([(0, LIGHT), (1, MEADOW)])
    index.put([(0, NIGHT)])
    index.drop([1])
    assert (index.search("winter", 10), index.search("meadow", 10), index.search("night", 10)) == (
        [],
        [],
        [0],
    )


def test_no_more_than_asked_for(index):
    assert index.search("e", 0) == []
    assert len(index.search("drama", 1)) == 1


def test_a_text_without_end_is_no_trouble(index):
    assert found(index, "winter " * 5000) == ["Winter Light"]
    assert found(index, "x" * 50_000) == []
