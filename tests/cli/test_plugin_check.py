"""`wylloh plugin check` names what is wrong with a plugin, whatever the plugin does."""

from __future__ import annotations

import re
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import Column, Integer, MetaData, Table, delete, insert
from sqlalchemy.schema import CreateTable

from wylloh_server.cli import main
from wylloh_server.cli.plugin.check_command import examine
from wylloh_server.cli.plugin.plugin_trial import findings
from wylloh_server.cli.plugin.trial_data import prepare_trial_data
from wylloh_server.config import Settings
from wylloh_server.domain.ports.plugin_tables import Migration
from wylloh_server.storage import open_database

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


async def looked_at(folder, data=None):
    with tempfile.TemporaryDirectory() as empty:
        return [finding async for finding in findings(str(folder), data or Path(empty))]


async def wrong(folder, data=None):
    found = await looked_at(folder, data)
    assert all(finding.fix for finding in found if not finding.ok)
    return [finding.sentence for finding in found if not finding.ok]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (
            "raise RuntimeError('boom')",
            "It could not be loaded: RuntimeError: boom (wylloh_testmine/__init__.py:4)",
        ),
        ("@hookimpl\ndef rutes(): ...", "This server has no hook rutes. Did you mean routes?"),
        ("async def access_vote(): ...", "Not marked as hooks, so never called: access_vote."),
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
            "It failed: lifespan: ValueError: no (wylloh_testmine/__init__.py:7).",
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


ONE_OF_EACH = """
    more = [Migration("0002", (CreateIndex(Index("plugin_testmine_one", cups.c.size, unique=True)),))]
    return [Migration("0001", (CreateTable(cups),)), *more]
"""


async def test_3_an_upgrade_is_tried_on_a_copy_of_the_tables_that_a_server_has(write, tmp_path):
    """On an empty database it would pass: what it stumbles over is the rows."""
    settings, trial = Settings(server={"data": tmp_path / "server"}), tmp_path / "trial"
    for folder in (settings.server.data, trial):
        folder.mkdir()
    file = settings.server.data / "wylloh.sqlite3"
    cups = Table("plugin_testmine_cups", MetaData(), Column("size", Integer))
    async with open_database(file) as database:
        await database.plugins.migrate("testmine", [Migration("0001", (CreateTable(cups),))])
        await database.plugins.tables("testmine").change([insert(cups).values(size=1)] * 2)
    before = file.read_bytes()

    source = CUPS.format(table="plugin_testmine_cups").replace("import Column", "import Column, Index")
    source = source.replace("import CreateTable", "import CreateIndex, CreateTable")
    last = source.splitlines()[-1] + "\n"
    folder = write(source.replace(last, ONE_OF_EACH))
    assert await wrong(folder) == []
    prepare_trial_data(settings, "testmine", trial)
    (found,) = await wrong(folder, trial)
    assert "could not be brought up to date" in found
    assert file.read_bytes() == before

    async with open_database(file) as database:
        await database.plugins.tables("testmine").change([delete(cups), insert(cups).values(size=1)])
    (trial / "wylloh.sqlite3").unlink()
    prepare_trial_data(settings, "testmine", trial)
    sentences = [finding.sentence for finding in await looked_at(folder, trial) if finding.ok]
    assert any("It starts on a copy of the tables it has here" in sentence for sentence in sentences)


async def test_3_a_plugin_is_tried_with_the_settings_that_a_server_has_for_it(write, tmp_path):
    folder = write("@hookimpl\ndef settings():\n    return [Setting('size', int, 1, 'Of a cup.')]\n")
    settings = Settings(server={"data": tmp_path / "no"}, plugins={"settings": {"testmine": {"size": "big"}}})
    trial = tmp_path / "trial"
    trial.mkdir()
    assert await wrong(folder) == []
    prepare_trial_data(settings, "testmine", trial)
    (found,) = await wrong(folder, trial)
    assert "size" in found
    assert not settings.server.data.exists()


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
    assert found[-1].sentence == "It ended the process: exit code 7."


def test_a_plugin_that_never_comes_back_is_left(write):
    # It holds Python's interpreter, so that only the process around it can be ended.
    found = examine(str(write("import re\nre.match('(a+)+$', 'a' * 60 + 'b')")), seconds=6)
    assert found[-1].sentence == "It did not come back within 6 s."


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


@pytest.mark.parametrize(
    "source",
    [
        "def deep():\n    raise RuntimeError('boom')\ndeep()\n",
        "@hookimpl\nasync def lifespan():\n    1 / 0\n    yield\n",
    ],
)
def test_the_command_shows_the_traceback_when_it_is_asked_to(write, source):
    folder = write(source)
    short = CliRunner().invoke(main, ["plugin", "check", str(folder)])
    assert (short.exit_code, "Traceback" in short.output) == (1, False)
    long = CliRunner().invoke(main, ["plugin", "check", str(folder), "-v"])
    assert long.exit_code == 1
    assert "    Traceback (most recent call last):\n" in long.output
    assert re.search(r'File ".*wylloh_testmine/__init__.py", line \d+, in (deep|lifespan)', long.output)
    assert long.output.startswith(short.output.split("  Mend")[0])


async def test_a_card_with_a_link_in_it_is_found(write):
    folder = write(
        "from pathlib import Path\n@hookimpl\ndef template_dirs():\n    return [Path(__file__).parent]\n"
        "@hookimpl\nasync def film_cards(films):\n    return [CardFragment(f.id, 'card.html', {}) for f in films]\n"
    )
    card = next(folder.rglob("__init__.py")).with_name("card.html")
    card.write_text("<b>fine</b><abbr>too</abbr>")
    assert await wrong(folder) == []
    card.write_text('<a href="/x">link</a>')
    (found,) = await wrong(folder)
    assert "card.html: What stands on a card may hold no <a>" in found
