from __future__ import annotations

import pytest

from wylloh_server.domain.errors import PluginError, SettingsError
from wylloh_server.domain.plugin_settings import Setting, checked_settings, read_settings

DECLARED = [
    Setting("on", bool, True, "Whether."),
    Setting("count", int, 3, "How many."),
    Setting("share", float, 0.5, "How much."),
    Setting("name", str, "x", "Who."),
    Setting("names", tuple, ("a",), "Which."),
]


def test_defaults():
    assert dict(checked_settings("p", DECLARED, {})) == {
        "on": True,
        "count": 3,
        "share": 0.5,
        "name": "x",
        "names": ("a",),
    }


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("on", False, False),
        ("on", "No", False),
        ("on", "true", True),
        ("count", 7, 7),
        ("count", "7", 7),
        ("share", 1, 1.0),
        ("share", "0.25", 0.25),
        ("name", "", ""),
        ("names", [], ()),
        ("names", ["b", "c"], ("b", "c")),
        ("names", "b, c,", ("b", "c")),
    ],
)
def test_a_value_from_the_file_or_the_environment(name, given, value):
    read = checked_settings("p", DECLARED, {name: given})[name]
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("on", 1),
        ("on", "maybe"),
        ("on", None),
        ("count", 1.5),
        ("count", "many"),
        ("count", True),
        ("count", float("inf")),
        ("share", "much"),
        ("share", float("nan")),
        ("share", float("inf")),
        ("share", "-inf"),
        ("name", 7),
        ("names", [1]),
        ("names", 7),
    ],
)
def test_a_value_of_another_type_is_named(name, given):
    with pytest.raises(SettingsError, match=rf"plugins\.settings\.p\.{name} must be "):
        checked_settings("p", DECLARED, {name: given})


BOUNDED = [
    Setting("skip", str, "ask", "How.", choices=("ask", "always")),
    Setting("days", int, 30, "How long.", least=1, most=365),
    Setting("token", str, "", "Which.", secret=True),
]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"skip": "never"}, "plugins.settings.p.skip must be “ask” or “always”, not “never”."),
        ({"days": 0}, "plugins.settings.p.days must be at least 1, not 0."),
        ({"days": "366"}, "plugins.settings.p.days must be at most 365, not “366”."),
        ({"token": 12345}, "plugins.settings.p.token must be a text."),
    ],
)
def test_a_value_is_one_of_the_choices_and_within_its_bounds_and_a_secret_is_not_repeated(given, message):
    with pytest.raises(SettingsError) as refused:
        checked_settings("p", BOUNDED, given)
    assert str(refused.value) == message
    assert refused.value.fix.endswith("A changed settings file is read when the server starts again.")


def test_choices_and_bounds_hold_for_the_default_too():
    assert dict(checked_settings("p", BOUNDED, {"skip": "always", "days": 365}))["days"] == 365
    with pytest.raises(PluginError, match="must be “a” or “b”"):
        Setting("kind", str, "c", "Which.", choices=("a", "b"))
    with pytest.raises(PluginError, match="must be at most 1"):
        Setting("share", float, 2.0, "How much.", most=1)


def test_an_unknown_name_gets_the_nearest_one():
    with pytest.raises(
        SettingsError, match=r"plugins\.settings\.p\.cuont is no setting .* Did you mean count\?"
    ):
        checked_settings("p", DECLARED, {"cuont": 1})
    with pytest.raises(SettingsError, match="This plugin has no settings"):
        checked_settings("p", [], {"cuont": 1})


def test_settings_cannot_be_changed():
    with pytest.raises(TypeError):
        checked_settings("p", DECLARED, {})["on"] = False


def test_each_value_is_read_by_itself_and_each_wrong_one_has_its_reason():
    given = {"skip": "always", "days": 0, "token": 12345}
    values, wrong = read_settings(BOUNDED, given)
    assert dict(values) == {"skip": "always"}
    assert dict(wrong) == {"days": "days must be at least 1, not 0.", "token": "token must be a text."}
