"""`wylloh plugin check` names what is wrong with a plugin, whatever the plugin does."""

from __future__ import annotations

import sys
import textwrap

import pytest
from click.testing import CliRunner

from wylloh_server.cli import main
from wylloh_server.cli.plugin._trial import findings
from wylloh_server.cli.plugin.check import examine

HEAD = 'from pathlib import Path\nfrom wylloh_server.sdk import *\nWYLLOH_SDK = "1.0"\n'
FOLDERS = "@hookimpl\ndef template_dirs():\n    return [Path(__file__).parent]\n"
CUPS = """
from sqlalchemy import Column, Integer, MetaData, Table
from sqlalchemy.schema import CreateTable

cups = Table("{table}", MetaData(), Column("size", Integer))

@hookimpl
def migrations():
    return [Migration("0001", (CreateTable(cups),))]
"""


@pytest.fixture
def write(tmp_path):
    """Write the plugin `testmine` with some files; give its folder."""

    def write(source, head=HEAD, **files):
        package = tmp_path / "mine" / "wylloh_testmine"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(head + textwrap.dedent(source))
        for name, text in files.items():
            (package / name.replace("_html", ".html").replace("_py", ".py")).write_text(text)
        return package.parent

    yield write
    for name in [name for name in sys.modules if name.startswith("wylloh_testmine")]:
        del sys.modules[name]


async def wrong(folder):
    found = [finding async for finding in findings(str(folder))]
    assert all(finding.fix for finding in found if not finding.ok)
    return [finding.says for finding in found if not finding.ok]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("raise RuntimeError('boom')", "It could not be loaded: RuntimeError: boom"),
        ("@hookimpl\ndef rutes(): ...", "This server has no hook rutes. Did you mean routes?"),
        ("@hookimpl\ndef settings():\n    return [1]", "The hook settings must return a list of Setting."),
        (
            CUPS.format(table="films"),
            "It could not start: The statement touches the table films, which is not the plugin's. "
            "Use only tables whose names begin with plugin_testmine_.",
        ),
        (
            "@hookimpl\nasync def lifespan():\n    raise ValueError('no')\n    yield",
            "It could not start: ValueError: no",
        ),
        (
            "@hookimpl\nasync def lifespan():\n    yield\n    raise ValueError('no')",
            "It failed: lifespan: ValueError: no.",
        ),
        (
            # Another name at every start: its tables would pile up.
            "import uuid\n@hookimpl\ndef migrations():\n    return [Migration(uuid.uuid4().hex, ())]",
            "It could not start: The plugin's tables have had the migrations [",
        ),
    ],
)
async def test_what_does_not_load_or_start(write, source, says):
    (found,) = await wrong(write(source))
    assert found.startswith(says)


@pytest.mark.parametrize(
    ("head", "says"),
    [
        ("", "The plugin does not say which SDK it was written for. Write WYLLOH_SDK = "),
        ('WYLLOH_SDK = "9.0"\n', "The plugin was written for SDK 9.0; this server has SDK 1.0."),
    ],
)
async def test_a_plugin_for_another_sdk(write, head, says):
    (found,) = await wrong(write("", head=head))
    assert found.startswith(says)


async def test_imports_that_are_not_for_plugins(write):
    folder = write(
        "import wylloh_server.config\nfrom wylloh_server import sdk, resources\nfrom . import part\n",
        part_py="def later():\n    from wylloh_tagging.tags import tag_of\n    import wylloh_testmine\n",
    )
    assert await wrong(folder) == [
        "wylloh_testmine/__init__.py:4 imports wylloh_server.config.",
        "wylloh_testmine/__init__.py:5 imports wylloh_server.resources.",
        "wylloh_testmine/part.py:2 imports wylloh_tagging.tags.",
    ]


async def test_files_that_python_cannot_read(write):
    folder = write("", part_py="def later(:\n")
    (folder / "tests").mkdir()
    (folder / "tests/test_mine.py").write_text("import pytest\n\ndef class(): ...\n")
    assert await wrong(folder) == [
        "wylloh_testmine/part.py:1 cannot be read: invalid syntax.",
        "tests/test_mine.py:3 cannot be read: invalid syntax.",
    ]


async def test_templates_that_cannot_be_read_or_that_browsers_ignore(write):
    folder = write(
        FOLDERS,
        good_html='{% extends "base.html" %}<script type="module" src="{{ asset("x.js") }}"></script>',
        broken_html="<p>\n{% if %}\n",
        inline_html='<p style="color: red">\n<script>alert(1)</script>\n<b onclick="x()">',
    )
    assert await wrong(folder) == [
        "The template testmine/broken.html, line 2: Expected an expression, got 'end of statement block'.",
        "The template testmine/inline.html, line 1, holds 'style='.",
        "The template testmine/inline.html, line 2, holds '<script'.",
        "The template testmine/inline.html, line 3, holds 'onclick=\"'.",
    ]


@pytest.mark.parametrize("name", ["nothing", "wylloh_Test"])
async def test_what_is_no_plugin(tmp_path, name):
    package = tmp_path / name
    package.mkdir()
    if name != "nothing":
        (package / "__init__.py").write_text(HEAD)
    (found,) = await wrong(package)
    assert found.startswith(("There is no plugin in ", "A plugin's name is lower-case letters and digits"))


def test_a_plugin_that_ends_the_process_is_survived(write):
    found = examine(str(write("import os\nos._exit(7)")))
    assert [finding.ok for finding in found] == [True, False]
    assert found[-1].says == "It ended the process: exit code 7."


def test_a_plugin_that_never_comes_back_is_left(write):
    # It holds Python's interpreter, so that only the process around it can be ended.
    found = examine(str(write("import re\nre.match('(a+)+$', 'a' * 60 + 'b')")), seconds=6)
    assert found[-1].says == "It did not come back within 6 s."


def test_the_command_prints_each_finding_and_what_to_do(write, monkeypatch):
    monkeypatch.setenv("WYLLOH_DATABASE__URL", "postgresql://nobody@127.0.0.1:1/production")
    folder = write(CUPS.format(table="plugin_testmine_cups") + "import wylloh_server.config\n")
    done = CliRunner().invoke(main, ["plugin", "check", str(folder)])
    assert done.exit_code == 1
    assert done.output.splitlines() == [
        "! wylloh_testmine/__init__.py:13 imports wylloh_server.config.",
        "  A plugin may import wylloh_server.sdk and nothing else of the server, and no other plugin.",
        "✓ testmine loads. It was written for SDK 1.0; this is 1.0.",
        "✓ It starts on an empty database, starts again on its own tables, and stops.",
        "✓ Its templates (0) can be read.",
    ]
