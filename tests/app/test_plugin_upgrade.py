"""A plugin is upgraded under a real server: a failing upgrade costs the plugin, and none of its data."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from eth_account import Account

from tests.components.server import eventually, guest, running_server, server_settings, wylloh

OWNER = Account.create()
CODE = """
from alembic.ddl.base import AddColumn
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select, update
from sqlalchemy.schema import CreateTable
from wylloh_server.sdk import Json, Migration, PluginRoute, hookimpl

WYLLOH_SDK = "1.0"
__version__ = "{version}"
cups = Table("plugin_testtea_cups", MetaData(), Column("size", Integer, unique=True))


@hookimpl
def migrations():
    return [
        Migration("0001", (CreateTable(cups), insert(cups).values([{{"size": 1}}, {{"size": 2}}]))),
        {more}
    ]


async def sizes(context, request):
    found = await context.tables.fetch(select(cups.c.size).order_by(cups.c.size))
    return Json([size for size, in found.rows])


@hookimpl
def routes():
    return [PluginRoute("GET", "sizes", sizes, None)]
"""
COLOUR = 'Migration("0002", (AddColumn("plugin_testtea_cups", Column("colour", String)),)),'
FAILING = COLOUR + 'Migration("0003", (update(cups).values(size=7),)),'


def rows(folder):
    with closing(sqlite3.connect(folder / "data/plugin-data/testtea/tables.sqlite3")) as database:
        return database.execute("SELECT * FROM plugin_testtea_cups ORDER BY size").fetchall()


def listed(settings, name):
    lines = [line.split() for line in wylloh("plugin", "list", "--config", settings).stdout.splitlines()]
    return next((line[1:] for line in lines if line[:1] == [name]), None)


async def test_a_failing_upgrade_leaves_the_data_and_disables_the_plugin(tmp_path):
    package = tmp_path / "plugins" / "wylloh_testtea"
    package.mkdir(parents=True)
    settings = server_settings(tmp_path, plugins={"path": [str(tmp_path / "plugins")]})

    def version(number, more=""):
        (package / "__init__.py").write_text(CODE.format(version=number, more=more))

    version("1.0")
    async with running_server(settings) as server, guest(server.url) as owner:
        assert (await owner.sign_in(OWNER, server.claim_code))[0] == 200
        assert await owner.json("/plugins/testtea/sizes") == (200, [1, 2])
        assert await server.stop() == 0

        version("2.0", FAILING)
        await server.start()
        async with guest(server.url) as again:
            assert (await again.sign_in(OWNER))[0] == 200
            assert (await again.json("/plugins/testtea/sizes"))[0] == 503
            told = " ".join((await again.page("/admin")).split())
            assert "The tables of testtea could not be brought up to date, and are as they were:" in told
            assert "Install a mended version of the plugin, or the one before." in told
            assert rows(tmp_path) == [(1,), (2,)]

            await eventually(lambda: listed(settings, "testtea") == ["2.0", "failed", "SDK", "1.0"])
            version("2.1", COLOUR)
            status, record = await again.post("/api/admin/plugins/start", plugin="testtea")
            assert (status, record["status"], record["version"]) == (200, "running", "2.1")
            assert await again.json("/plugins/testtea/sizes") == (200, [1, 2])
            assert rows(tmp_path) == [(1, None), (2, None)]
            assert await server.stop() == 0


async def test_the_list_tells_what_a_running_server_knows(tmp_path):
    package = tmp_path / "plugins" / "wylloh_testbad"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(
        'from wylloh_server.sdk import hookimpl\nWYLLOH_SDK = "1.0"\n'
        "@hookimpl\nasync def nav_items():\n    raise RuntimeError('boom')\n"
    )
    settings = server_settings(tmp_path, plugins={"path": [str(tmp_path / "plugins")]})

    async with running_server(settings) as server, guest(server.url) as person:
        for _ in range(20):
            await person.page("/sign-in")
        told = "Not called for a while, after failing again and again: nav_items."
        await eventually(lambda: told in wylloh("plugin", "list", "--config", settings).stdout)
        assert listed(settings, "testbad") == ["-", "running", "SDK", "1.0"]
        assert await server.stop() == 0
    assert listed(settings, "testbad") == ["-", "ready", "SDK", "1.0"]
