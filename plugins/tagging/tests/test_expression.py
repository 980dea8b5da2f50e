from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wylloh_server.sdk import InvalidValue
from wylloh_tagging.expression import And, Not, Or, Term, all_of, any_of, parse, replaced, terms, written

A, B, C = Term("a"), Term("b"), Term("c")


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("noir", Term("noir")),
        ("  Film   NOIR ", Term("film noir")),
        ("a AND b", And((A, B))),
        ("a OR b AND c", Or((A, And((B, C))))),
        ("(a OR b) AND c", And((Or((A, B)), C))),
        ("a NOT b", And((A, Not(B)))),
        ("a AND NOT b", And((A, Not(B)))),
        ("NOT (a OR b)", Not(Or((A, B)))),
        ("NOT NOT a", Not(Not(A))),
        ("a AND (b AND c)", And((A, B, C))),
        ("(a)", A),
        ("a OR a", A),
        ("rock and roll", Term("rock and roll")),
        ('"what (if)" AND "a ""b"""', And((Term("what (if)"), Term('a "b"')))),
        (
            "noir AND (1940s OR 1950s) NOT short",
            And((Term("noir"), Or((Term("1940s"), Term("1950s"))), Not(Term("short")))),
        ),
        ("genre/noir AND 👩\u200d👧", And((Term("genre/noir"), Term("👩\u200d👧")))),
    ],
)
def test_a_filter_is_read(text, expression):
    assert parse(text) == expression


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "A filter needs at least one tag."),
        ("   ", "A filter needs at least one tag."),
        ("AND a", "There is no tag before “AND”."),
        ("a AND", "There is no tag after “AND”."),
        ("a AND OR b", "There is no tag after “AND”."),
        ("a NOT", "There is no tag after “NOT”."),
        ("()", "There is no tag after “(”."),
        ("(a OR b", "A bracket is opened and not closed."),
        ("a)", "A bracket is closed that was not opened."),
        ("a (b OR c)", "Between “a” and “(” something is missing."),
        ("(a) b", "Between “)” and “b” something is missing."),
        ('"a" "b"', "Between “a” and “b” something is missing."),
        ('a AND "b', "A quotation mark is opened and not closed."),
        ("a AND genre//noir", "A tag needs a word on both sides of each slash."),
        ("(" * 12 + "a" + ")" * 12, "Brackets go at most 10 deep."),
        ("NOT " * 12 + "a", "Brackets go at most 10 deep."),
        ("a" * 501, "A filter has at most 500 characters, this one has 501."),
        ("a\x00", "A tag cannot hold control characters or backslashes."),
    ],
)
def test_what_cannot_be_read_is_told_in_a_sentence(text, sentence):
    with pytest.raises(InvalidValue) as refused:
        parse(text)
    assert str(refused.value) == sentence
    assert refused.value.fix


EXPRESSIONS = st.recursive(
    st.sampled_from(["noir", "1940s", "rock and roll", "what (if)", 'a "b"', "genre/noir", "not", "("]).map(
        Term
    ),
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=1, max_size=3).map(all_of),
        st.lists(inner, min_size=1, max_size=3).map(any_of),
    ),
    max_leaves=8,
)


@given(EXPRESSIONS)
def test_what_is_written_reads_the_same_again(expression):
    try:
        again = parse(written(expression))
    except InvalidValue as refused:
        assert "deep" in str(refused) or "500" in str(refused)
        return
    assert written(again) == written(expression)
    assert again == expression


@given(st.text(alphabet='ab ()"ANDORT', max_size=40))
def test_nonsense_is_refused_in_a_sentence(text):
    try:
        expression = parse(text)
    except InvalidValue as refused:
        assert refused.fix
        return
    assert parse(written(expression)) == expression


def test_terms_and_replacing():
    expression = parse("a AND (b OR a) NOT c")
    assert terms(expression) == ("a", "b", "c")
    changed = replaced(expression, lambda tag: ("x", "y") if tag == "a" else (tag,))
    assert written(changed) == "(x OR y) AND (b OR x OR y) NOT c"
