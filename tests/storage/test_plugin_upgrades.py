"""A plugin's upgrade runs on a copy first; one that fails, or is cut off in the middle, loses nothing."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from alembic.ddl.base import AddColumn, DropColumn, RenameTable
from sqlalchemy import (
    Column,
    Computed,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.schema import CreateIndex, CreateTable, DropTable

from wylloh_server.storage import open_database
from wylloh_server.domain.errors import PluginError
from wylloh_server.domain.ports.plugin_tables import Migration
from wylloh_server.sdk import add_column, drop_column


async def tables_of_tea(database):
    """The names of the plugin's tables, without that of its migrations."""
    async with database.plugins._connections.reading() as connection:
        names = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    return {name for name in names if name.startswith("plugin_tea_")} - {"plugin_tea_migrations"}


metadata = MetaData()
shelves = Table(
    "plugin_tea_shelves",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("twice", Integer, Computed("id * 2", persisted=True)),
    UniqueConstraint("name"),
)
cups = Table(
    "plugin_tea_cups",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("shelf", ForeignKey("plugin_tea_shelves.id"), nullable=False),
    Column("size", Integer),
    Column("note", String),
)
FIRST = Migration(
    "0001",
    (
        CreateTable(shelves),
        CreateTable(cups),
        CreateIndex(Index("plugin_tea_cups_by_size", cups.c.size)),
        insert(shelves).values([{"id": 1, "name": "top"}, {"id": 2, "name": "low"}]),
        insert(cups).values([{"id": 1, "shelf": 1, "size": 3}, {"id": 2, "shelf": 2, "size": None}]),
    ),
)
COLOUR = AddColumn("plugin_tea_cups", Column("colour", String))
GOOD = Migration("0002", (COLOUR, update(cups).values(size=9), DropColumn("plugin_tea_cups", Column("note"))))
more = Table("plugin_tea_more", MetaData(), Column("id", Integer, primary_key=True))

BAD = {
    "a table twice": (COLOUR, update(cups).values(size=9), CreateTable(shelves)),
    "a value that breaks a rule": (update(shelves).values(name="same"),),
    "a reference to nothing": (insert(cups).values(id=3, shelf=99),),
    "a column that is not there": (DropColumn("plugin_tea_cups", Column("handle")),),
    "a table that is dropped first": (DropTable(cups), CreateTable(shelves)),
}


async def content(database):
    tables = database.plugins.tables("tea")
    wanted = (select(shelves), select(cups.c.id, cups.c.shelf, cups.c.size))
    return [(await tables.fetch(one.order_by("id"))).rows for one in wanted]


def digest(place):
    return hashlib.sha256(place.read_bytes()).hexdigest() if not isinstance(place, str) else ""


def left_over(place):
    return (
        []
        if isinstance(place, str)
        else [path.name for path in place.parent.iterdir() if "trial" in path.name]
    )


@pytest.mark.parametrize("what", BAD)
async def test_a_failing_upgrade_leaves_the_old_data_byte_for_byte(place, what):
    async with open_database(place) as database:
        await database.plugins.migrate("tea", [FIRST])
        before, bytes_before = await content(database), digest(place)
        with pytest.raises(
            PluginError, match="could not be brought up to date, and are as they were"
        ) as refused:
            await database.plugins.migrate("tea", [FIRST, GOOD, Migration("0003", BAD[what])])
        assert refused.value.fix == "Install a mended version of the plugin, or the one before."
        assert (await content(database), digest(place)) == (before, bytes_before)
        await database.plugins.migrate("tea", [FIRST])
        assert left_over(place) == []
    async with open_database(place) as database:
        assert await content(database) == before
        await database.plugins.migrate("tea", [FIRST, GOOD])
        rows = await database.plugins.tables("tea").fetch(
            select(cups.c.id, Column("colour")).order_by(cups.c.id)
        )
        assert rows.rows == ((1, None), (2, None))


async def test_steps_that_wait_run_together_or_not_at_all(place):
    broken = Migration("0003", (CreateTable(shelves),))
    async with open_database(place) as database:
        await database.plugins.migrate("tea", [FIRST])
        with pytest.raises(PluginError):
            await database.plugins.migrate("tea", [FIRST, Migration("0002", (CreateTable(more),)), broken])
        assert await tables_of_tea(database) == {"plugin_tea_cups", "plugin_tea_shelves"}


async def test_a_new_plugin_that_fails_leaves_no_table(place):
    async with open_database(place) as database:
        with pytest.raises(PluginError, match="The tables of tea could not be made"):
            await database.plugins.migrate("tea", [Migration("0001", (CreateTable(more), CreateTable(more)))])
        assert await tables_of_tea(database) == set()


async def test_what_happens_on_the_copy_does_not_touch_the_data(tmp_path):
    """The copy is what the data is: rows, indexes, generated columns, references, and other plugins' are not in it."""
    place, seen = tmp_path / "w.sqlite3", []

    def look():
        folder = tmp_path / "w.sqlite3.plugin_tea_trial"
        if folder.exists():
            with closing(sqlite3.connect(folder / "copy.sqlite3")) as copy:
                names = [name for (name,) in copy.execute("SELECT name FROM sqlite_master ORDER BY name")]
                seen.append((names, copy.execute("SELECT * FROM plugin_tea_shelves").fetchall()))
            with closing(sqlite3.connect(f"file:{place}?mode=ro", uri=True)) as data:
                columns = [row[1] for row in data.execute("PRAGMA table_info(plugin_tea_cups)")]
                assert "colour" not in columns
        return 7

    looking = Table(
        "plugin_tea_cups", MetaData(), Column("id", Integer), Column("size", Integer, onupdate=look)
    )
    other = Table("plugin_other_tea", MetaData(), Column("id", Integer))
    async with open_database(place) as database:
        await database.plugins.migrate("other", [Migration("0001", (CreateTable(other),))])
        await database.plugins.migrate("tea", [FIRST])
        await database.plugins.migrate(
            "tea", [FIRST, Migration("0002", (update(looking).values(id=looking.c.id), COLOUR))]
        )
        assert (await content(database))[1][0][2] == 7
    ((names, rows),) = seen
    assert names == [
        "plugin_tea_cups",
        "plugin_tea_cups_by_size",
        "plugin_tea_migrations",
        "plugin_tea_shelves",
        *sorted(name for name in names if name.startswith("sqlite_autoindex")),
    ]
    assert rows == [(1, "top", 2), (2, "low", 4)]


CUT_OFF = """
import asyncio, os, signal, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from sqlalchemy import Column, Integer, MetaData, Table, update
from tests.storage.test_plugin_upgrades import COLOUR, FIRST, Migration, open_database, more, CreateTable

runs = []

def die():
    runs.append(1)
    if len(runs) > {survived}:
        os.kill(os.getpid(), signal.SIGKILL)
    return 7

dying = Table("plugin_tea_cups", MetaData(), Column("id", Integer), Column("size", Integer, onupdate=die))

async def main():
    async with open_database({place}) as database:
        steps = (CreateTable(more), COLOUR, update(dying).values(id=dying.c.id))
        await database.plugins.migrate("tea", [FIRST, Migration("0002", steps)])

asyncio.run(main())
"""


async def test_a_crash_in_the_middle_loses_nothing(place, pytestconfig):
    async with open_database(place) as database:
        await database.plugins.migrate("tea", [FIRST])
        before = await content(database)
    on_server = isinstance(place, str)
    for survived in [0] if on_server else [0, 1]:  # on the copy, on the data
        where = repr(place) if on_server else f"Path({str(place)!r})"
        code = CUT_OFF.format(root=str(pytestconfig.rootpath), survived=survived, place=where)
        command = [sys.executable, "-c", code]
        done = await asyncio.to_thread(
            subprocess.run, command, env=os.environ, capture_output=True, check=False
        )
        assert done.returncode == -signal.SIGKILL, done.stderr
        async with open_database(place) as database:
            assert await content(database) == before
            assert await tables_of_tea(database) == {"plugin_tea_cups", "plugin_tea_shelves"}
    async with open_database(place) as database:
        await database.plugins.migrate("tea", [FIRST, Migration("0002", (CreateTable(more), COLOUR))])
        assert await content(database) == before
    assert left_over(place) == []


async def test_migrations_make_rename_and_drop_tables(place):
    renamed = RenameTable("plugin_tea_more", "plugin_tea_most")
    steps = [FIRST, Migration("0002", (CreateTable(more), renamed)), Migration("0003", (DropTable(cups),))]
    async with open_database(place) as database:
        await database.plugins.migrate("tea", steps)
        assert await tables_of_tea(database) == {"plugin_tea_most", "plugin_tea_shelves"}


async def test_a_table_is_not_renamed_out_of_the_plugins_reach(place):
    async with open_database(place) as database:
        with pytest.raises(PluginError, match="touches the table films2"):
            await database.plugins.migrate(
                "tea", [FIRST, Migration("0002", (RenameTable("plugin_tea_cups", "films2"),))]
            )


@pytest.mark.parametrize("place", ["postgresql"], indirect=True)  # a SQLite file belongs to one server
async def test_two_that_upgrade_at_once_do_it_once(place):
    async with open_database(place) as database:
        await database.plugins.migrate("tea", [FIRST])
    async with open_database(place) as one, open_database(place) as two:
        await asyncio.gather(*(each.plugins.migrate("tea", [FIRST, GOOD]) for each in (one, two)))
        names = Table("plugin_tea_migrations", MetaData(), Column("name", String))
        found = await one.plugins.tables("tea").fetch(select(names.c.name).order_by(names.c.name))
        assert found.rows == (("0001",), ("0002",))


NOW = shelves.to_metadata(MetaData())
NOW.append_column(Column("stars", Integer))
STARS = Migration("0002_stars", (add_column(shelves.name, Column("stars", Integer)),))


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_a_step_that_fails_is_named_and_one_that_makes_today_s_table_is_explained(place):
    """A server that has the table goes on, and every new one fails: the first step was changed."""
    async with open_database(place) as database:
        with pytest.raises(
            PluginError, match="could not be made: 0002_stars: The database refused"
        ) as refused:
            await database.plugins.migrate("tea", [Migration("0001", (CreateTable(NOW),)), STARS])
        assert "as it was when the step was released" in refused.value.fix
        await database.plugins.migrate("tea", [FIRST, STARS])
        late = Migration("0003_late", BAD["a column that is not there"])
        with pytest.raises(PluginError, match="as they were: 0003_late: "):
            await database.plugins.migrate("tea", [FIRST, STARS, late])


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_a_step_that_ran_here_in_another_form_is_said_so(place, caplog):
    changed = Migration("0001", (CreateTable(NOW),))
    said = "tea: 0001 ran here in another form than it is written in now"
    async with open_database(place) as database:
        await database.plugins.migrate("tea", [FIRST])
        await database.plugins.migrate("tea", [FIRST])
        assert said not in caplog.text
        await database.plugins.migrate("tea", [changed])
        assert said in caplog.text
        with pytest.raises(PluginError, match="0002_stars: .* 0001 ran here in another form"):
            await database.plugins.migrate("tea", [changed, Migration("0002_stars", (CreateTable(shelves),))])


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_a_record_of_migrations_of_an_earlier_server_goes_on(place):
    """It kept names alone, without the form in which a step ran."""
    async with open_database(place) as database:
        await database.plugins.migrate("tea", [FIRST])
        async with database.plugins._connections.writing() as connection:
            await connection.execute(drop_column("plugin_tea_migrations", "form"))
    async with open_database(place) as database:
        await database.plugins.migrate("tea", [FIRST])
        await database.plugins.migrate("tea", [FIRST, STARS])
        names = Table("plugin_tea_migrations", MetaData(), Column("name", String), Column("form", String))
        found = await database.plugins.tables("tea").fetch(select(names).order_by(names.c.name))
        assert [(name, form is not None) for name, form in found.rows] == [
            ("0001", False),
            ("0002_stars", True),
        ]
