"""What plugins read from requests. Addresses and their checksums: see the tests of the royalties."""

from __future__ import annotations

import pytest

from wylloh_server.sdk import (
    InvalidValue,
    PluginRequest,
    Role,
    form_texts,
    page_count,
    page_number,
    quote_input,
    require_viewer,
)
from wylloh_server.sdk.testing.samples import sample_viewer


def test_a_viewer_is_required():
    viewer = sample_viewer(Role.VIEWER)
    assert require_viewer(PluginRequest(viewer=viewer)) == viewer
    with pytest.raises(InvalidValue, match="sign in"):
        require_viewer(PluginRequest())


@pytest.mark.parametrize(
    ("text", "page"),
    [("", 1), ("2", 2), ("3", 3), ("4", 3), ("9" * 78, 3), ("0", 1), ("-1", 1), ("x", 1), ("²", 1)],
)
def test_a_page_is_one_of_those_there_are(text, page):
    assert page_number(PluginRequest(query={"at": text}), 3, "at") == page


@pytest.mark.parametrize(("total", "pages"), [(0, 1), (1, 1), (10, 1), (11, 2)])
def test_there_is_always_a_page(total, pages):
    assert page_count(total, 10) == pages


def test_all_texts_under_a_name_are_read():
    request = PluginRequest(form={"one": "a", "two": ["b", "c"]})
    assert [form_texts(request, name) for name in ("one", "two", "none")] == [["a"], ["b", "c"], []]


def test_typed_text_is_quoted_printable_and_cut():
    assert quote_input(" a\x00b ") == "“a b”"
    assert quote_input("x" * 60) == f"“{'x' * 60}”"
    assert quote_input("x" * 61) == f"“{'x' * 59}…”"
    assert quote_input("abcdef", 4) == "“abc…”"
