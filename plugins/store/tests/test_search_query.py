from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wylloh_store.search_query import FACETS, NEWEST, RELEVANCE, SORTS, SearchQuery, parse_search_query

word = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters=","), min_size=1, max_size=12
).filter(lambda text: text == text.strip())
wishes = st.builds(
    SearchQuery,
    text=st.text(st.characters(exclude_categories=["Cs"]), max_size=30).map(
        lambda text: " ".join(text.split())
    ),
    chosen=st.dictionaries(
        st.sampled_from(list(FACETS)), st.lists(word, min_size=1, max_size=3, unique=True).map(tuple)
    ),
    sort=st.sampled_from(["", *SORTS]),
    page=st.integers(1, 10_000),
)


def query_of(url):
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


@given(wishes)
def test_the_address_holds_the_whole_search(wish):
    assert parse_search_query(query_of(wish.url)) == wish


@pytest.mark.parametrize(
    "query",
    [
        {"page": "0"},
        {"page": "-3"},
        {"page": "x"},
        {"page": "9" * 40},
        {"sort": "backwards"},
        {"colour": "red"},
        {"genre": " , ,"},
        {"q": "  "},
    ],
)
def test_what_cannot_be_meant_is_left_out(query):
    assert parse_search_query(query) == SearchQuery()


def test_choosing_and_taking_away():
    wish = SearchQuery(text="light", page=3).toggled("genre", "drama").toggled("genre", "western")
    assert (wish.chosen["genre"], wish.page) == (("drama", "western"), 1)
    assert wish.toggled("genre", "drama").chosen["genre"] == ("western",)


def test_the_order_is_by_relevance_only_where_there_is_a_text():
    assert SearchQuery().order == NEWEST
    assert SearchQuery(text="a").order == RELEVANCE
    assert SearchQuery(sort=RELEVANCE).order == NEWEST
    assert SearchQuery(text="a", sort="price").order == "price"


def test_a_very_long_search_is_cut():
    wish = parse_search_query({"q": "x" * 5000, "genre": ",".join(map(str, range(500)))})
    assert (len(wish.text), len(wish.chosen["genre"])) == (200, 20)
