"""Which film has which tag."""

from __future__ import annotations

from itertools import starmap
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, insert, select, update

from wylloh_server.sdk import FilmId, InvalidValue
from wylloh_tagging.cache import cache_of
from wylloh_tagging.lock_changes import changed_films, refuse_lock_changes
from wylloh_tagging.parental_lock import locked_tags
from wylloh_tagging.tables import (
    AUTOMATIC,
    LOOKED_AT,
    REFUSED,
    REVISION,
    STUDIED,
    SUGGESTIONS,
    TAGS,
    for_each,
)
from wylloh_tagging.tag_events import FilmTagged, FilmUntagged
from wylloh_tagging.tag_index import TagIndex
from wylloh_tagging.tags import Tag, reaches

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from sqlalchemy import Column
    from sqlalchemy.sql import ColumnElement

    from wylloh_server.sdk import PluginContext

Pair = tuple[FilmId, Tag]

MOST = 50
"""Most tags on one film."""
_FEW = 50

_TAKE_OFF = delete(TAGS).where(TAGS.c.film == bindparam("film"), TAGS.c.tag == bindparam("tag"))
_CHOOSE = (
    update(AUTOMATIC)
    .where(AUTOMATIC.c.film == bindparam("of_film"), AUTOMATIC.c.tag == bindparam("chosen"))
    .values(tag=None)
)
_OF_A_FILM = (TAGS, LOOKED_AT, AUTOMATIC, SUGGESTIONS, STUDIED, REFUSED)


class TagStore:
    """Tags on films. Publishes what changes for single films as FilmTagged and FilmUntagged."""

    def __init__(self, context: PluginContext) -> None:
        self._context = context
        self._tables = context.tables
        self._emit = context.emit
        self._live = context.live
        self._cache = cache_of(context)

    async def index(self) -> TagIndex:
        """Return the index of all tags; read again only after a change."""
        found = await self._tables.fetch(select(REVISION.c.number))
        revision = int(str(found.rows[0][0]))
        # Read after the number: rows that came in between are seen now, and once more.
        if self._cache.index is None or self._cache.revision != revision:
            self._cache.index, self._cache.revision = TagIndex(await self.pairs()), revision
        return self._cache.index

    async def pairs(self) -> tuple[Pair, ...]:
        """Return every film with every tag of it."""
        found = await self._tables.fetch(select(TAGS.c.film, TAGS.c.tag))
        return tuple((FilmId(str(film)), Tag(str(tag))) for film, tag in found.rows)

    async def of(self, film: FilmId) -> tuple[Tag, ...]:
        """Return a film's tags in alphabetical order."""
        found = await self._tables.fetch(select(TAGS.c.tag).where(TAGS.c.film == film).order_by(TAGS.c.tag))
        return tuple(Tag(str(tag)) for (tag,) in found.rows)

    async def add(self, film: FilmId, tag: Tag, *, may_lock: bool) -> None:
        """Tag a film; a tag that it has already is somebody's choice from now on.

        Raises:
            InvalidValue: the film has as many tags as it may have.
            AccessRefused: like `exchange`.
        """
        present = await self.of(film)
        if tag in present:
            await self._tables.change(_choices([(film, tag)]))
            return
        if len(present) >= MOST:
            raise InvalidValue(f"A film has at most {MOST} tags.", fix="Remove one first.")
        await self.exchange((), [(film, tag)], may_lock=may_lock)

    async def remove(self, film: FilmId, tag: Tag, *, may_lock: bool) -> None:
        """Take a tag off a film; nothing happens if it does not have it. Raises like `exchange`."""
        if tag in await self.of(film):
            await self.exchange([(film, tag)], (), may_lock=may_lock)

    async def add_to_all(self, films: Iterable[FilmId], tag: Tag, *, may_lock: bool) -> int:
        """Tag films that have room, confirm the tag where it is; return how many were tagged.

        Raises like `exchange`.
        """
        index = await self.index()
        counts = index.counts()
        present = index.exact.get(tag, frozenset())
        wanted = tuple(films)
        new = [film for film in wanted if film not in present and counts.get(film, 0) < MOST]
        confirmed = _choices((film, tag) for film in wanted if film in present)
        await self.exchange((), [(film, tag) for film in new], confirmed, may_lock=may_lock)
        return len(new)

    async def remove_from_all(self, films: Iterable[FilmId], tag: Tag, *, may_lock: bool) -> int:
        """Take a tag off films; return how many had it. Raises like `exchange`."""
        present = (await self.index()).exact.get(tag, frozenset())
        old = [film for film in films if film in present]
        await self.exchange([(film, tag) for film in old], (), may_lock=may_lock)
        return len(old)

    async def exchange(
        self,
        gone: Collection[Pair],
        come: Collection[Pair],
        also: Sequence[object] = (),
        *,
        may_lock: bool,
        locks: Collection[Tag] | None = None,
        publish: bool = True,
    ) -> None:
        """Take tags off and put others on, and run other changes of the plugin's tables; all or nothing.

        Args:
            gone: film and tag that part.
            come: film and tag that join.
            also: the other changes.
            may_lock: whether whoever wants this may lock films for viewers and unlock them.
            locks: the locked tags afterwards, if `also` changes them.
            publish: tell of each film and tag by an event.

        Raises:
            AccessRefused: it would lock or unlock films, or change the locked tags, and not `may_lock`.
        """
        if not (gone or come or also):
            return
        # One after the other: of two changes that are harmless alone, the second must see the first.
        async with self._cache.exchanging:
            if not may_lock:
                films = await self.lock_changes(gone, come, locks)
                moved = set() if locks is None else set(locks) ^ set(await locked_tags(self._context))
                refuse_lock_changes(films, sorted(moved))
            await self._exchange(gone, come, also)
        self._notify({film for film, _ in (*gone, *come)})
        if publish:
            for event in (*starmap(FilmUntagged, gone), *starmap(FilmTagged, come)):
                self._emit(event)

    async def _exchange(self, gone: Collection[Pair], come: Collection[Pair], also: Sequence[object]) -> None:
        # What comes is deleted first too, so that of two who add the same tag at once the second is harmless.
        off, on = _rows({*gone, *come}), _rows(set(come))
        bump = update(REVISION).values(number=REVISION.c.number + 1)
        chosen = _choices({*gone, *come})
        await self._tables.change(
            [*for_each(_TAKE_OFF, off), *for_each(insert(TAGS), on), *chosen, *also, bump]
        )

    async def lock_changes(
        self, gone: Collection[Pair], come: Collection[Pair], locks: Collection[Tag] | None = None
    ) -> frozenset[FilmId]:
        """Return the films that a change would lock for viewers, or unlock. Arguments as of `exchange`."""
        before = await locked_tags(self._context)
        after = before if locks is None else tuple(locks)
        if not before and not after:
            return frozenset()
        return changed_films(await self.index(), gone=gone, come=come, before=before, after=after)

    async def forget(self, films: Collection[FilmId]) -> None:
        """Drop everything known of some films."""
        if films:
            rows = [{"gone": film} for film in films]
            one = [(delete(table).where(table.c.film == bindparam("gone")), rows) for table in _OF_A_FILM]
            await self.exchange((), (), one, may_lock=True)  # the server does; they left the library

    async def looked_at(self, films: Collection[FilmId] = ()) -> frozenset[FilmId]:
        """Return the films that automatic tagging has seen; of a few, if they are named."""
        found = await self._tables.fetch(select(LOOKED_AT.c.film).where(*_among(LOOKED_AT.c.film, films)))
        return frozenset(FilmId(str(film)) for (film,) in found.rows)

    async def look_at(self, films: Mapping[FilmId, Tag | None]) -> None:
        """Tag films that automatic tagging has not seen yet, and renew the tags that nobody has touched.

        None stands for no tag. A tag that is locked for viewers is not taken off: only admins unlock films.
        """
        async with self._cache.writing:
            seen, tagged = await self.looked_at(films), await self._tags_of(films)
            before, locks = await self._automatic(films), await locked_tags(self._context)
            gone, come, notes = list[Pair](), list[Pair](), dict[FilmId, str | None]()
            for film, tag in films.items():
                present, old = tag is not None and (film, tag) in tagged, before.get(film, "")
                if film in seen and film not in before:  # by a version that did not note which tag it gave
                    notes[film] = None if tag and not present else tag or ""
                elif old is not None and (film not in seen or old != (tag or "")):
                    notes[film] = None if present else tag or ""
                    come += [(film, tag)] if tag and not present else []
                    gone += (
                        [(film, Tag(old))] if old and not any(reaches(one, Tag(old)) for one in locks) else []
                    )
            looked = for_each(insert(LOOKED_AT), [{"film": film} for film in films if film not in seen])
            await self.exchange(gone, come, [*_notes(notes), *looked], may_lock=True)  # as its owner set it

    async def _tags_of(self, films: Collection[FilmId]) -> set[Pair]:
        """Return at least the tags of some films: reading few one by one is quicker, reading many is not."""
        if len(films) > _FEW:
            return set(await self.pairs())
        return {(film, tag) for film in films for tag in await self.of(film)}

    async def _automatic(self, films: Collection[FilmId]) -> dict[FilmId, str | None]:
        """Return the tags that automatic tagging keeps; empty for none, None where somebody chose."""
        statement = select(AUTOMATIC.c.film, AUTOMATIC.c.tag).where(*_among(AUTOMATIC.c.film, films))
        found = await self._tables.fetch(statement)
        return {FilmId(str(film)): None if tag is None else str(tag) for film, tag in found.rows}

    def _notify(self, films: Collection[FilmId]) -> None:
        # With more films than a screen shows, nobody has each one's page open; the common topic reaches all.
        each = [f"plugin:tagging:{film}" for film in films] if len(films) <= MOST else []
        self._live.changed("plugin:tagging", *each)


def _rows(pairs: Iterable[Pair]) -> list[dict[str, str]]:
    return [{"film": film, "tag": tag} for film, tag in sorted(pairs)]


def _among(column: Column[str], films: Collection[FilmId]) -> Iterable[ColumnElement[bool]]:
    """Match films that are few by name; more would fill a statement, so all are read."""
    return (column.in_(films),) if 0 < len(films) <= _FEW else ()


def _choices(pairs: Iterable[Pair]) -> list[object]:
    """Return the changes that take tags from automatic tagging: somebody has set or removed them."""
    return for_each(_CHOOSE, [{"of_film": film, "chosen": tag} for film, tag in sorted(pairs)])


def _notes(automatic: Mapping[FilmId, str | None]) -> list[object]:
    rows = [{"film": film, "tag": tag} for film, tag in automatic.items()]
    off = delete(AUTOMATIC).where(AUTOMATIC.c.film == bindparam("film"))
    return [*for_each(off, [{"film": film} for film in automatic]), *for_each(insert(AUTOMATIC), rows)]
