"""Rows of a plugin's tables: selected by many values, and put in the place of others."""

from __future__ import annotations

from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select
from sqlalchemy.schema import CreateTable

from wylloh_server.sdk import Migration, replace_rows, select_rows
from wylloh_server.storage import open_database

CUPS = Table(
    "plugin_tea_cups",
    MetaData(),
    Column("shelf", Integer, primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("colour", String(9), nullable=False),
)


async def test_rows_are_selected_by_more_values_than_one_statement_takes(tmp_path):
    async with open_database(tmp_path / "wylloh.sqlite3") as database:
        await database.plugins.migrate("tea", (Migration("0001", (CreateTable(CUPS),)),))
        tables = database.plugins.tables("tea")
        await tables.change(
            [(insert(CUPS), [{"shelf": 1, "place": at, "colour": "red"} for at in range(900)])]
        )
        everything = await select_rows(tables, select(CUPS))
        assert len(everything) == 900
        assert await select_rows(tables, select(CUPS), CUPS.c.place, range(900)) == everything
        assert await select_rows(tables, select(CUPS.c.colour), CUPS.c.place, [7, 900]) == [{"colour": "red"}]
        assert await select_rows(tables, select(CUPS), CUPS.c.place, []) == []


async def test_rows_take_the_place_of_those_with_the_same_key(tmp_path):
    async with open_database(tmp_path / "wylloh.sqlite3") as database:
        await database.plugins.migrate("tea", (Migration("0001", (CreateTable(CUPS),)),))
        tables = database.plugins.tables("tea")
        await tables.change(replace_rows(CUPS, {(1, 1): {"colour": "red"}, (1, 2): {"colour": "blue"}}))
        await tables.change(replace_rows(CUPS, {(1, 1): {"colour": "green"}, (1, 2): None, (2, 1): None}))
        assert await select_rows(tables, select(CUPS)) == [{"shelf": 1, "place": 1, "colour": "green"}]
        await tables.change(replace_rows(CUPS, {}))
