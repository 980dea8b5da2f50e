"""`wylloh plugin run`: a plugin's commands, with its tables and everything else it has."""

from __future__ import annotations

import pytest

from tests.components.server import running_server, server_settings, wylloh, wylloh_async

CODE = """
from sqlalchemy import Column, Integer, MetaData, Table, insert, select
from sqlalchemy.schema import CreateTable
from wylloh_server.sdk import *

WYLLOH_SDK = "1.0"
cups = Table("plugin_testtea_cups", MetaData(), Column("size", Integer))


@hookimpl
def migrations():
    return [Migration("0001", (CreateTable(cups),))]


async def brew(context, arguments):
    sizes = [int(size) for size in arguments]
    await context.tables.change([insert(cups).values(size=size) for size in sizes])
    found = await context.tables.fetch(select(cups.c.size).order_by(cups.c.size))
    films = await context.library.films(None)
    state = await context.chain.state()
    return f"cups: {[size for size, in found.rows]}, films: {len(films)}, read: {state.block}"


async def spill(context, arguments):
    raise InvalidValue("The cup is empty.", fix="Brew first.")


async def crash(context, arguments):
    raise RuntimeError("boom")


@hookimpl
def cli_commands():
    return [
        Command("brew", "Brew cups of these sizes.", brew),
        Command("spill", "Spill it.", spill),
        Command("crash", "Drop it.", crash),
    ]
"""


@pytest.fixture
def settings(tmp_path):
    package = tmp_path / "plugins" / "wylloh_testtea"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(CODE)
    return server_settings(tmp_path, plugins={"path": [str(tmp_path / "plugins")]})


def run(settings, *words):
    return wylloh("plugin", "run", "--config", settings, *words)


def test_a_command_works_on_the_plugins_own_tables(settings):
    done = run(settings, "testtea", "brew", "3", "1")
    assert (done.returncode, done.stdout) == (0, "cups: [1, 3], films: 0, read: None\n"), done
    assert run(settings, "testtea", "brew").stdout == "cups: [1, 3], films: 0, read: None\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("testtea", "spill"), "wylloh: The cup is empty.\n        Brew first.\n"),
        (
            ("testtea", "crash"),
            "wylloh: The plugin testtea made a mistake: RuntimeError: boom (wylloh_testtea/__init__.py:29)\n"
            "        Tell the plugin's author.\n",
        ),
        (("testtea", "brwe"), "wylloh: There is no command brwe.\n        Did you mean brew?\n"),
        (("testtee", "brew"), "wylloh: There is no plugin testtee.\n        Did you mean testtea?\n"),
    ],
)
def test_what_goes_wrong_is_a_sentence_and_exit_code_one(settings, words, said):
    done = run(settings, *words)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)


def test_without_a_command_they_are_listed(settings):
    done = run(settings, "testtea")
    assert done.returncode == 0
    assert [line.split(maxsplit=1) for line in done.stdout.splitlines()] == [
        ["brew", "Brew cups of these sizes."],
        ["spill", "Spill it."],
        ["crash", "Drop it."],
    ]


async def test_it_keeps_off_while_the_server_runs(settings):
    async with running_server(settings):
        done = await wylloh_async("plugin", "run", "--config", settings, "testtea", "brew")
        assert done.returncode == 1
        assert "another server is working with the data folder" in done.stderr
