from __future__ import annotations

import pytest

from wylloh_server.domain.errors import InvalidValue, PluginError
from wylloh_server.domain.plugin_pages import PluginRequest, Redirect, SentValues
from wylloh_server.domain.plugin_settings import Setting
from wylloh_server.plugins.declarations import PluginRoute


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
    assert PluginRoute("GET", pattern, page).match(path) == params


@pytest.mark.parametrize(
    "path",
    [
        "/a",
        "a b",
        "{",
        "{a:.*}",
        "{A}",
        "a?b",
        "static/x",
        "static",
        "{a}{b}{c}",
        "{a}-{b}/{c:.+}",
        "{a:.+}/{b:.+}",
    ],
)
def test_a_path_that_cannot_be_mounted(path):
    with pytest.raises(PluginError, match="route path"):
        PluginRoute("GET", path, page)


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


@pytest.mark.parametrize("part", ["form", "query", "files", "json"])
def test_what_was_not_sent_is_a_mistake_of_who_sent_it(part):
    sent = getattr(PluginRequest(**{part: {"tag": "a"}}), part)
    assert isinstance(sent, SentValues)
    assert (sent["tag"], sent.get("film", "none"), dict(sent)) == ("a", "none", {"tag": "a"})
    with pytest.raises(InvalidValue, match="film is missing."):
        sent["film"]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (("Speed", int, 1, "How fast."), "lower_case_with_underscores"),
        (("speed", int, "1", "How fast."), "must be a whole number"),
        (("speed", int, 1, " "), "has no help"),
        (("speed", dict, {}, "How fast."), "must be bool, int, float, str or tuple"),
        (("names", tuple, [], "Names."), "must be a list of texts"),
    ],
)
def test_a_setting_nobody_could_use(values, sentence):
    with pytest.raises(PluginError, match=sentence):
        Setting(*values)


def test_a_route_of_another_method_than_get_and_post_is_refused():
    with pytest.raises(PluginError, match="has the method 'PUT'. Use GET or POST."):
        PluginRoute("PUT", "x", None)
