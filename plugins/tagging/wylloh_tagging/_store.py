"""The plugin's tables, and what is asked of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Column, Index, MetaData, String, Table, delete, insert, or_, select
from sqlalchemy.schema import CreateIndex, CreateTable

from wylloh_server.sdk import FilmId, InvalidValue, Migration
from wylloh_tagging.events import FilmTagged, FilmUntagged
from wylloh_tagging.tags import Tag

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy.sql import ColumnElement

    from wylloh_server.sdk import PluginContext

MOST = 50
"""Most tags on one film."""

_metadata = MetaData()
_tags = Table(
    "plugin_tagging_tags",
    _metadata,
    Column("film", String(32), primary_key=True),
    Column("tag", String(200), primary_key=True),
)
_tags_by_tag = Index("plugin_tagging_tags_by_tag", _tags.c.tag)
_looked_at = Table("plugin_tagging_looked_at", _metadata, Column("film", String(32), primary_key=True))

MIGRATIONS = (
    Migration("0001_tags", (CreateTable(_tags), CreateIndex(_tags_by_tag))),
    # Remembers which films automatic tagging has seen, so that a tag somebody removed stays removed.
    Migration("0002_looked_at", (CreateTable(_looked_at),)),
)


class TagStore:
    """Tags on films. Tells what changes as FilmTagged and FilmUntagged."""

    def __init__(self, context: PluginContext) -> None:
        self._tables = context.tables
        self._emit = context.emit

    async def all(self) -> tuple[tuple[FilmId, Tag], ...]:
        """Give every film with every tag of it."""
        found = await self._tables.fetch(select(_tags.c.film, _tags.c.tag))
        return tuple((FilmId(str(film)), Tag(str(tag))) for film, tag in found.rows)

    async def of(self, film: FilmId) -> tuple[Tag, ...]:
        """Give a film's tags in alphabetical order."""
        found = await self._tables.fetch(
            select(_tags.c.tag).where(_tags.c.film == film).order_by(_tags.c.tag)
        )
        return tuple(Tag(str(tag)) for (tag,) in found.rows)

    async def films_with(self, tag: Tag) -> frozenset[FilmId]:
        """Give the films that have the tag or one below it."""
        found = await self._tables.fetch(select(_tags.c.film).where(_below(tag)))
        return frozenset(FilmId(str(film)) for (film,) in found.rows)

    async def add(self, film: FilmId, tag: Tag) -> None:
        """Tag a film; nothing happens if it has the tag already.

        Raises:
            InvalidValue: the film has as many tags as it may have.
        """
        present = await self.of(film)
        if tag in present:
            return
        if len(present) >= MOST:
            raise InvalidValue(f"A film has at most {MOST} tags.", fix="Remove one first.")
        # Deleting first makes the second of two that add the same tag at once harmless.
        same = (_tags.c.film == film) & (_tags.c.tag == tag)
        await self._tables.change([delete(_tags).where(same), insert(_tags).values(film=film, tag=tag)])
        self._emit(FilmTagged(film, tag))

    async def remove(self, film: FilmId, tag: Tag) -> None:
        """Take a tag off a film; nothing happens if it does not have it."""
        if tag in await self.of(film):
            await self._tables.change([delete(_tags).where(_tags.c.film == film, _tags.c.tag == tag)])
            self._emit(FilmUntagged(film, tag))

    async def forget(self, films: Collection[FilmId]) -> None:
        """Drop everything known of some films."""
        await self._tables.change(
            [delete(table).where(table.c.film == film) for film in films for table in (_tags, _looked_at)]
        )

    async def looked_at(self) -> frozenset[FilmId]:
        """Give the films that automatic tagging has seen."""
        found = await self._tables.fetch(select(_looked_at.c.film))
        return frozenset(FilmId(str(film)) for (film,) in found.rows)

    async def look_at(self, films: Mapping[FilmId, Tag | None]) -> None:
        """Tag films that automatic tagging has not seen yet; None only notes that it has."""
        seen, tagged = await self.looked_at(), set(await self.all())
        unseen = [film for film in films if film not in seen]
        new = [(film, tag) for film in unseen if (tag := films[film]) and (film, tag) not in tagged]
        await self._tables.change(
            [insert(_looked_at).values(film=film) for film in unseen]
            + [insert(_tags).values(film=film, tag=tag) for film, tag in new]
        )
        for film, tag in new:
            self._emit(FilmTagged(film, tag))


def _below(tag: Tag) -> ColumnElement[bool]:
    # No tag holds a backslash, see `tags.tag_of`; % and _ are ordinary characters of one.
    begin = tag.replace("%", "\\%").replace("_", "\\_")
    return or_(_tags.c.tag == tag, _tags.c.tag.like(f"{begin}/%", escape="\\"))
