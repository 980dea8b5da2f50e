"""A plugin's tables move with it between the server's database and a file of their own; nothing is lost on the way."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import Column, Index, Integer, MetaData, String, Table, insert, select
from sqlalchemy.schema import CreateIndex, CreateTable

from wylloh_server.domain.errors import PluginError
from wylloh_server.domain.ports.plugin_tables import Migration
from wylloh_server.storage import open_database, plugin_tables_move

TEA = Table("plugin_tea_cups", MetaData(), Column("id", Integer, primary_key=True), Column("name", String))
BY_NAME = Index("plugin_tea_by_name", TEA.c.name)
OTHER = Table("plugin_teapot_lids", MetaData(), Column("id", Integer, primary_key=True))
MIGRATIONS = [Migration("0001", (CreateTable(TEA), CreateIndex(BY_NAME)))]


def names(file):
    with closing(sqlite3.connect(file)) as database:
        return {
            name
            for (name,) in database.execute("SELECT name FROM sqlite_master WHERE name LIKE 'plugin_tea%'")
        }


def cups(file):
    with closing(sqlite3.connect(file)) as database:
        return database.execute("SELECT id, name FROM plugin_tea_cups ORDER BY id").fetchall()


@pytest.fixture
async def filled(tmp_path):
    """A database in which a plugin has tables; gives its file, and where the plugin's own would be."""
    async with open_database(tmp_path / "server.sqlite3") as database:
        await database.plugins.migrate("tea", MIGRATIONS)
        await database.plugins.migrate("teapot", [Migration("0001", (CreateTable(OTHER),))])
        await database.plugins.tables("tea").change([insert(TEA).values(id=1, name="green")])
        yield database, tmp_path / "server.sqlite3", tmp_path / "plugins/tea/tables.sqlite3"


async def test_12_10_tables_move_out_and_back(filled):
    database, server, own = filled
    before = names(server)
    await database.plugins.place(own, "tea", apart=True)
    assert names(server) == {"plugin_teapot_lids", "plugin_teapot_migrations", *_automatic(before)}
    assert {"plugin_tea_cups", "plugin_tea_by_name", "plugin_tea_migrations"} <= names(own)
    assert cups(own) == [(1, "green")]
    assert own.parent.stat().st_mode & 0o077 == 0

    await database.plugins.place(own, "tea", apart=True)
    assert cups(own) == [(1, "green")], "what is there already stays"

    own.with_name("tables.sqlite3-journal").touch()
    await database.plugins.place(own, "tea", apart=False)
    assert names(server) == before
    assert list(own.parent.iterdir()) == [], "nor a journal that the next file there would be read with"
    found = await database.plugins.tables("tea").fetch(select(TEA))
    assert found.rows == ((1, "green"),)
    await database.plugins.migrate("tea", MIGRATIONS)


def _automatic(found):
    return {name for name in found if name.startswith("sqlite_autoindex_plugin_teapot")}


async def test_12_10_a_move_that_was_cut_off_is_finished(filled):
    """Killed after the copy was complete, before the tables were removed: both hold the same, and one counts."""
    database, server, own = filled
    kept = server.with_name("kept")
    shutil.copy(server, kept)
    await database.plugins.place(own, "tea", apart=True)
    with closing(sqlite3.connect(own)) as changed, changed:
        changed.execute("INSERT INTO plugin_tea_cups VALUES (2, 'black')")
    with closing(sqlite3.connect(server)) as again, again:
        again.execute("CREATE TABLE plugin_tea_cups (id INTEGER PRIMARY KEY, name VARCHAR)")
    await database.plugins.place(own, "tea", apart=True)
    assert "plugin_tea_cups" not in names(server)
    assert cups(own) == [(1, "green"), (2, "black")]


async def test_12_10_the_copy_is_on_the_disk_before_the_tables_go(filled, monkeypatch):
    database, _, own = filled
    done = []
    for name in ("_sync", "_drop"):
        real = getattr(plugin_tables_move, name)
        monkeypatch.setattr(
            plugin_tables_move,
            name,
            lambda *given, real=real, name=name: (done.append((name, given[0])), real(*given)),
        )
    await database.plugins.place(own, "tea", apart=True)
    assert [name for name, _ in done] == ["_sync", "_sync", "_drop"]
    assert [place for name, place in done if name == "_sync"] == [own.with_suffix(".part"), own.parent]


async def test_12_10_a_move_that_fails_leaves_them_where_they_were(filled):
    database, server, own = filled
    own.parent.parent.write_text("no folder")
    with pytest.raises(PluginError, match="Its tables could not be moved"):
        await database.plugins.place(own, "tea", apart=True)
    assert cups(server) == [(1, "green")]


@pytest.mark.parametrize("place", ["postgresql"], indirect=True)
async def test_12_10_tables_in_postgresql_are_not_left_behind(place, tmp_path):
    own = tmp_path / "plugins/tea/tables.sqlite3"
    async with open_database(place) as database:
        await database.plugins.place(own, "tea", apart=True)
        await database.plugins.migrate("tea", MIGRATIONS)
        with pytest.raises(PluginError, match="Its tables are in PostgreSQL") as refused:
            await database.plugins.place(own, "tea", apart=True)
        assert refused.value.fix == 'Set plugins.isolation.tea to "thread".'
        await database.plugins.place(own, "tea", apart=False)
        own.parent.mkdir(parents=True)
        own.touch()
        with pytest.raises(PluginError, match="are not moved into PostgreSQL"):
            await database.plugins.place(own, "tea", apart=False)


HOSTILE = [
    "CREATE TRIGGER plugin_tea_spill AFTER INSERT ON plugin_tea_cups BEGIN DELETE FROM users; END",
    "CREATE VIEW plugin_tea_all AS SELECT * FROM users",
    "CREATE VIRTUAL TABLE plugin_tea_words USING fts5(name, content='users')",
]


@pytest.mark.parametrize("statement", HOSTILE)
async def test_12_10_code_in_its_file_stays_there(filled, statement):
    """The plugin writes that file as it likes; in the server's database it would reach all of it."""
    database, server, own = filled
    await database.plugins.place(own, "tea", apart=True)
    with closing(sqlite3.connect(own)) as file:
        file.execute(statement)
        file.commit()
    await database.plugins.place(own, "tea", apart=False)
    assert cups(server) == [(1, "green")]
    with closing(sqlite3.connect(server)) as file:
        kept = [
            sql for (sql,) in file.execute("SELECT sql FROM sqlite_master WHERE sql LIKE '%plugin_tea_%'")
        ]
    assert not any(word in sql for sql in kept for word in ("TRIGGER", "VIEW", "VIRTUAL"))


@pytest.mark.parametrize("make", [os.mkfifo, lambda place: place.symlink_to("/dev/zero")])
async def test_12_10_what_is_no_file_is_not_opened(filled, make):
    database, server, own = filled
    await database.plugins.place(own, "tea", apart=True)
    own.unlink()
    make(own)
    with pytest.raises(PluginError, match="is no file"):
        await asyncio.wait_for(database.plugins.place(own, "tea", apart=False), 5)
