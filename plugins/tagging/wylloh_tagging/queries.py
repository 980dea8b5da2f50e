"""Which film has which tag."""

from __future__ import annotations

from itertools import starmap
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, insert, select, update

from wylloh_server.sdk import FilmId, InvalidValue
from wylloh_tagging.cache import cache_of
from wylloh_tagging.lock_changes import changed_films, refuse_lock_changes
from wylloh_tagging.parental_lock import locked_tags
from wylloh_tagging.tables import LOOKED_AT, REFUSED, REVISION, STUDIED, SUGGESTIONS, TAGS, for_each
from wylloh_tagging.tag_events import FilmTagged, FilmUntagged
from wylloh_tagging.tag_index import TagIndex
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
        """Tag a film; nothing happens if it has the tag already.

        Raises:
            InvalidValue: the film has as many tags as it may have.
            AccessRefused: like `exchange`.
        """
        present = await self.of(film)
        if tag not in present:
            if len(present) >= MOST:
                raise InvalidValue(f"A film has at most {MOST} tags.", fix="Remove one first.")
            await self.exchange((), [(film, tag)], may_lock=may_lock)

    async def remove(self, film: FilmId, tag: Tag, *, may_lock: bool) -> None:
        """Take a tag off a film; nothing happens if it does not have it. Raises like `exchange`."""
        if tag in await self.of(film):
            await self.exchange([(film, tag)], (), may_lock=may_lock)

    async def add_to_all(self, films: Iterable[FilmId], tag: Tag, *, may_lock: bool) -> int:
        """Tag films that do not have the tag and have room; return how many. Raises like `exchange`."""
        index = await self.index()
        counts = index.counts()
        present = index.exact.get(tag, frozenset())
        new = [film for film in films if film not in present and counts.get(film, 0) < MOST]
        await self.exchange((), [(film, tag) for film in new], may_lock=may_lock)
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
        await self._tables.change([*for_each(_TAKE_OFF, off), *for_each(insert(TAGS), on), *also, bump])

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
        seen_now = for_each(insert(LOOKED_AT), [{"film": film} for film in unseen])
        await self.exchange((), new, seen_now, may_lock=True)  # the server does, as its owner set it

    async def _tags_of(self, films: Collection[FilmId]) -> set[Pair]:
        """Return at least the tags of some films: reading few one by one is quicker, reading many is not."""
        if len(films) > _FEW:
            return set(await self.pairs())
        return {(film, tag) for film in films for tag in await self.of(film)}

    def _notify(self, films: Collection[FilmId]) -> None:
        # With more films than a screen shows, nobody has each one's page open; the common topic reaches all.
        each = [f"plugin:tagging:{film}" for film in films] if len(films) <= MOST else []
        self._live.changed("plugin:tagging", *each)


def _rows(pairs: Iterable[Pair]) -> list[dict[str, str]]:
    return [{"film": film, "tag": tag} for film, tag in sorted(pairs)]
