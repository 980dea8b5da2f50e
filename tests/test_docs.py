"""No hook, event, slot, SDK name or setting without its documentation and a test."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import re
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from click.testing import CliRunner

from wylloh_server import config, sdk
from wylloh_server.cli.plugin import command
from wylloh_server.cli.plugin.reference import reference
from wylloh_server.sdk.testing.background_tasks import TaskHarness
from wylloh_server.sdk.testing.plugin_harness import PluginApp
from wylloh_server.sdk.testing.recorded_live import RecordedLive
from wylloh_server.sdk.testing.sample_chain import SampleChain
from wylloh_server.sdk.testing.sample_transactions import SampleTransactions
from wylloh_server.domain import events
from wylloh_server.domain.events import Event
from wylloh_server.plugins import HOOKS, PluginRegistry
from wylloh_server.domain.plugin_pages import Slot
from wylloh_server.plugins.spec import ENTRY_POINT_GROUP, Hooks

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "plugins/README.md").read_text()
IN_README = set(re.findall(r"`([A-Za-z_.]+)(?:\([a-z, ]*\))?`", README))
EVENTS = {
    name: item
    for name, item in inspect.getmembers(events, inspect.isclass)
    if issubclass(item, Event) and item is not Event
}
BUNDLED = [path.name for path in sorted((ROOT / "plugins").glob("*/wylloh_*"))]


CSS = "\n".join(path.read_text() for path in (ROOT / "themes/default/static").glob("*.css"))


@pytest.mark.parametrize(
    "name",
    re.findall(
        r"`([a-z-]+)`",
        " ".join(
            word.replace(" ", "` `")
            for word in re.findall(
                r"^\| (`.*?) \|", README.split("The theme's classes")[1].split("Colours")[0], re.M
            )
        ),
    ),
)
def test_a_class_that_is_documented_is_in_the_theme(name):
    assert re.search(rf"\.{name}\b", CSS)


@pytest.mark.parametrize(
    "name", re.findall(r"macro (\w+)\(", (ROOT / "themes/default/templates/macros.html").read_text())
)
def test_a_macro_is_documented(name):
    assert f"| `ui.{name}(" in README


@pytest.mark.parametrize("name", [name for name in sdk.__all__ if inspect.isclass(getattr(sdk, name))])
def test_a_class_of_the_sdk_is_documented_with_all_its_fields_members_and_methods(name):
    item = getattr(sdk, name)
    section = README.split(f"#### `{name}`\n")[1].split("\n#### ")[0].split("\n## ")[0]
    if issubclass(item, enum.Enum):
        parts = [f"`{name}.{member.name}`" for member in item]
    else:
        fields = dataclasses.fields(item) if dataclasses.is_dataclass(item) else ()
        parts = [f"`{field.name}: " for field in fields if not field.name.startswith("_")]
        parts += [
            f"{one}(" for one, value in vars(item).items() if one[0] != "_" and inspect.isfunction(value)
        ]
    assert [part for part in parts if part not in section] == []


def test_what_the_fixture_can_do_is_documented():
    section = README.split("## Tests")[1].split("\n## ")[0]
    for kind in (PluginApp, SampleChain, RecordedLive, SampleTransactions, TaskHarness):
        for name, value in vars(kind).items():
            assert name[0] == "_" or not inspect.isfunction(value) or f"{name}(" in section, name


def test_who_installed_by_pip_can_print_the_page():
    done = CliRunner().invoke(command, ["docs"])
    assert (done.exit_code, done.output.strip()) == (0, README.strip())


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
    assert f"async def test_hook_{hook}(" in text_of("tests/plugins/test_spec.py")


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_ships_with_a_bundled_plugin_that_uses_it(hook):
    registry = loaded()
    names = [record.name for record in registry.records()]
    assert any(hook in registry.plugin(name).hooks for name in names)


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_is_documented_offered_and_told(name):
    assert not EVENTS[name].__doc__.startswith(f"{name}(")
    assert EVENTS[name].__dataclass_params__.frozen
    assert f"| `{name}` |" in README
    assert getattr(sdk, name) is EVENTS[name]
    assert f"{name}(" in text_of("wylloh_server/services/**/*.py")
    assert f"events.{name}(" in text_of("tests/plugins/test_events.py")


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
        rf"\b{name}\b", text_of("tests/plugins/*.py", "plugins/*/tests/*.py", "plugins/*/wylloh_*/*.py")
    )


def test_the_sdk_offers_all_it_imports():
    imported = {
        name
        for name, item in vars(sdk).items()
        if name[0].isalpha() and name != "annotations" and not inspect.ismodule(item)
    }
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
    return [(name, one.name) for name in names for one in registry.plugin(name).declared.cli_commands]


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


_ROUTES = """
from wylloh_server.sdk import *

WYLLOH_SDK = "1.0"

@hookimpl
def routes():
    return [PluginRoute("POST", "give", give)]
"""


async def test_8_the_transaction_of_the_page_is_one_that_the_server_takes(plugin_app, tmp_path, monkeypatch):
    example = README.split("## Transactions\n")[1].split("```python\n")[1].split("```")[0]
    package = tmp_path / "wylloh_counting"
    package.mkdir()
    (package / "__init__.py").write_text(_ROUTES + example)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "wylloh_counting", raising=False)
    async with plugin_app("wylloh_counting") as app:
        reply = await app.post("give", {"friend": "0x" + "66" * 20})
        assert reply.to.startswith("/transactions/")
        assert [one.title for one in app.transactions.proposals] == ["Give 1 token of Light"]


def test_the_documentation_builds_and_its_links_lead_somewhere(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "architecture" / "index.html").is_file()


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", *[f"docs/{p.name}" for p in ROOT.glob("docs/*.md")]]
)
def test_a_link_to_a_file_leads_there(page):
    source = ROOT / page
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", source.read_text())
    assert [link for link in links if not (source.parent / link).exists()] == []


def test_the_architecture_names_files_that_exist():
    named = re.findall(
        r"`([a-z_]+/[a-z_/]+\.py)`",
        (ROOT / "docs/architecture.md").read_text(),
    )
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_what_is_replaced_names_tests_that_exist():
    named = re.findall(
        r"(tests/[a-z_/]+\.py)::(test_[a-z_0-9]+)", (ROOT / "docs/replacements.md").read_text()
    )
    assert named
    assert [
        f"{file}::{name}" for file, name in named if f"def {name}(" not in (ROOT / file).read_text()
    ] == []
