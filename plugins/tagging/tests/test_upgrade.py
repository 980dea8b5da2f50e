"""From the tables of the first released version to today's, with everything that was in them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from wylloh_server.storage import open_database
from wylloh_server.sdk import Role, Verdict
from wylloh_server.sdk.testing.samples import sample_films

FIRST_VERSION = """
CREATE TABLE plugin_tagging_migrations (name VARCHAR NOT NULL, PRIMARY KEY (name));
INSERT INTO plugin_tagging_migrations VALUES ('0001_tags'), ('0002_looked_at');
CREATE TABLE plugin_tagging_tags (
    film VARCHAR(32) NOT NULL, tag VARCHAR(200) NOT NULL, PRIMARY KEY (film, tag));
CREATE INDEX plugin_tagging_tags_by_tag ON plugin_tagging_tags (tag);
CREATE TABLE plugin_tagging_looked_at (film VARCHAR(32) NOT NULL, PRIMARY KEY (film));
"""
NOSFERATU, METROPOLIS, COAST, BUNNY = sample_films()
TAGS = {
    NOSFERATU: ["adults-only/gore", "decade/1920s", "genre/horror"],
    METROPOLIS: ["genre/noir/german", "mood/🍿 & <b>"],
    COAST: [],
    BUNNY: ["100%_fun"],
}


@pytest.fixture
async def old_tables(tmp_path):
    """A database as the first version left it. Its owner has taken Metropolis's decade off."""
    path = tmp_path / "wylloh.sqlite3"
    async with open_database(path):
        pass
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript(FIRST_VERSION)
        rows = [(film.id, tag) for film, tags in TAGS.items() for tag in tags]
        database.executemany("INSERT INTO plugin_tagging_tags VALUES (?, ?)", rows)
        seen = [(film.id,) for film in TAGS]
        database.executemany("INSERT INTO plugin_tagging_looked_at VALUES (?)", seen)
    return path


@pytest.mark.usefixtures("old_tables")
async def test_nothing_is_lost_on_the_way(plugin_app, tags_of):
    locked = {"locked_for_viewers": ["adults-only"]}
    for _ in range(2):  # the second start finds everything done
        async with plugin_app("wylloh_tagging", settings=locked) as app:
            assert (app.record.status, app.record.reason) == ("running", "")
            for film, tags in TAGS.items():
                assert await tags_of(app, film) == tags
            assert (await app.access_vote(NOSFERATU)).verdict is Verdict.DENY


@pytest.mark.usefixtures("old_tables")
async def test_an_automatic_tag_of_the_first_version_follows_its_source(plugin_app, tags_of):
    async with plugin_app("wylloh_tagging") as app:
        for film in (NOSFERATU, METROPOLIS):
            await app.arrive(replace(film, description=replace(film.description, year=1931)))
        assert await tags_of(app, NOSFERATU) == ["adults-only/gore", "decade/1930s", "genre/horror"]
        assert await tags_of(app, METROPOLIS) == TAGS[METROPOLIS]


@pytest.mark.usefixtures("old_tables")
async def test_old_tags_have_all_that_is_new(plugin_app, tags_of, add):
    async with plugin_app("wylloh_tagging") as app:
        page = await app.get()
        assert [(group.name, len(group.children)) for group in page.values["tag_groups"]] == [
            ("genre", 2),
            ("mood", 1),
            ("decade", 1),
            ("", 2),
        ]
        found = await app.get("filter", query={"q": "genre NOT gore"})
        assert [card.film.title for card in found.values["cards"]] == ["Metropolis"]
        await add(app, COAST, "genre/noir")
        form = {"tag": "genre/noir", "to": "style/noir"}
        plan = await app.get("rename", query=form, by=Role.OWNER)
        await app.post("rename", form | {"confirmed": plan.values["confirmed"]}, by=Role.OWNER)
        assert await tags_of(app, METROPOLIS) == ["mood/🍿 & <b>", "style/noir/german"]


async def test_a_new_database_has_the_same_tables(plugin_app, old_tables):
    def columns(path):
        with closing(sqlite3.connect(path)) as database:
            names = database.execute(
                "SELECT name FROM sqlite_master WHERE name LIKE 'plugin_tagging%' ORDER BY 1"
            )
            return {
                name: database.execute(f"PRAGMA table_xinfo({name})").fetchall()
                for (name,) in names.fetchall()
            }

    async with plugin_app("wylloh_tagging"):
        pass
    upgraded = columns(old_tables)
    old_tables.unlink()
    async with plugin_app("wylloh_tagging"):
        pass
    fresh = columns(old_tables)
    assert fresh.keys() == upgraded.keys()
    for name in fresh.keys() - {"plugin_tagging_migrations"}:
        assert fresh[name] == upgraded[name], name
