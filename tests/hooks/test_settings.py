from __future__ import annotations

import pytest

from wylloh_server.domain.errors import SettingsError
from wylloh_server.hooks import Setting
from wylloh_server.hooks._settings import settings_of

DECLARED = [
    Setting("on", bool, True, "Whether."),
    Setting("count", int, 3, "How many."),
    Setting("share", float, 0.5, "How much."),
    Setting("name", str, "x", "Who."),
    Setting("names", tuple, ("a",), "Which."),
]


def test_defaults():
    assert dict(settings_of("p", DECLARED, {})) == {
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
    read = settings_of("p", DECLARED, {name: given})[name]
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
        ("name", 7),
        ("names", [1]),
        ("names", 7),
    ],
)
def test_a_value_of_another_type_is_named(name, given):
    with pytest.raises(SettingsError, match=rf"plugins\.settings\.p\.{name} must be a "):
        settings_of("p", DECLARED, {name: given})


def test_an_unknown_name_gets_the_nearest_one():
    with pytest.raises(
        SettingsError, match=r"plugins\.settings\.p\.cuont is no setting .* Did you mean count\?"
    ):
        settings_of("p", DECLARED, {"cuont": 1})
    with pytest.raises(SettingsError, match="This plugin has no settings"):
        settings_of("p", [], {"cuont": 1})


def test_settings_cannot_be_changed():
    with pytest.raises(TypeError):
        settings_of("p", DECLARED, {})["on"] = False
