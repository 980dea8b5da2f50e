"""Which film has which tag."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, insert, select, update

from wylloh_server.sdk import FilmId, InvalidValue
from wylloh_tagging._kept import kept_of
from wylloh_tagging._tables import LOOKED_AT, REFUSED, REVISION, STUDIED, SUGGESTIONS, TAGS, for_each
from wylloh_tagging.events import FilmTagged, FilmUntagged
from wylloh_tagging.index import TagIndex
from wylloh_tagging.tags import Tag

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from wylloh_server.sdk import PluginContext

Pair = tuple[FilmId, Tag]

MOST = 50
"""Most tags on one film."""
_FEW = 50

_TAKE_OFF = delete(TAGS).where(TAGS.c.film == bindparam("film"), TAGS.c.tag == bindparam("tag"))
_OF_A_FILM = (TAGS, LOOKED_AT, SUGGESTIONS, STUDIED, REFUSED)


class TagStore:
    """Tags on films. Tells what changes for single films as FilmTagged and FilmUntagged."""

    def __init__(self, context: PluginContext) -> None:
        self._tables = context.tables
        self._emit = context.emit
        self._live = context.live
        self._kept = kept_of(context.tables)

    async def index(self) -> TagIndex:
        """Give a picture of all tags; read anew only after a change."""
        found = await self._tables.fetch(select(REVISION.c.number))
        revision = int(str(found.rows[0][0]))
        # Read after the number: rows that came in between are seen now, and once more.
        if self._kept.index is None or self._kept.revision != revision:
            self._kept.index, self._kept.revision = TagIndex(await self.pairs()), revision
        return self._kept.index

    async def pairs(self) -> tuple[Pair, ...]:
        """Give every film with every tag of it."""
        found = await self._tables.fetch(select(TAGS.c.film, TAGS.c.tag))
        return tuple((FilmId(str(film)), Tag(str(tag))) for film, tag in found.rows)

    async def of(self, film: FilmId) -> tuple[Tag, ...]:
        """Give a film's tags in alphabetical order."""
        found = await self._tables.fetch(select(TAGS.c.tag).where(TAGS.c.film == film).order_by(TAGS.c.tag))
        return tuple(Tag(str(tag)) for (tag,) in found.rows)

    async def add(self, film: FilmId, tag: Tag) -> None:
        """Tag a film; nothing happens if it has the tag already.

        Raises:
            InvalidValue: the film has as many tags as it may have.
        """
        present = await self.of(film)
        if tag not in present:
            if len(present) >= MOST:
                raise InvalidValue(f"A film has at most {MOST} tags.", fix="Remove one first.")
            await self.exchange((), [(film, tag)])
            self._emit(FilmTagged(film, tag))

    async def remove(self, film: FilmId, tag: Tag) -> None:
        """Take a tag off a film; nothing happens if it does not have it."""
        if tag in await self.of(film):
            await self.exchange([(film, tag)], ())
            self._emit(FilmUntagged(film, tag))

    async def add_to_all(self, films: Iterable[FilmId], tag: Tag) -> int:
        """Tag films that do not have the tag and have room for it; gives how many."""
        index = await self.index()
        counts = index.counts()
        present = index.exact.get(tag, frozenset())
        new = [film for film in films if film not in present and counts.get(film, 0) < MOST]
        await self.exchange((), [(film, tag) for film in new])
        for film in new:
            self._emit(FilmTagged(film, tag))
        return len(new)

    async def remove_from_all(self, films: Iterable[FilmId], tag: Tag) -> int:
        """Take a tag off films; gives how many had it."""
        present = (await self.index()).exact.get(tag, frozenset())
        old = [film for film in films if film in present]
        await self.exchange([(film, tag) for film in old], ())
        for film in old:
            self._emit(FilmUntagged(film, tag))
        return len(old)

    async def exchange(
        self, gone: Collection[Pair], come: Collection[Pair], also: Sequence[object] = ()
    ) -> None:
        """Take tags off and put others on, and run other changes of the plugin's tables; all or nothing."""
        if not (gone or come or also):
            return
        # What comes is deleted first too, so that of two who add the same tag at once the second is harmless.
        off, on = _rows({*gone, *come}), _rows(set(come))
        bump = update(REVISION).values(number=REVISION.c.number + 1)
        await self._tables.change([*for_each(_TAKE_OFF, off), *for_each(insert(TAGS), on), *also, bump])
        self._tell({film for film, _ in (*gone, *come)})

    async def forget(self, films: Collection[FilmId]) -> None:
        """Drop everything known of some films."""
        if films:
            rows = [{"gone": film} for film in films]
            one = [(delete(table).where(table.c.film == bindparam("gone")), rows) for table in _OF_A_FILM]
            await self.exchange((), (), one)

    async def looked_at(self, films: Collection[FilmId] = ()) -> frozenset[FilmId]:
        """Give the films that automatic tagging has seen; of a few, if they are named."""
        statement = select(LOOKED_AT.c.film)
        if 0 < len(films) <= _FEW:
            statement = statement.where(LOOKED_AT.c.film.in_(films))
        found = await self._tables.fetch(statement)
        return frozenset(FilmId(str(film)) for (film,) in found.rows)

    async def look_at(self, films: Mapping[FilmId, Tag | None]) -> None:
        """Tag films that automatic tagging has not seen yet; None only notes that it has."""
        seen = await self.looked_at(films)
        unseen = [film for film in films if film not in seen]
        wanted = [(film, tag) for film in unseen if (tag := films[film])]
        tagged = await self._tags_of([film for film, _ in wanted])
        new = [pair for pair in wanted if pair not in tagged]
        await self.exchange((), new, for_each(insert(LOOKED_AT), [{"film": film} for film in unseen]))
        for film, tag in new:
            self._emit(FilmTagged(film, tag))

    async def _tags_of(self, films: Collection[FilmId]) -> set[Pair]:
        """Give at least the tags of some films: reading few one by one is quicker, reading many is not."""
        if len(films) > _FEW:
            return set(await self.pairs())
        return {(film, tag) for film in films for tag in await self.of(film)}

    def _tell(self, films: Collection[FilmId]) -> None:
        # Beyond a screenful nobody looks at each film's own page at that moment; the common topic tells all.
        each = [f"plugin:tagging:{film}" for film in films] if len(films) <= MOST else []
        self._live.changed("plugin:tagging", *each)


def _rows(pairs: Iterable[Pair]) -> list[dict[str, str]]:
    return [{"film": film, "tag": tag} for film, tag in sorted(pairs)]
