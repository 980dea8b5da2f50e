"""What a running plugin is handed is what the SDK's types say."""

from __future__ import annotations

import inspect
import logging

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, insert, select

from wylloh_server import sdk
from wylloh_server.sdk.testing.sample_chain import SOMEWHERE
from wylloh_server.sdk.testing.samples import sample_films

CUPS = Table("plugin_mine_cups", MetaData(), Column("size", Integer))
MAKE = """
from sqlalchemy import Column, Integer, MetaData, Table
from sqlalchemy.schema import CreateTable

@hookimpl
def migrations():
    return [Migration("0001", (CreateTable(Table("plugin_mine_cups", MetaData(), Column("size", Integer))),))]
"""


def methods(protocol):
    return {
        name: list(inspect.signature(item).parameters)[1:]
        for name, item in inspect.getmembers(protocol, inspect.isfunction)
        if not name.startswith("_")
    }


@pytest.fixture
async def context(environment):
    environment.write("mine", MAKE)
    async with environment.running() as (registry, _):
        yield registry.plugin("mine").context


@pytest.mark.parametrize(
    ("part", "protocol"),
    [
        ("tables", sdk.PluginTables),
        ("library", sdk.PluginLibrary),
        ("chain", sdk.PluginChain),
    ],
)
async def test_each_part_has_the_methods_of_its_type(context, part, protocol):
    assert methods(protocol)
    for name, parameters in methods(protocol).items():
        assert list(inspect.signature(getattr(getattr(context, part), name)).parameters) == parameters


async def test_packages_of_films_are_among_what_happened_on_chain(environment, context):
    token = next(film.token for film in sample_films() if film.token)
    changed = sdk.PackageChanged(SOMEWHERE, token, "bafyroot", "ab" * 32)
    await environment.chain.happen([changed], None)
    (found,) = await context.chain.history(sdk.EventQuery(kinds=(sdk.PackageChanged,), token=token))
    assert (found.token, found.root, found.manifest_sha256) == (token, "bafyroot", "ab" * 32)


async def test_tables_give_rows(context):
    await context.tables.change([insert(CUPS).values(size=2), insert(CUPS).values(size=1)])
    found = await context.tables.fetch(select(CUPS.c.size).order_by(CUPS.c.size))
    assert found == sdk.PluginRows(("size",), ((1,), (2,)))


async def test_tables_of_others_are_out_of_reach(context):
    for name in ("films", "plugin_other_cups"):
        with pytest.raises(sdk.PluginError, match=f"touches the table {name}"):
            await context.tables.fetch(select(Table(name, MetaData(), Column("id", Integer)).c.id))


async def test_the_library_gives_cards_of_films(context):
    cards = await context.library.films(None)
    assert [(type(card), type(card.film)) for card in cards] == [(sdk.LibraryItem, sdk.Film)] * 4
    assert await context.library.film(cards[0].film.id) == cards[0].film
    with pytest.raises(sdk.NotFound):
        await context.library.film(sdk.FilmId("nowhere"))


async def test_the_log_writes_under_the_plugins_name(context, caplog):
    with caplog.at_level(logging.INFO):
        context.log.info("tea is ready", cups=2)
        context.log.warning("tea is cold")
        context.log.error("no tea", exc_info=ValueError("boom"))
    assert [(record.name, record.levelname, record.message) for record in caplog.records] == [
        ("wylloh.plugins.mine", "INFO", "tea is ready cups=2"),
        ("wylloh.plugins.mine", "WARNING", "tea is cold"),
        ("wylloh.plugins.mine", "ERROR", "no tea"),
    ]
    assert "boom" in caplog.text
