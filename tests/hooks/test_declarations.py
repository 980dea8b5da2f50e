from __future__ import annotations

import pytest

from wylloh_server.domain.errors import InvalidValue, PluginError
from wylloh_server.hooks import PluginRequest, Redirect, Route, Setting


async def page(context, request): ...


@pytest.mark.parametrize(
    ("pattern", "path", "params"),
    [
        ("", "", {}),
        ("", "x", None),
        ("film/{film}/tags", "film/a b/tags", {"film": "a b"}),
        ("film/{film}/tags", "film/a/b/tags", None),
        ("film/{film}/tags", "film//tags", None),
        ("tag/{tag:.+}", "tag/a/b/ü", {"tag": "a/b/ü"}),
        ("tag/{tag:.+}", "tag/", None),
        ("v1.0/{a}-{b}", "v1.0/x-y", {"a": "x", "b": "y"}),
        ("v1.0", "v1x0", None),
    ],
)
def test_a_route_matches_paths(pattern, path, params):
    assert Route("GET", pattern, page).match(path) == params


@pytest.mark.parametrize("path", ["/a", "a b", "{", "{a:.*}", "{A}", "a?b", "static/x", "static"])
def test_a_path_that_cannot_be_mounted(path):
    with pytest.raises(PluginError, match="route path"):
        Route("GET", path, page)


@pytest.mark.parametrize("to", ["/", "/films/abc", "/plugins/x/?a=1#b", "/ü"])
def test_a_redirect_stays_here(to):
    assert Redirect(to).to == to


@pytest.mark.parametrize(
    "to",
    ["", "films", "//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nSet-Cookie: x", "/a b"],
)
def test_a_redirect_elsewhere_is_refused(to):
    with pytest.raises(InvalidValue):
        Redirect(to)


def test_a_request_gives_one_text_from_json_or_form():
    assert PluginRequest(form={"tag": "a"}).value("tag") == "a"
    assert PluginRequest(json={"tag": "b"}, form={"tag": "a"}).value("tag") == "b"
    assert PluginRequest(json=["tag"]).value("tag") == ""
    assert PluginRequest().value("tag") == ""
    for request in (PluginRequest(form={"tag": ["a", "b"]}), PluginRequest(json={"tag": None})):
        with pytest.raises(InvalidValue, match="tag must be one text"):
            request.value("tag")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (("Speed", int, 1, "How fast."), "lower_case_with_underscores"),
        (("speed", int, "1", "How fast."), "is no int"),
        (("speed", int, 1, " "), "has no help"),
        (("names", tuple, [], "Names."), "is no tuple"),
    ],
)
def test_a_setting_nobody_could_use(values, sentence):
    with pytest.raises(PluginError, match=sentence):
        Setting(*values)
