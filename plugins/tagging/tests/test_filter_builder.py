from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wylloh_tagging.filter_builder import (
    AND,
    NOT,
    Builder,
    ConditionRow,
    expression_of,
    rows_of,
    with_tag,
    without,
)
from wylloh_tagging.expression import parse, written
from wylloh_tagging.tags import tag_of

NOIR = "noir AND (1940s OR 1950s) NOT short"
ROWS = (ConditionRow(("noir",)), ConditionRow(("1940s", "1950s")), ConditionRow(("short",), negated=True))


def state(press):
    query = parse_qs(urlsplit(press.href).query, keep_blank_values=True)
    return query["q"][0], query["at"][0]


def test_a_filter_is_rows_and_back():
    assert rows_of(parse(NOIR)) == ROWS
    assert written(expression_of(ROWS)) == NOIR
    assert rows_of(None) == ()
    assert expression_of(()) is None


@pytest.mark.parametrize("text", ["a OR (b AND c)", "a AND NOT (b AND c)", "NOT NOT a", "a AND (b OR NOT c)"])
def test_a_knotted_filter_is_no_rows(text):
    assert rows_of(parse(text)) is None


TAGS = st.sampled_from(["noir", "1940s", "what (if)", "genre/noir"]).map(tag_of)


@given(
    st.lists(
        st.builds(ConditionRow, st.lists(TAGS, min_size=1, max_size=3, unique=True).map(tuple), st.booleans())
    )
)
def test_what_rows_say_survives_being_written(rows):
    rows = tuple(dict.fromkeys(rows))
    expression = expression_of(rows)
    if rows and len(written(expression)) <= 500:
        assert rows_of(parse(written(expression))) == rows


def test_a_tag_goes_where_the_next_one_should():
    assert with_tag(ROWS, "1", tag_of("1960s"))[1].tags == ("1940s", "1950s", "1960s")
    assert with_tag(ROWS, "1", tag_of("1940s")) == ROWS
    assert with_tag((), NOT, tag_of("short")) == (ConditionRow(("short",), negated=True),)
    assert with_tag(ROWS, AND, tag_of("x"))[-1] == ConditionRow(("x",))
    assert with_tag(ROWS, "9", tag_of("x"))[-1] == ConditionRow(("x",))


def test_taking_the_last_tag_of_a_row_takes_the_row():
    assert without(ROWS, 1, tag_of("1940s"))[1] == ConditionRow(("1950s",))
    assert without(ROWS, 0, tag_of("noir")) == ROWS[1:]


def test_every_press_leads_to_the_next_state():
    builder = Builder("/filter", ROWS, "1", "at:1", {"edit": "7"})
    assert builder.asking == "Add to “1940s or 1950s” with or"
    assert state(builder.tag(tag_of("1960s"), "1960s")) == (
        "noir AND (1940s OR 1950s OR 1960s) NOT short",
        "1",
    )
    first, second, third = builder.rows
    assert (first.word, second.word, third.word) == ("", "and", "and not")
    assert [(one.label, state(one)[0]) for one in second.tags] == [
        ("1940s", "noir AND 1950s NOT short"),
        ("1950s", "noir AND 1940s NOT short"),
    ]
    assert (second.more.chosen, second.more.focus, first.more.chosen) == (True, True, False)
    assert state(first.more) == (NOIR, "0")
    assert [(one.label, state(one)[1]) for one in builder.places] == [("and", AND), ("and not", NOT)]
    assert all("edit=7" in one.href for one in builder.places)


@pytest.mark.parametrize(
    ("at", "filter_"), [("and", NOIR), ("not", NOIR), ("1", "noir NOT short"), ("9", NOIR)]
)
def test_tags_are_counted_beside_the_row_they_go_into(at, filter_):
    assert written(Builder("/filter", ROWS, at, "").counting) == filter_
    assert Builder("/filter", ROWS[:1], "0", "").counting is None


def test_an_empty_builder_asks_for_the_first_tag():
    builder = Builder("/filter", (), "5", "")
    assert (builder.at, builder.rows, builder.asking) == (AND, (), "Show films tagged")
    assert state(builder.tag(tag_of("noir"), "noir")) == ("noir", AND)
    assert [one.label for one in builder.places] == ["must be tagged", "must not be tagged"]
    assert Builder("/filter", (), NOT, "").asking == "Leave out films tagged"
    focused = Builder("/filter", ROWS, AND, "tag:noir").tag(tag_of("noir"), "noir")
    assert focused.focus
