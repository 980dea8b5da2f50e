"""Which films a change of tags or locks would lock for viewers, or unlock: only admins may do that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.sdk import AccessRefused, format_count
from wylloh_tagging.tags import reaches

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from wylloh_server.sdk import FilmId
    from wylloh_tagging.tag_index import TagIndex
    from wylloh_tagging.tags import Tag

    _Pairs = Collection[tuple[FilmId, Tag]]


def changed_films(
    index: TagIndex, *, gone: _Pairs, come: _Pairs, before: Collection[Tag], after: Collection[Tag]
) -> frozenset[FilmId]:
    """Return the films whose lock state changes.

    Args:
        index: the tags as they are.
        gone: film and tag that part.
        come: film and tag that join; a pair in both joins.
        before: the locked tags as they are.
        after: the locked tags as they will be.
    """
    locked_now, locked_then = _locks(before), _locks(after)
    now = {(film, tag) for tag in index.exact if locked_now(tag) for film in index.exact[tag]}
    then = {(film, tag) for tag in index.exact if locked_then(tag) for film in index.exact[tag]}
    then = (then - set(gone)) | {(film, tag) for film, tag in come if locked_then(tag)}
    return frozenset(_films(now) ^ _films(then))


def refuse_lock_changes(films: Collection[FilmId], tags: Collection[Tag] = ()) -> None:
    """Refuse a change of somebody who is no admin, if it would lock or unlock films, now or later.

    Args:
        films: those whose lock state would change.
        tags: tags that would be locked or unlocked, with films or without: a lock that moves along with a
            name would wait for no film where its owner set it.

    Raises:
        AccessRefused: it would.
    """
    if films or tags:
        what = format_count(len(films), "film") if films else f"films tagged {next(iter(tags))}"
        raise AccessRefused(
            f"This would lock {what} for viewers, or unlock them. Only admins may do that.",
            fix="Ask an admin of this server.",
        )


def _locks(locks: Iterable[Tag]) -> Callable[[Tag], bool]:
    kept = tuple(locks)
    return lambda tag: any(reaches(lock, tag) for lock in kept)


def _films(pairs: Iterable[tuple[FilmId, Tag]]) -> set[FilmId]:
    return {film for film, _ in pairs}
