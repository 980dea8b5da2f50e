from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wylloh_server.sdk import FilmId, InvalidValue
from wylloh_tagging.tag_index import TagIndex
from wylloh_tagging.tags import ancestors, find, tag_of, tree

A, B = FilmId("a"), FilmId("b")


def tree_of(pairs):
    return tree(TagIndex(pairs).films)


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("noir", "noir"),
        ("  Genre / Film   Noir ", "genre/film noir"),
        ("Ça/Été", "ça/été"),
        ("e\u0301te\u0301", "été"),
        ("mood/🍿", "mood/🍿"),
        ("👩\u200d👧", "👩\u200d👧"),
        ("100%?#&", "100%?#&"),
        ("x" * 80, "x" * 80),
        ("1/2/3/4/5", "1/2/3/4/5"),
        ("st. elsewhere", "st. elsewhere"),
    ],
)
def test_a_tag_is_read(text, tag):
    assert tag_of(text) == tag


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "cannot be empty"),
        (" \u00a0 ", "cannot be empty"),
        ("x" * 200, "has 200"),
        ("a\x00b", "control characters"),
        ("a\nb", "control characters"),
        ("safe\u202eexe", "control characters"),
        ("\ud800", "control characters"),
        ("a\\b", "backslashes"),
        ("../etc", "only dots"),
        ("genre/..", "only dots"),
        ("./x", "only dots"),
        ("genre//noir", "both sides"),
        ("/genre", "both sides"),
        ("/", "both sides"),
        ("1/2/3/4/5/6", "at most 5 levels"),
    ],
)
def test_bad_input_gets_a_sentence_and_a_fix(text, sentence):
    with pytest.raises(InvalidValue, match=sentence) as refused:
        tag_of(text)
    assert refused.value.fix


@given(st.text(max_size=90))
def test_a_read_tag_reads_the_same_again(text):
    try:
        tag = tag_of(text)
    except InvalidValue:
        return
    assert tag_of(tag) == tag
    assert 0 < len(tag) <= 80
    assert not tag.startswith("/")


def test_ancestors_are_the_levels_above():
    assert ancestors(tag_of("a/b/c")) == ("a", "a/b")
    assert ancestors(tag_of("a")) == ()


def test_the_tree_counts_a_film_once_a_level():
    nodes = tree_of([(A, tag_of("genre/noir")), (A, tag_of("genre/drama")), (B, tag_of("genre/noir/french"))])
    (genre,) = nodes
    assert (genre.tag, genre.films) == ("genre", 2)
    assert [(node.label, node.films) for node in genre.children] == [("drama", 1), ("noir", 2)]
    assert find(nodes, tag_of("genre/noir/french")).films == 1
    assert find(nodes, tag_of("genre/western")) is None
    assert find(nodes, tag_of("gen")) is None


def test_a_tag_that_only_begins_alike_is_no_child():
    nodes = tree_of([(A, tag_of("art")), (B, tag_of("art house"))])
    assert [node.tag for node in nodes] == ["art", "art house"]
    assert [node.children for node in nodes] == [(), ()]
