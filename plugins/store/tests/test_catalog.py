from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from store_samples import LADDER, film, token

from wylloh_server.domain.types import Seconds
from wylloh_server.sdk import PriceStep, Timestamp
from wylloh_server.sdk.testing import DOLLAR
from wylloh_store.catalog import PAGE_SIZE, Catalog
from wylloh_store.offer import FilmMarket, Offer
from wylloh_store.store_film import slug, store_film
from wylloh_store.search_query import FACETS, SearchQuery

NOW = 1_000.0
COINS = {DOLLAR.address: DOLLAR}
GENRES = ["Drama", "drama", "Film noir", "Film Noir", "Comedy", ""]

titles = st.builds(
    lambda number, genres, year, runtime, languages, cents, stock: store_film(
        film(
            number,
            f"Film {number}",
            genres=tuple(genres),
            year=year,
            runtime=Seconds(runtime),
            languages=languages,
        ),
        FilmMarket(
            token(number),
            Timestamp(number % 7),
            ladder=LADDER,
            in_store=stock,
            offer=Offer("0x1", "0x2", DOLLAR.address, 0, 0, 0, (PriceStep(1, cents * 10_000),))
            if cents
            else None,
        ),
        COINS,
        NOW,
    ),
    st.integers(1, 40),
    st.lists(st.sampled_from(GENRES), max_size=3),
    st.sampled_from([None, 1994, 1999, 2001]),
    st.sampled_from([0, 1200, 2400, 2401, 5400, 9000]),
    st.sampled_from([(), ("en",), ("de-AT", "en"), ("und",)]),
    st.sampled_from([0, 100, 500, 501, 20_000]),
    st.sampled_from([0, 1, 100, 600]),
)
VALUES = {
    "genre": ["drama", "film-noir", "western"],
    "year": ["1990s", "1994", "2000s"],
    "runtime": ["short", "60-90", "long"],
    "language": ["de", "en"],
    "price": ["0-5", "5-10", "none"],
    "availability": ["sale", "sold-out", "not-offered"],
    "right": ["personal", "small-venue"],
}
wishes = st.builds(
    SearchQuery,
    chosen=st.fixed_dictionaries(
        {},
        optional={
            name: st.lists(st.sampled_from(some), max_size=2).map(tuple) for name, some in VALUES.items()
        },
    ),
    sort=st.sampled_from(["newest", "title", "price", "dearest", "runtime", "longest"]),
    page=st.integers(1, 3),
)


def fits(title, wish, without=""):
    """Say whether a title has one value of every facet chosen, by looking at it alone."""
    return all(
        not values or name == without or any(value in title.keys[name] for value in values)
        for name, values in wish.chosen.items()
    )


class Shelves(RuleBasedStateMachine):
    """The catalogue with its bit maps, beside a plain dictionary that is looked through title by title."""

    def __init__(self):
        super().__init__()
        self.catalogue = Catalog()
        self.plain = {}

    @rule(some=st.lists(titles, max_size=6))
    def put(self, some):
        for title in some:
            self.catalogue.put(title)
            self.plain[title.film.id] = title

    @rule(number=st.integers(1, 40))
    def drop(self, number):
        gone = film(number, "").id
        assert (self.catalogue.drop(gone) is None) == (gone not in self.plain)
        self.plain.pop(gone, None)

    @rule(wish=wishes)
    def find(self, wish):
        found = self.catalogue.find(wish)
        wanted = [title for title in self.plain.values() if fits(title, wish)]
        assert found.total == len(wanted)
        assert {title.film.id for title in found.titles} <= {title.film.id for title in wanted}
        if found.pages == 1:
            assert len(found.titles) == len(wanted)
        for name in FACETS:
            left = [title for title in self.plain.values() if fits(title, wish, without=name)]
            for value in found.facets[name]:
                assert value.count == sum(value.value in title.keys[name] for title in left)
            shown = {value.value for value in found.facets[name]}
            assert {value for title in left for value in title.keys[name]} <= shown
            assert set(wish.chosen.get(name, ())) <= shown

    @rule(ranked=st.lists(st.integers(1, 40), unique=True))
    def find_by_text(self, ranked):
        places = {title.film.id: place for place, title in enumerate(self.catalogue._titles) if title}
        films = [film(number, "").id for number in ranked]
        here = [one for one in films if one in places]
        found = self.catalogue.find(SearchQuery(text="x"), [places[one] for one in here])
        assert [title.film.id for title in found.titles] == here[:PAGE_SIZE]

    @invariant()
    def it_knows_its_titles(self):
        assert len(self.catalogue) == len(self.plain)
        assert {title.film.id for title in self.catalogue._titles if title} == set(self.plain)
        assert all(self.catalogue.get(one) == title for one, title in self.plain.items())


TestShelves = Shelves.TestCase
TestShelves.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)


def stocked(count, **changes):
    catalogue = Catalog()
    for number in range(1, count + 1):
        market = FilmMarket(token(number), Timestamp(number))
        catalogue.put(store_film(film(number, f"Film {number:03}", **changes), market, COINS, NOW))
    return catalogue


def test_pages_follow_each_other_without_gap_or_overlap():
    catalogue = stocked(100)
    pages = [catalogue.find(SearchQuery(sort="title", page=page)) for page in (1, 2, 3)]
    assert [len(page.titles) for page in pages] == [48, 48, 4]
    assert [title.film.title for page in pages for title in page.titles] == [
        f"Film {n:03}" for n in range(1, 101)
    ]
    assert [page.pages for page in pages] == [3, 3, 3]


def test_a_page_beyond_the_last_is_the_last():
    found = stocked(50).find(SearchQuery(page=99))
    assert (found.page, len(found.titles)) == (2, 2)


def test_the_newest_comes_first_and_what_has_no_price_last():
    catalogue = stocked(3)
    assert [title.film.title for title in catalogue.find(SearchQuery()).titles] == [
        "Film 003",
        "Film 002",
        "Film 001",
    ]
    market = FilmMarket(
        token(9),
        Timestamp(0),
        in_store=1,
        offer=Offer("0x1", "0x2", DOLLAR.address, 0, 0, 0, (PriceStep(1, 10**6),)),
    )
    catalogue.put(store_film(film(9, "Priced"), market, COINS, NOW))
    for sort in ("price", "dearest"):
        assert catalogue.find(SearchQuery(sort=sort)).titles[0].film.title == "Priced"


def test_spellings_of_one_genre_are_one_value_under_the_commonest_name():
    catalogue = Catalog()
    for number, genre in enumerate(["Film Noir", "film-noir", "Film noir", "Film noir"], 1):
        market = FilmMarket(token(number), Timestamp(0))
        catalogue.put(store_film(film(number, "F", genres=(genre,)), market, COINS, NOW))
    (value,) = catalogue.find(SearchQuery()).facets["genre"]
    assert (value.value, value.label, value.count) == ("film-noir", "Film noir", 4)


def test_a_title_that_changed_is_found_under_its_new_values_only():
    catalogue = stocked(1)
    (title,) = catalogue.find(SearchQuery()).titles
    catalogue.put(replace(title, keys={**title.keys, "genre": {"western": "Western"}}))
    assert catalogue.find(SearchQuery(chosen={"genre": ("drama",)})).total == 0
    assert catalogue.find(SearchQuery(chosen={"genre": ("western",)})).total == 1


@given(st.text(max_size=30))
def test_a_slug_stands_in_an_address_as_it_is(text):
    made = slug(text)
    assert "," not in made
    assert made == made.strip("-")
    assert slug(made) == made
