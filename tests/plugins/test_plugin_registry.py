"""Plugins are loaded, started and stopped, and a broken one costs only itself."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint

import pytest

from wylloh_server.domain.plugin_settings import READ_AT_START
from wylloh_server.plugins import Limits
from wylloh_server.plugins.spec import ENTRY_POINT_GROUP

HEAD_FLAT = "import asyncio\nfrom wylloh_server.sdk import *\nWYLLOH_SDK = SDK_VERSION\n"
GOOD = """
@hookimpl
async def nav_items():
    return [NavItem("Good")]
"""


def record_of(registry, name):
    (record,) = [record for record in registry.records() if record.name == name]
    return record


async def labels(dispatch):
    return [item.label for item in await dispatch.nav_items(None)]


async def test_a_server_without_plugins_runs(environment):
    async with environment.running() as (registry, dispatch):
        assert registry.records() == ()
        assert registry.routes() == ()
        assert await labels(dispatch) == []


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise RuntimeError('boom')", "It could not be loaded: RuntimeError: boom"),
        (
            "import no_such_module",
            "It could not be loaded: ModuleNotFoundError: No module named 'no_such_module'",
        ),
        ("raise SystemExit(3)", "It could not be loaded: SystemExit: 3"),
        ("def broken(:", "It could not be loaded: SyntaxError"),
    ],
)
async def test_raising_at_import_costs_only_itself(environment, source, reason):
    environment.write("bad", source)
    environment.write("good", GOOD)
    async with environment.running() as (registry, dispatch):
        assert record_of(registry, "bad").status == "failed"
        assert record_of(registry, "bad").reason.startswith(reason)
        assert record_of(registry, "good").status == "running"
        assert await labels(dispatch) == ["Good"]
    assert "wylloh_bad" not in sys.modules


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("@hookimpl\ndef settings():\n    raise RuntimeError('boom')", "RuntimeError: boom"),
        ("@hookimpl\ndef settings():\n    return [1]", "The hook settings must return a list of Setting."),
        ("@hookimpl\ndef routes():\n    return 7", "The hook routes must return a list of PluginRoute."),
        ("@hookimpl\nasync def routes():\n    return []", "The hook routes must be a plain function."),
        ("@hookimpl\ndef nav_items():\n    return []", "The hook nav_items must be async def."),
        ("@hookimpl\nasync def lifespan():\n    pass", "The hook lifespan must be async def with one yield."),
        ("@hookimpl\ndef nav_itmes():\n    return []", "no hook nav_itmes. Did you mean nav_items?"),
        (
            "async def nav_items():\n    return []\n@hookimpl\ndef settings():\n    return []\ndef routes(): ...",
            "Not marked as hooks, so never called: routes, nav_items. Put @hookimpl above each of these functions",
        ),
        ("@hookimpl\ndef settings(cake):\n    return []", "cake"),
        (
            "@hookimpl(wrapper=True)\ndef settings():\n    return (yield)",
            "may not wrap what other plugins answer",
        ),
        (
            "@hookimpl\ndef template_dirs():\n    return [Path('/no/such')]",
            "names /no/such, which is no folder.",
        ),
        (
            "@hookimpl\ndef settings():\n    return [Setting('a', int, 1, 'A.'), Setting('a', int, 2, 'A.')]",
            "The hook settings gives a twice.",
        ),
        (
            "@hookimpl\ndef migrations():\n    return [Migration('2', ()), Migration('1', ())]",
            "must give its steps in the order of their names.",
        ),
        (
            "async def page(context, request): ...\n"
            "@hookimpl\ndef routes():\n    return [PluginRoute('GET', 'a', page), PluginRoute('GET', 'a', page)]",
            "The hook routes gives ('GET', 'a') twice.",
        ),
        (
            "def page(context, request): ...\n@hookimpl\ndef routes():\n    return [PluginRoute('GET', 'a', page)]",
            "The handler of the route 'a' must be async def.",
        ),
        (
            "async def page(context, request): ...\n@hookimpl\ndef settings():\n"
            "    return [Setting('open', str, '', 'Open.')]\n"
            "@hookimpl\ndef routes():\n    return [PluginRoute('POST', 'a', page, None, 'open')]",
            "The route 'a' must have a secret setting as its token, and no role.",
        ),
        (
            "class Done: ...\n@hookimpl\ndef event_types():\n    return [Done]",
            "The event type Done must be a frozen dataclass derived from Event.",
        ),
        (
            "@dataclass\nclass Done: ...\n@hookimpl\ndef event_types():\n    return [Done]",
            "The event type Done must be a frozen dataclass derived from Event.",
        ),
        (
            "@dataclass(frozen=True)\nclass Done(Event):\n    at: int\n"
            "@hookimpl\ndef event_types():\n    return [Done]",
            "The event type Done has no docstring.",
        ),
    ],
)
async def test_a_wrong_declaration_is_named(environment, source, reason):
    environment.write("bad", source)
    environment.write("good", GOOD)
    async with environment.running() as (registry, dispatch):
        assert record_of(registry, "bad").status == "failed"
        assert reason in record_of(registry, "bad").reason
        assert await labels(dispatch) == ["Good"]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (
            "@hookimpl\nasync def lifespan():\n    raise RuntimeError('boom')\n    yield",
            "It could not start: RuntimeError: boom",
        ),
        (
            "@hookimpl\nasync def lifespan():\n    raise SystemExit\n    yield",
            "It could not start: tried to end the server",
        ),
        (
            "@hookimpl\nasync def lifespan():\n    await asyncio.Event().wait()\n    yield",
            "It could not start: TimeoutError: took longer than 1 s",
        ),
        (
            "@hookimpl\nasync def lifespan():\n    await asyncio.sleep(0)\n    if False:\n        yield",
            "It could not start: RuntimeError: generator didn't yield",
        ),
        (
            "from sqlalchemy import Column, Integer, MetaData, Table\n"
            "from sqlalchemy.schema import CreateTable\n"
            "films = Table('films', MetaData(), Column('id', Integer))\n"
            "@hookimpl\ndef migrations():\n    return [Migration('0001', (CreateTable(films),))]",
            "It could not start: The statement touches the table films",
        ),
    ],
)
async def test_raising_or_hanging_at_start_up_costs_only_itself(environment, source, reason):
    environment.write(
        "bad", f"{source}\n@hookimpl\nasync def nav_items():\n    return [NavItem('Bad')]\n", head=HEAD_FLAT
    )
    environment.write("good", GOOD)
    async with environment.running(limits=Limits(start=1)) as (registry, dispatch):
        assert record_of(registry, "bad").status == "failed"
        assert record_of(registry, "bad").reason.startswith(reason)
        assert await labels(dispatch) == ["Good"]


async def test_a_wrong_setting_keeps_only_its_plugin_from_starting(environment):
    environment.write("bad", "@hookimpl\ndef settings():\n    return [Setting('speed', int, 1, 'How fast.')]")
    environment.write("good", GOOD)
    async with environment.running(settings={"bad": {"sped": 2}}) as (registry, dispatch):
        assert record_of(registry, "bad").reason == (
            f"plugins.settings.bad.sped is no setting of this plugin. Did you mean speed? {READ_AT_START}"
        )
        assert await labels(dispatch) == ["Good"]


@pytest.mark.parametrize(
    ("second_half", "error"),
    [
        ("raise RuntimeError('boom')", "lifespan: RuntimeError: boom"),
        ("await asyncio.Event().wait()", "lifespan: TimeoutError: took longer than 0.5 s"),
    ],
)
async def test_a_plugin_that_does_not_stop_keeps_nobody(environment, second_half, error):
    environment.write(
        "bad", f"@hookimpl\nasync def lifespan():\n    yield\n    {second_half}", head=HEAD_FLAT
    )
    async with environment.running(limits=Limits(stop=0.5)) as (registry, _):
        assert record_of(registry, "bad").status == "running"
    assert record_of(registry, "bad").status == "loaded"
    assert record_of(registry, "bad").last_error.startswith(error)


async def test_plugins_stop_in_reverse_order(environment):
    for name in ("one", "two"):
        environment.write(
            name,
            f"""
            @hookimpl
            async def lifespan(context):
                yield
                with (Path({str(environment.folder)!r}) / "stopped").open("a") as file:
                    file.write("{name} ")
            """,
        )
    async with environment.running():
        assert not (environment.folder / "stopped").exists()
    assert (environment.folder / "stopped").read_text() == "two one "


async def test_a_disabled_plugin_is_not_imported(environment):
    environment.write("off", "raise RuntimeError('imported')")
    async with environment.running(disabled=["off"]) as (registry, _):
        record = record_of(registry, "off")
    assert (record.status, record.reason) == ("disabled", "Disabled in the settings.")


async def test_a_folder_on_the_path_may_be_the_package_itself(environment):
    environment.write("flat", "__version__ = '1.2'\n" + GOOD, package=environment.path / "wylloh_flat")
    async with environment.running() as (registry, _):
        record = record_of(registry, "flat")
    assert (record.status, record.version) == ("running", "1.2")
    assert record.module == str(environment.path / "wylloh_flat")


async def test_a_plugin_from_a_folder_imports_its_own_modules(environment):
    package = environment.write(
        "split", "from wylloh_split.parts import LABEL\nfrom .parts import LABEL as SAME\n" + GOOD
    )
    (package / "parts.py").write_text("LABEL = 'x'\n")
    async with environment.running() as (registry, _):
        assert record_of(registry, "split").status == "running"


async def test_a_plugin_folder_shadows_nothing(environment):
    environment.write("json", GOOD, package=environment.path / "json")
    registry = environment.registry()
    assert "Another Python package is called json already" in record_of(registry, "json").reason
    assert sys.modules["json"].dumps


async def test_folders_that_are_no_plugins_are_passed_over(environment):
    (environment.path / "notes").mkdir(parents=True)
    (environment.path / "readme.txt").write_text("hello")
    assert environment.registry().records() == ()


@pytest.mark.parametrize("name", ["Two_Words", "a_b", "9lives", "x" * 40])
async def test_a_name_that_no_address_or_table_can_carry(environment, name):
    environment.write(name, GOOD)
    (record,) = environment.registry().records()
    assert (record.status, record.reason) == (
        "failed",
        f"A plugin's name is lower-case letters and digits, not {name!r}.",
    )


async def test_the_second_plugin_of_a_name_is_refused(environment):
    environment.write("tagging", GOOD)
    point = EntryPoint("tagging", "wylloh_tagging", ENTRY_POINT_GROUP)
    registry = environment.registry(points=[point])
    assert (
        set(registry.template_dirs())
        == set(registry.static_dirs())
        == set(registry.settings())
        == {"tagging"}
    )
    first, second = registry.records()
    assert (first.module, first.status) == ("wylloh_tagging", "loaded")
    assert second.reason == (
        "A plugin of this name is loaded from wylloh_tagging already. This one is in "
        f"{environment.path}/tagging/wylloh_tagging; remove one of them."
    )


async def test_the_entry_points_of_installed_packages_are_found(environment):
    assert "tagging" in [record.name for record in environment.registry(points=None).records()]


async def test_two_servers_in_one_process_keep_their_plugins_apart(environment):
    environment.write("good", GOOD)
    one, two = environment.registry(), environment.registry(disabled=["good"])
    assert record_of(one, "good").status == "loaded"
    assert record_of(two, "good").status == "disabled"
