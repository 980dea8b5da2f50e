"""The plugin's tables, and the steps by which they came to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Boolean, Column, Float, Index, Integer, MetaData, String, Table, insert, or_, update
from sqlalchemy.schema import CreateIndex, CreateTable

from wylloh_server.sdk import Migration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.sql import ColumnElement
    from sqlalchemy.sql.dml import UpdateBase

    from wylloh_tagging.tags import Tag

_metadata = MetaData()


def _film() -> Column[str]:
    return Column("film", String(32), primary_key=True)


def _tag() -> Column[str]:
    return Column("tag", String(200), primary_key=True)


TAGS = Table("plugin_tagging_tags", _metadata, _film(), _tag())
_TAGS_BY_TAG = Index("plugin_tagging_tags_by_tag", TAGS.c.tag)

LOOKED_AT = Table("plugin_tagging_looked_at", _metadata, _film())
"""Films that automatic tagging has seen, so that a tag somebody removed stays removed."""

AUTOMATIC = Table(
    "plugin_tagging_automatic",
    _metadata,
    _film(),
    Column("tag", String(200)),
)
"""The tag that automatic tagging keeps on a film, empty for none; NULL once somebody chose or removed it."""

CATEGORIES = Table(
    "plugin_tagging_categories",
    _metadata,
    Column("name", String(200), primary_key=True),
    Column("position", Integer, nullable=False),
)
"""Kinds of tags: the first levels that people gave a place of their own."""

GREYS = Table("plugin_tagging_greys", _metadata, _tag(), Column("grey", String(10), nullable=False))
"""How tags look, and those below them that have no look of their own."""

LOCKS = Table("plugin_tagging_locks", _metadata, _tag())
"""Tags whose films the role viewer may not watch, beside those in the settings file."""

FILTERS = Table(
    "plugin_tagging_filters",
    _metadata,
    Column("id", String(16), primary_key=True),
    Column("owner", String(42), nullable=False),
    Column("name", String(60), nullable=False),
    Column("expression", String(500), nullable=False),
    Column("position", Integer, nullable=False),
    Column("home", Boolean, nullable=False),
)
"""Smart collections. `owner` is a wallet, or empty for the whole household."""

SUGGESTIONS = Table(
    "plugin_tagging_suggestions",
    _metadata,
    _film(),
    _tag(),
    Column("evidence", Float, nullable=False),
    Column("source", String(20), nullable=False),
)
"""What looking into films has found."""

STUDIED = Table("plugin_tagging_studied", _metadata, _film())
"""Films that have been looked into."""

REFUSED = Table("plugin_tagging_refused", _metadata, _film(), _tag())
"""Suggestions somebody refused; they do not come again."""

LEARNED = Table(
    "plugin_tagging_learned",
    _metadata,
    Column("what", String(210), primary_key=True),
    Column("accepted", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
)
"""How often suggestions were accepted and refused: by tag (`tag:genre/noir`), by source (`source:title`)."""

REVISION = Table(
    "plugin_tagging_revision",
    _metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, nullable=False),
)
"""One row that counts the changes of tags, so that what is kept in memory knows when it is old."""


def named(column: Column[str], tag: Tag) -> ColumnElement[bool]:
    """Match a column with a tag or one below it."""
    # No tag holds a backslash, see `tags.tag_of`; % and _ are ordinary characters of one.
    begin = tag.replace("%", "\\%").replace("_", "\\_")
    return or_(column == tag, column.like(f"{begin}/%", escape="\\"))


def for_each(statement: UpdateBase, rows: Sequence[Mapping[str, object]]) -> list[object]:
    """Return a statement to be run for each row. Nothing for no row: an insert of nothing has no columns."""
    return [(statement, rows)] if rows else []


def moved(key: Column[str], order: Sequence[str], chosen: str, by: int) -> list[object]:
    """Return what moves a row up (-1) or down (1) in an order, where it stays at an end.

    Args:
        key: the column that the order names; its table has a column `position`.
        order: every row of the order, as it is now.
        chosen: the one to move.
        by: how far.
    """
    others = [one for one in order if one != chosen]
    others.insert(max(0, order.index(chosen) + by), chosen)
    return [
        update(key.table).where(key == one).values(position=position) for position, one in enumerate(others)
    ]


_FIRST_CATEGORIES = ("genre", "mood", "decade")

MIGRATIONS = (
    Migration("0001_tags", (CreateTable(TAGS), CreateIndex(_TAGS_BY_TAG))),
    Migration("0002_looked_at", (CreateTable(LOOKED_AT),)),
    Migration(
        "0003_categories",
        (
            CreateTable(CATEGORIES),
            insert(CATEGORIES).values(
                [{"name": name, "position": place} for place, name in enumerate(_FIRST_CATEGORIES)]
            ),
            CreateTable(GREYS),
            CreateTable(LOCKS),
        ),
    ),
    Migration("0004_filters", (CreateTable(FILTERS),)),
    Migration(
        "0005_suggestions",
        (CreateTable(SUGGESTIONS), CreateTable(STUDIED), CreateTable(REFUSED), CreateTable(LEARNED)),
    ),
    Migration("0006_revision", (CreateTable(REVISION), insert(REVISION).values(id=1, number=0))),
    Migration("0007_automatic", (CreateTable(AUTOMATIC),)),
)
