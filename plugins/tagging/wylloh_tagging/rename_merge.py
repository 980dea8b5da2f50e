"""Renaming a tag, and merging it into another: the same move, to a name that is free or taken.

Everything that hangs on a tag moves along: the tags below it, saved filters, greys, the parental lock, the
place as a category, and what was learned about suggesting it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from wylloh_server.sdk import InvalidValue, NotFound, format_count, quote_input
from wylloh_tagging.cache import cache_of
from wylloh_tagging.expression import LONGEST_FILTER, replaced, written
from wylloh_tagging.filters import every_filter
from wylloh_tagging.parental_lock import lock_rows, locked_by_settings, locked_films, locked_tags
from wylloh_tagging.queries import TagStore
from wylloh_tagging.tables import (
    CATEGORIES,
    FILTERS,
    GREYS,
    LEARNED,
    LOCKS,
    REFUSED,
    SUGGESTIONS,
    for_each,
    named,
)
from wylloh_tagging.tag_events import TagMoved
from wylloh_tagging.tag_index import TagIndex
from wylloh_tagging.tag_style import TagStyles
from wylloh_tagging.tags import Tag, reaches, tag_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_server.sdk import FilmId, PluginContext
    from wylloh_tagging.filters import SavedFilter
    from wylloh_tagging.queries import Pair


_SHOWN = 8
"""Names in a sentence before it says "and others"."""


@dataclass(frozen=True, slots=True)
class Move:
    """A tag's way to another name.

    Attributes:
        old: what it is called now.
        new: what it will be called.
    """

    old: Tag
    new: Tag

    def of(self, tag: Tag) -> Tag:
        """Return the name of a tag afterwards."""
        return Tag(self.new + tag[len(self.old) :]) if reaches(self.old, tag) else tag


@dataclass(frozen=True, slots=True)
class MovePlan:
    """What a move will do.

    Attributes:
        films: those that have the tag or one below it.
        both: how many of them have the other one too.
        below: the tags below that move along.
        merges: whether there are tags of the new name already.
        filters: the collections that change, with their new text.
        locks: the tags that will be locked so that no film loses its lock.
        locked: every locked tag afterwards.
        lock_changes: the films that will be locked for viewers and are not now, or the other way round.
        lock_moves: the tags that are locked now and will not be, or the other way round.
        newly_locked: how many films viewers will not be able to watch any more.
    """

    move: Move
    films: frozenset[FilmId]
    both: int
    below: tuple[Tag, ...]
    merges: bool
    filters: tuple[tuple[SavedFilter, str], ...]
    locks: tuple[Tag, ...]
    locked: tuple[Tag, ...]
    lock_changes: frozenset[FilmId]
    lock_moves: tuple[Tag, ...]
    newly_locked: int

    @property
    def sentences(self) -> tuple[str, ...]:
        """What will happen, for the person who decides."""
        return tuple(sentence for sentence in _sentences(self) if sentence)


async def plan_move(context: PluginContext, old: Tag, name: str) -> MovePlan:
    """Return what would happen if a tag had another name. Changes nothing.

    Raises:
        NotFound: nothing here has the tag.
        InvalidValue: the name cannot be used.
    """
    index = await TagStore(context).index()
    if old not in index.films and old not in await TagStyles(context).categories():
        raise NotFound(f"No film here is tagged {quote_input(old)}.", fix="Choose another tag under Tags.")
    move = Move(old, tag_of(name))
    _check(move, index)
    films = index.films.get(old, frozenset())
    after = TagIndex((film, move.of(tag)) for tag, some in index.exact.items() for film in some)
    locks = await locked_tags(context)
    moved = _moved_locks(move, locks)
    kept = (*locked_by_settings(context), *(one for one in locks if not reaches(old, one)), *moved)
    locked_now, locked_then = locked_films(index, locks), locked_films(after, kept)
    return MovePlan(
        move=move,
        films=films,
        both=len(films & index.films.get(move.new, frozenset())) if not reaches(move.new, old) else 0,
        below=tuple(tag for tag in index.films if tag != old and reaches(old, tag)),
        merges=move.new in index.films and not reaches(move.new, old),
        filters=tuple(_followed(move, await every_filter(context), index, after)),
        locks=moved,
        locked=kept,
        lock_changes=locked_now ^ locked_then,
        lock_moves=tuple(sorted(set(locks) ^ set(kept))),
        newly_locked=len(locked_then - locked_now),
    )


async def do_move(context: PluginContext, old: Tag, name: str, *, may_lock: bool) -> MovePlan:
    """Rename a tag, in one transaction, and publish it. Raises as `plan_move` and `TagStore.exchange`."""
    async with cache_of(context).writing:
        plan = await plan_move(context, old, name)
        store = TagStore(context)
        index = await store.index()
        gone = [(film, tag) for tag in index.below(old) for film in index.exact[tag]]
        come: list[Pair] = [(film, plan.move.of(tag)) for film, tag in gone]
        await store.exchange(
            gone,
            come,
            await _also(context, plan),
            may_lock=may_lock,
            locks=plan.locked,
            publish=False,
        )
    context.emit(TagMoved(old, plan.move.new, tuple(sorted(plan.films))))
    return plan


def _check(move: Move, index: TagIndex) -> None:
    if move.new == move.old:
        raise InvalidValue(f"It is called {move.old} already.", fix="Choose another name.")
    if reaches(move.old, move.new):
        raise InvalidValue(
            "A tag cannot move below itself.", fix="Choose a name that does not begin with the tag."
        )
    for tag in index.below(move.old):
        try:
            tag_of(move.of(tag))
        except InvalidValue as error:
            raise InvalidValue(
                f"{tag} would become {move.of(tag)}. {error}", fix="Choose a shorter name, or fewer levels."
            ) from None


def _moved_locks(move: Move, locks: Sequence[Tag]) -> tuple[Tag, ...]:
    """Return the locks that keep every film locked: those below move along, one above is set again."""
    below = [move.of(one) for one in locks if reaches(move.old, one)]
    if any(reaches(one, move.old) for one in locks):
        below.append(move.new)
    return tuple(
        dict.fromkeys(
            one for one in below if not any(reaches(kept, one) for kept in locks if kept != move.old)
        )
    )


def _followed(
    move: Move, filters: Sequence[SavedFilter], before: TagIndex, after: TagIndex
) -> list[tuple[SavedFilter, str]]:
    """Return the filters that would find other films after the move, with their new text."""

    def now_called(word: Tag) -> tuple[Tag, ...]:
        meant = tuple(dict.fromkeys(move.of(tag) for tag in before.meant(word)))
        if not meant or set(meant) == set(after.meant(word)):
            return (word,)
        return tuple(tag for tag in meant if not any(reaches(top, tag) for top in meant if top != tag))

    found = []
    for saved in filters:
        text = written(replaced(saved.expression, now_called))
        if len(text) > LONGEST_FILTER:
            raise InvalidValue(
                f"The collection {saved.name} would become too long to follow.",
                fix="Shorten its filter first.",
            )
        if text != saved.text:
            found.append((saved, text))
    return found


async def _also(context: PluginContext, plan: MovePlan) -> list[object]:
    """Return the changes beside those of films' tags."""
    return [
        *(
            update(FILTERS).where(FILTERS.c.id == saved.id).values(expression=text)
            for saved, text in plan.filters
        ),
        *await _greys(context, plan.move),
        *await _category(context, plan.move),
        delete(LOCKS).where(named(LOCKS.c.tag, plan.move.old)),
        *lock_rows(plan.locks),
        *await _suggestions(context, plan.move),
    ]


async def _greys(context: PluginContext, move: Move) -> list[object]:
    """Move greys along; a tag that has one keeps it."""
    greys = await TagStyles(context).greys()
    old = [tag for tag in greys if reaches(move.old, tag)]
    kept = greys.keys() - set(old)
    come = [{"tag": move.of(tag), "grey": greys[tag]} for tag in old if move.of(tag) not in kept]
    deletes = [delete(GREYS).where(named(GREYS.c.tag, move.old))] if old else []
    return [*deletes, *for_each(insert(GREYS), come)]


async def _category(context: PluginContext, move: Move) -> list[object]:
    categories = await TagStyles(context).categories()
    if move.old not in categories:
        return []
    row = CATEGORIES.c.name == move.old
    if "/" in move.new or move.new in categories:
        return [delete(CATEGORIES).where(row)]
    return [update(CATEGORIES).where(row).values(name=move.new)]


async def _suggestions(context: PluginContext, move: Move) -> list[object]:
    """Move refusals and learned words along, and delete suggestions of the old name."""
    rows = await context.tables.fetch(select(REFUSED.c.film, REFUSED.c.tag))
    refused = [(str(film), Tag(str(tag))) for film, tag in rows.rows]
    old = [(film, tag) for film, tag in refused if reaches(move.old, tag)]
    come = sorted({(film, move.of(tag)) for film, tag in old} - (set(refused) - set(old)))
    return [
        delete(SUGGESTIONS).where(named(SUGGESTIONS.c.tag, move.old)),
        delete(REFUSED).where(named(REFUSED.c.tag, move.old)),
        *for_each(insert(REFUSED), [{"film": film, "tag": tag} for film, tag in come]),
        *await _learned(context, move),
    ]


async def _learned(context: PluginContext, move: Move) -> list[object]:
    rows = await context.tables.fetch(select(LEARNED.c.what, LEARNED.c.accepted, LEARNED.c.refused))
    counts = {str(what): (int(str(yes)), int(str(no))) for what, yes, no in rows.rows}
    changed: dict[str, tuple[int, int]] = {}
    old = [what for what in counts if what.startswith("tag:") and reaches(move.old, Tag(what[4:]))]
    for what in old:
        new = f"tag:{move.of(Tag(what[4:]))}"
        before = changed.get(new, (0, 0) if new in old else counts.get(new, (0, 0)))
        changed[new] = (before[0] + counts[what][0], before[1] + counts[what][1])
    return [
        *(delete(LEARNED).where(LEARNED.c.what == what) for what in {*old, *changed}),
        *(insert(LEARNED).values(what=what, accepted=yes, refused=no) for what, (yes, no) in changed.items()),
    ]


def _sentences(plan: MovePlan) -> list[str]:
    old, new, films = plan.move.old, plan.move.new, len(plan.films)
    tagged = f"{format_count(films, 'film')} will be tagged {new}"
    if plan.merges:
        both = f", of which {format_count(plan.both, 'has', 'have')} both now" if plan.both else ""
        first = f"{old} will be merged into {new}: {tagged} instead{both}."
    elif films:
        first = f"{tagged} instead of {old}."
    else:
        first = f"The category {old} will be called {new}."
    lock = "The parental lock moves along." if plan.locks else ""
    if plan.newly_locked:
        lock += f" {format_count(plan.newly_locked, 'more film')} will be locked for viewers and TVs."
    return [
        first,
        _named_along(plan.below, "tag below moves along", "tags below move along"),
        _named_along([saved.name for saved, _ in plan.filters], "collection follows", "collections follow"),
        lock,
    ]


def _named_along(names: Sequence[str], one: str, many: str) -> str:
    if not names:
        return ""
    shown = ", ".join(names[:_SHOWN]) + (" and others" if len(names) > _SHOWN else "")
    return f"{format_count(len(names), one, many)}: {shown}."
