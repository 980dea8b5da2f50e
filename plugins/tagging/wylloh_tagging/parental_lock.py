"""Parental lock: films with certain tags are not for the role `viewer`.

The settings file names some of those tags; others are locked on their page, or got their lock when a locked
tag was renamed or imported. The settings file's can be taken away only there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, insert, select

from wylloh_server.sdk import Role, Verdict, Vote
from wylloh_tagging.cache import cache_of
from wylloh_tagging.lock_changes import refuse_lock_changes
from wylloh_tagging.tables import LOCKS, for_each
from wylloh_tagging.tags import Tag, reaches, tag_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wylloh_server.sdk import AccessRequest, FilmId, PluginContext
    from wylloh_tagging.queries import TagStore
    from wylloh_tagging.tag_index import TagIndex


def locked_by_settings(context: PluginContext) -> tuple[Tag, ...]:
    """Read the setting.

    Raises:
        InvalidValue: it names something that is no tag.
    """
    return tuple(tag_of(text) for text in context.settings["locked_for_viewers"])


async def locked_here(context: PluginContext) -> tuple[Tag, ...]:
    """Return the tags that are locked beside those of the settings file."""
    found = await context.tables.fetch(select(LOCKS.c.tag).order_by(LOCKS.c.tag))
    return tuple(Tag(str(tag)) for (tag,) in found.rows)


async def locked_tags(context: PluginContext) -> tuple[Tag, ...]:
    """Return every locked tag."""
    return tuple(dict.fromkeys((*locked_by_settings(context), *await locked_here(context))))


async def lock(context: PluginContext, tag: Tag, *, may_lock: bool) -> None:
    """Lock a tag and those below it.

    Raises:
        AccessRefused: not `may_lock`.
    """
    if not may_lock:
        refuse_lock_changes((), (tag,))
    async with cache_of(context).writing, cache_of(context).exchanging:
        await context.tables.change(lock_rows([tag]))


async def unlock(context: PluginContext, tag: Tag, *, may_lock: bool) -> None:
    """Take a lock off; one of the settings file stays.

    Raises:
        AccessRefused: not `may_lock`.
    """
    if not may_lock:
        refuse_lock_changes((), (tag,))
    async with cache_of(context).writing, cache_of(context).exchanging:
        await context.tables.change([delete(LOCKS).where(LOCKS.c.tag == tag)])


def lock_rows(tags: Iterable[Tag]) -> list[object]:
    """Return the changes that lock tags."""
    rows = [{"tag": tag} for tag in sorted(set(tags))]
    off = delete(LOCKS).where(LOCKS.c.tag == bindparam("tag"))
    return [*for_each(off, rows), *for_each(insert(LOCKS), rows)]


def locked_films(index: TagIndex, locks: Iterable[Tag]) -> frozenset[FilmId]:
    """Return the films that locks keep from viewers."""
    nothing: frozenset[FilmId] = frozenset()
    return nothing.union(*(index.films.get(tag, nothing) for tag in locks))


async def vote(context: PluginContext, request: AccessRequest, store: TagStore) -> Vote | None:
    """Deny a locked film to somebody with the role `viewer`; abstain otherwise."""
    if request.viewer.role is not Role.VIEWER:
        return None
    locked = await locked_tags(context)
    for tag in await store.of(request.film.id) if locked else ():
        if any(reaches(one, tag) for one in locked):
            return Vote(Verdict.DENY, f"Films tagged {tag} are locked here. Ask the owner of this server.")
    return None
