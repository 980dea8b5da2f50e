"""CSV that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wylloh_server.sdk.csv import escape_cell, unescape_cell, write_csv


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+49 30", "-2+3+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "-", "--5", "-5x", "=5"],
)
def test_a_formula_is_escaped(text):
    assert escape_cell(text) == f"'{text}"
    assert unescape_cell(escape_cell(text)) == text


@pytest.mark.parametrize("text", ["", "5", "-5", "+5", "-0.25", "-1e6", "a=b", "it's", "'quoted'"])
def test_a_plain_number_and_an_ordinary_text_stay(text):
    assert escape_cell(text) == text


@given(st.text())
def test_every_text_comes_back(text):
    assert unescape_cell(escape_cell(text)) == text


@given(
    st.lists(st.lists(st.text().filter(lambda text: "\0" not in text), min_size=2, max_size=4), min_size=1)
)
def test_cells_come_back_through_csv(rows):
    body = write_csv(rows).decode()
    found = [[unescape_cell(cell) for cell in row] for row in csv.reader(io.StringIO(body, newline=""))]
    assert found == rows


def test_none_is_empty_and_the_mark_is_written_on_request():
    assert write_csv([[None, -3, 0.5]]) == b",-3,0.5\r\n"
    assert write_csv([["a"]], byte_order_mark=True) == b"\xef\xbb\xbfa\r\n"
