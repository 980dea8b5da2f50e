"""A plugin has its own tables and no others, on both databases."""

from __future__ import annotations

import pytest
from alembic.ddl.base import AddColumn
from sqlalchemy import (
    DDL,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    column,
    delete,
    exists,
    func,
    insert,
    literal_column,
    select,
    table,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable, DropTable

from wylloh_server.storage import open_database
from wylloh_server.storage import tables as core
from wylloh_server.domain.errors import PluginError, StorageError
from wylloh_server.domain.ports.plugin_tables import Migration

# Copies: an index made here must not become one of the core's.
accounts, sessions = core.accounts.to_metadata(MetaData()), core.sessions.to_metadata(MetaData())
metadata = MetaData()
tags = Table(
    "plugin_tagging_tags",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("parent", ForeignKey("plugin_tagging_tags.id")),
)
FIRST = Migration("0001", (CreateTable(tags), CreateIndex(Index("ix_plugin_tagging_name", tags.c.name))))
SECOND = Migration(
    "0002",
    (
        AddColumn("plugin_tagging_tags", Column("colour", String)),
        insert(tags).values(id=1, name="all"),
    ),
)


@pytest.fixture
async def own(database):
    await database.plugins.migrate("tagging", [FIRST])
    return database.plugins.tables("tagging")


async def test_rows_come_back_with_their_columns(own):
    await own.change([insert(tags).values([tag(1, "a"), tag(2, "b", parent=1)])])
    await own.change(
        [update(tags).where(tags.c.id == 1).values(name="A"), delete(tags).where(tags.c.id == 3)]
    )
    child = tags.alias()
    found = await own.fetch(
        select(tags.c.name, func.count(child.c.id).label("children"))
        .join_from(tags, child, child.c.parent == tags.c.id, isouter=True)
        .group_by(tags.c.name)
        .order_by(tags.c.name)
    )
    assert found.columns == ("name", "children")
    assert found.rows == (("A", 1), ("b", 0))


def tag(number, name, parent=None):
    return {"id": number, "name": name, "parent": parent}


async def test_the_usual_expressions_pass(place, own):
    insert_or_not = (postgresql if isinstance(place, str) else sqlite).insert
    once = insert_or_not(tags).values(tag(1, "a")).on_conflict_do_nothing()
    await own.change([once, once])
    assert (await own.fetch(select(func.count()).select_from(tags))).rows == ((1,),)
    assert (await own.fetch(select(tags.c.id).where(exists().where(tags.c.name == "a")))).rows == ((1,),)
    below = select(tags.c.id).where(tags.c.parent.is_(None)).cte("below", recursive=True)
    below = below.union_all(select(tags.c.id).join(below, tags.c.parent == below.c.id))
    assert (await own.fetch(select(below.c.id))).rows == ((1,),)


async def test_changes_are_stored_together_or_not_at_all(own):
    once = insert(tags).values(id=1, name="a")
    with pytest.raises(StorageError):
        await own.change([once, insert(tags).values(id=2, name="b"), once])
    assert (await own.fetch(select(tags))).rows == ()


async def test_a_statement_runs_for_many_rows(own):
    there = exists().where(tags.c.id == bindparam("key"))
    missing = select(bindparam("key", type_=Integer), bindparam("called", type_=String)).where(~there)
    if_missing = insert(tags).from_select(["id", "name"], missing)
    longer = update(tags).where(tags.c.id == bindparam("key")).values(name=tags.c.name + bindparam("more"))
    await own.change(
        [
            (insert(tags), [tag(1, "a"), tag(2, "b")]),
            (if_missing, [{"key": 2, "called": "x"}, {"key": 3, "called": "c"}]),
            (longer, [{"key": 1, "more": "A"}, {"key": 3, "more": "C"}]),
            (delete(tags).where(tags.c.id == bindparam("key")), [{"key": 2}]),
            (delete(tags), []),
            (insert(tags), []),
        ]
    )
    found = await own.fetch(select(tags.c.id, tags.c.name).order_by(tags.c.id))
    assert found.rows == ((1, "aA"), (3, "cC"))


async def test_many_rows_are_stored_together_or_not_at_all(own):
    with pytest.raises(StorageError):
        await own.change([(insert(tags), [tag(1, "a"), tag(1, "b")])])
    assert (await own.fetch(select(tags))).rows == ()


async def test_rows_of_an_insert_may_be_tuples_in_the_order_of_the_columns(own):
    width = len(tags.c)
    rows = [(number, name, *[None] * (width - 2)) for number, name in ((1, "a"), (2, "b"))]
    await own.change([(insert(tags), rows)])
    found = await own.fetch(select(tags.c.id, tags.c.name).order_by(tags.c.id))
    assert found.rows == ((1, "a"), (2, "b"))
    for pair in ((insert(tags), [(3, "c")]), (delete(tags).where(tags.c.id == bindparam("key")), [(1,)])):
        with pytest.raises(PluginError):
            await own.change([pair])
    with pytest.raises(PluginError):
        await own.change([(insert(accounts), [("0x", "owner")])])
    assert len((await own.fetch(select(tags))).rows) == 2


@pytest.mark.parametrize(
    "pair",
    [
        (delete(sessions), []),
        (insert(accounts), [{"wallet": "0x", "role": "owner"}]),
        (text("DELETE FROM sessions"), [{}]),
    ],
    ids=["delete", "insert", "text"],
)
async def test_changing_anything_else_for_many_rows_is_refused(own, pair):
    with pytest.raises(PluginError):
        await own.change([pair])


async def test_a_default_that_reads_elsewhere_is_refused_for_many_rows_too(own):
    with pytest.raises(PluginError):
        await own.change([(insert(sly), [{"id": 1}])])


async def test_foreign_keys_are_enforced(own):
    with pytest.raises(StorageError):
        await own.change([insert(tags).values(id=2, name="b", parent=99)])


@pytest.mark.parametrize(
    "statement",
    [
        select(accounts),
        select(accounts.c.role),
        select(tags).where(tags.c.name == select(accounts.c.role).scalar_subquery()),
        select(tags).join(accounts, accounts.c.wallet == tags.c.name),
        select(tags.c.name).union(select(accounts.c.wallet)),
        select(select(accounts.c.wallet).cte("plugin_tagging_cte")),
        select(select(accounts.c.wallet).subquery("plugin_tagging_sub")),
        select(accounts.alias("plugin_tagging_alias")),
        select(tags).where(select(accounts.c.role).exists()),
        select(tags).order_by(select(accounts.c.role).limit(1).scalar_subquery()),
        select(table("sessions", column("id"))),
        select(Table("tags", MetaData(), Column("id", Integer), schema="plugin_tagging_")),
        select(text("role")).select_from(tags),
        select(literal_column("(SELECT role FROM accounts)")).select_from(tags),
        select(tags).where(text("1 = 1")),
        text("SELECT * FROM accounts"),
        text("SELECT id FROM sessions").columns(column("id")),
        insert(tags).values(id=1, name="a"),
        "SELECT 1",
    ],
    ids=str,
)
async def test_reading_anything_else_is_refused(own, statement):
    with pytest.raises(PluginError):
        await own.fetch(statement)


sly = Table(
    "plugin_tagging_sly",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("spied", String, default=select(sessions.c.id).limit(1).scalar_subquery()),
)


@pytest.mark.parametrize(
    "statement",
    [
        insert(accounts).values(wallet="0x", role="owner"),
        update(accounts).values(role="owner"),
        delete(sessions),
        insert(tags).from_select(["name"], select(sessions.c.id)),
        insert(tags).values(id=1, name=select(sessions.c.id).scalar_subquery()),
        insert(tags).values([{"id": 1, "name": select(sessions.c.id).scalar_subquery()}]),
        update(tags).values(name=select(sessions.c.id).scalar_subquery()),
        update(tags).where(tags.c.name == sessions.c.id).values(name="x"),
        delete(tags).where(tags.c.name.in_(select(sessions.c.id))),
        update(tags).values(name=text("'x'")),
        insert(tags).values(id=1, name="a").returning(accounts.c.role),
        insert(sly).values(id=1),
        select(tags),
        CreateTable(tags),
        "DELETE FROM sessions",
    ],
    ids=str,
)
async def test_changing_anything_else_is_refused(own, statement):
    with pytest.raises(PluginError):
        await own.change([statement])


foreign = Table("plugin_other_tags", MetaData(), Column("id", Integer, primary_key=True))
leaning = Table(
    "plugin_tagging_leaning", MetaData(), Column("id", Integer, ForeignKey("sessions.id"), primary_key=True)
)
deferring = Table(
    "plugin_tagging_deferring",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("parent", ForeignKey("plugin_tagging_deferring.id", deferrable=True, initially="DEFERRED")),
)


@pytest.mark.parametrize(
    "statement",
    [
        CreateTable(foreign),
        DropTable(accounts),
        CreateIndex(Index("ix_plugin_tagging_spy", sessions.c.id)),
        CreateTable(leaning),
        CreateTable(deferring),
        AddColumn("accounts", Column("x", String)),
        AddColumn("plugin_tagging_tags", Column("x", String, ForeignKey("sessions.id"))),
        AddColumn("plugin_tagging_tags", Column("x", String), schema="other"),
        DDL("DROP TABLE accounts"),
        text("DROP TABLE accounts"),
        update(accounts).values(role="owner"),
    ],
    ids=lambda statement: type(statement).__name__,
)
async def test_migrations_that_touch_anything_else_are_refused(database, statement):
    with pytest.raises(PluginError):
        await database.plugins.migrate("tagging", [FIRST, Migration("0002", (statement,))])
    await database.plugins.migrate("tagging", [FIRST])


async def test_migrations_run_once_in_order_and_survive_reopening(place):
    async with open_database(place) as database:
        await database.plugins.migrate("tagging", [FIRST])
    async with open_database(place) as database:
        await database.plugins.migrate("tagging", [SECOND, FIRST])
        await database.plugins.migrate("tagging", [FIRST, SECOND])
        found = await database.plugins.tables("tagging").fetch(select(tags.c.name, column("colour")))
    assert found.rows == (("all", None),)


async def test_a_migration_that_fails_leaves_nothing(database):
    broken = Migration("0002", (CreateTable(foreign_copy()), CreateTable(tags)))
    with pytest.raises(PluginError, match="tagging"):
        await database.plugins.migrate("tagging", [FIRST, broken])
    repaired = Migration("0002", (CreateTable(foreign_copy()),))
    await database.plugins.migrate("tagging", [FIRST, repaired])


def foreign_copy():
    return Table("plugin_tagging_more", MetaData(), Column("id", Integer, primary_key=True))


async def test_an_older_plugin_does_not_touch_newer_tables(database):
    await database.plugins.migrate("tagging", [FIRST, SECOND])
    with pytest.raises(PluginError, match="0002"):
        await database.plugins.migrate("tagging", [FIRST])
    with pytest.raises(PluginError, match="0001a"):
        await database.plugins.migrate("tagging", [FIRST, Migration("0001a", ()), SECOND])
    with pytest.raises(PluginError, match="same name"):
        await database.plugins.migrate("tagging", [FIRST, FIRST])


@pytest.mark.parametrize("name", ["", "Tagging", "tag ging", "1st", 'x"; DROP TABLE films; --', "x" * 33])
def test_names_that_tables_cannot_carry_are_refused(database, name):
    with pytest.raises(PluginError):
        database.plugins.tables(name)


def test_two_plugins_cannot_share_a_prefix(database):
    database.plugins.tables("tag")
    database.plugins.tables("tagging")
    with pytest.raises(PluginError, match="mistaken"):
        database.plugins.tables("tag_cloud")
