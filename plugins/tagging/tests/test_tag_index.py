from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wylloh_server.sdk import FilmId
from wylloh_tagging.expression import And, Not, Or, Term, all_of, any_of, parse
from wylloh_tagging.tag_index import TagIndex
from wylloh_tagging.tags import tag_of

FILMS = [FilmId(name) for name in "abcd"]
PAIRS = [
    ("a", "genre/noir/french"),
    ("a", "decade/1940s"),
    ("b", "genre/noir"),
    ("b", "decade/1950s"),
    ("b", "length/short"),
    ("c", "mood/dark"),
    ("c", "genre/dark"),
    ("d", "dark"),
]
INDEX = TagIndex([(FilmId(film), tag_of(tag)) for film, tag in PAIRS])


def found(text):
    return "".join(sorted(INDEX.matching(parse(text), frozenset(FILMS))))


def test_a_filter_finds_films():
    assert found("noir") == "ab"
    assert found("genre/noir") == "ab"
    assert found("noir/french") == "a"
    assert found("genre") == "abc"
    assert found("noir AND (1940s OR 1950s) NOT short") == "a"
    assert found("dark") == "cd"
    assert found("mood/dark OR french") == "ac"
    assert found("NOT noir") == "cd"
    assert found("NOT nothing") == "abcd"
    assert found("nothing") == ""
    assert found("ir") == ""


def test_what_left_the_library_is_not_found():
    assert INDEX.matching(parse("noir"), frozenset({FilmId("b")})) == {"b"}


def test_a_word_means_every_tag_that_ends_with_it():
    assert set(INDEX.meant(tag_of("dark"))) == {"dark", "genre/dark", "mood/dark"}
    assert INDEX.meant(tag_of("genre/dark")) == ("genre/dark",)
    assert INDEX.meant(tag_of("genre")) == ("genre",)
    assert INDEX.meant(tag_of("enre/dark")) == ()


def test_counts_and_levels():
    assert INDEX.counts() == {"a": 2, "b": 3, "c": 2, "d": 1}
    assert INDEX.films["genre"] == {"a", "b", "c"}
    assert "genre" not in INDEX.exact
    assert INDEX.below(tag_of("genre/noir")) == ("genre/noir", "genre/noir/french")


WORDS = st.sampled_from(["noir", "genre", "dark", "1940s", "genre/noir", "nothing"])
EXPRESSIONS = st.recursive(
    WORDS.map(tag_of).map(Term),
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=1, max_size=3).map(all_of),
        st.lists(inner, min_size=1, max_size=3).map(any_of),
    ),
    max_leaves=8,
)


@given(EXPRESSIONS)
def test_the_index_finds_what_looking_at_each_film_finds(expression):
    def fits(film, part):
        match part:
            case Term(word):
                own = [tag for one, tag in PAIRS if one == film]
                return any(f"/{tag}/".find(f"/{word}/") >= 0 for tag in own)
            case Not(inner):
                return not fits(film, inner)
            case And(parts):
                return all(fits(film, one) for one in parts)
            case Or(parts):
                return any(fits(film, one) for one in parts)

    assert INDEX.matching(expression, frozenset(FILMS)) == {film for film in FILMS if fits(film, expression)}
