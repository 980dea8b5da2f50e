"""No hook, event, slot, SDK name or setting without its documentation and a test."""

from __future__ import annotations

import inspect
import re
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from wylloh_server import config, sdk
from wylloh_server.cli.plugin.reference import reference
from wylloh_server.domain import events
from wylloh_server.domain.events import Event
from wylloh_server.hooks import HOOKS, PluginRegistry, Slot
from wylloh_server.hooks.spec import ENTRY_POINT_GROUP, RUNNING_HOOKS, Hooks

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "plugins/README.md").read_text()
IN_README = set(re.findall(r"`([A-Za-z_.]+)(?:\([a-z, ]*\))?`", README))
EVENTS = {
    name: item
    for name, item in inspect.getmembers(events, inspect.isclass)
    if issubclass(item, Event) and item is not Event
}
BUNDLED = [path.name for path in sorted((ROOT / "plugins").glob("*/wylloh_*"))]


def text_of(*patterns: str) -> str:
    files = [path for pattern in patterns for path in sorted(ROOT.glob(pattern))]
    assert files
    return "\n".join(path.read_text() for path in files)


def loaded() -> PluginRegistry:
    points = [EntryPoint(name.removeprefix("wylloh_"), name, ENTRY_POINT_GROUP) for name in BUNDLED]
    registry = PluginRegistry(points=points)
    registry.load()
    return registry


def test_the_page_about_plugins_is_what_the_code_says():
    assert reference() == README, "type: make plugin-docs"


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_says_when_what_and_what_if(hook):
    text = inspect.getdoc(getattr(Hooks, hook))
    assert re.search(r"^When: ", text, re.M)
    assert re.search(r"^Return: ", text, re.M)
    assert re.search(r"^If it fails|^If the first half fails", text, re.M)


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_is_listed_with_its_arguments(hook):
    arguments = [name for name in inspect.signature(getattr(Hooks, hook)).parameters if name != "self"]
    assert f"| `{hook}({', '.join(arguments)})` |" in README


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_has_a_test(hook):
    assert f"async def test_hook_{hook}(" in text_of("tests/hooks/test_spec.py")


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_ships_with_a_bundled_plugin_that_uses_it(hook):
    registry = loaded()
    names = [record.name for record in registry.records()]
    assert any(hook in registry.plugin(name).hooks for name in names)


def test_the_running_hooks_are_those_that_are_async():
    assert {hook for hook in HOOKS if inspect.iscoroutinefunction(getattr(Hooks, hook))} == RUNNING_HOOKS


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_is_documented_offered_and_told(name):
    assert not EVENTS[name].__doc__.startswith(f"{name}(")
    assert EVENTS[name].__dataclass_params__.frozen
    assert f"| `{name}` |" in README
    assert getattr(sdk, name) is EVENTS[name]
    assert f"{name}(" in text_of("wylloh_server/services/**/*.py")
    assert f"events.{name}(" in text_of("tests/hooks/test_events.py")


@pytest.mark.parametrize("slot", Slot)
def test_a_slot_is_documented_and_drawn(slot):
    assert f"| `{slot}` |" in README
    assert re.search(rf'slot\("{re.escape(slot)}"', text_of("themes/default/templates/*.html"))


def test_the_theme_draws_no_slot_that_plugins_cannot_know():
    drawn = set(re.findall(r'slot\("([a-z.-]+)"', text_of("themes/default/templates/*.html")))
    assert drawn == set(Slot)


@pytest.mark.parametrize("name", sdk.__all__)
def test_a_name_of_the_sdk_is_documented_and_used(name):
    assert name in IN_README
    item = getattr(sdk, name)
    # Aliases and NewTypes have no docstring of their own.
    assert not inspect.isclass(item) or (item.__doc__ and not item.__doc__.startswith(f"{name}("))
    assert re.search(
        rf"\b{name}\b", text_of("tests/hooks/*.py", "plugins/*/tests/*.py", "plugins/*/wylloh_*/*.py")
    )


def test_the_sdk_offers_all_it_imports():
    imported = {name for name in vars(sdk) if name[0].isalpha() and name != "annotations"}
    assert imported == set(sdk.__all__)
    assert list(sdk.__all__) == sorted(
        sdk.__all__, key=lambda name: (not name.isupper(), not name[0].isupper(), name)
    )


def bundled_settings():
    return [(plugin, setting.name) for plugin, found in loaded().settings().items() for setting in found]


@pytest.mark.parametrize(("plugin", "name"), bundled_settings())
def test_a_setting_of_a_plugin_is_documented_and_tested(plugin, name):
    assert f"\n{name} = " in (ROOT / f"plugins/{plugin}/README.md").read_text()
    assert re.search(rf"\b{name}\b", text_of(f"plugins/{plugin}/tests/*.py"))


def bundled_commands():
    registry = loaded()
    names = [record.name for record in registry.records()]
    return [(name, one.name) for name in names for one in registry.plugin(name).declared.commands]


@pytest.mark.parametrize(("plugin", "name"), bundled_commands())
def test_a_command_of_a_plugin_is_documented_and_tested(plugin, name):
    assert f"wylloh plugin run {plugin} {name}" in (ROOT / f"plugins/{plugin}/README.md").read_text()
    assert re.search(rf"""["']{re.escape(name)}["']""", text_of(f"plugins/{plugin}/tests/*.py"))


def core_settings():
    sections = config.Settings.model_fields.items()
    return [(section, name) for section, field in sections for name in field.annotation.model_fields]


@pytest.mark.parametrize(("section", "name"), core_settings())
def test_a_setting_of_the_core_is_explained(section, name):
    fields = config.Settings.model_fields[section].annotation.model_fields
    assert fields[name].description


@pytest.mark.parametrize("plugin", BUNDLED)
def test_a_bundled_plugin_has_a_page_and_tests(plugin):
    folder = next((ROOT / "plugins").glob(f"*/{plugin}")).parent
    assert (folder / "README.md").read_text().startswith("# ")
    assert list((folder / "tests").glob("test_*.py"))


async def test_the_small_plugin_of_the_page_works(plugin_app, tmp_path, monkeypatch):
    package = tmp_path / "wylloh_counting"
    (package / "templates").mkdir(parents=True)
    (package / "__init__.py").write_text(README.split("```python\n")[1].split("```")[0])
    (package / "templates/count.html").write_text(README.split("```html\n")[1].split("```")[0])
    monkeypatch.syspath_prepend(tmp_path)
    test: dict = {}
    exec(README.split("## Tests\n")[1].split("```python\n")[1].split("```")[0], test)
    await test["test_the_count"](plugin_app)
    async with plugin_app("wylloh_counting") as app:
        assert [item.label for item in await app.nav_items()] == ["Count"]
