"""Importing and exporting tags."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import insert

from wylloh_server.sdk import InvalidValue, format_count
from wylloh_tagging import export
from wylloh_tagging.cache import cache_of
from wylloh_tagging.export import Content, Entry, ImportProblem, SavedText
from wylloh_tagging.filters import MOST_FILTERS, checked_name, every_filter, new_id, numbered, same_name
from wylloh_tagging.parental_lock import lock_rows, locked_here, locked_tags
from wylloh_tagging.queries import MOST, TagStore
from wylloh_tagging.tables import CATEGORIES, FILTERS, for_each
from wylloh_tagging.tag_events import TagsImported
from wylloh_tagging.tag_style import TagStyles

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from wylloh_server.sdk import Film, FilmId, PluginContext
    from wylloh_tagging.queries import Pair
    from wylloh_tagging.tag_index import TagIndex
    from wylloh_tagging.tags import Tag

LONGEST_FILE = 900_000
"""Most characters of a file: it comes and goes through forms."""


_SHOWN = 5
"""Films named in a sentence before it says "and others"."""


@dataclass(frozen=True, slots=True)
class _Verbs:
    """The same sentences before and after; `be` as it goes with one thing, and with several."""

    get: str
    lose: str
    be_one: str
    be_many: str


_WILL = _Verbs("will get", "will lose", "will be", "will be")
_DID = _Verbs("got", "lost", "was", "were")


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What an import would do.

    Attributes:
        faults: what cannot be read; when there is any, nothing is done.
        come: tags that films get.
        gone: tags that films lose, because the file replaces theirs.
        absent: films of the file that are not here, as it calls them.
    """

    faults: tuple[ImportProblem, ...] = ()
    come: tuple[Pair, ...] = ()
    gone: tuple[Pair, ...] = ()
    absent: tuple[str, ...] = ()
    categories: tuple[Tag, ...] = ()
    greys: tuple[tuple[Tag, str], ...] = ()
    locks: tuple[Tag, ...] = ()
    collections: tuple[SavedText, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """What will happen, for the person who decides."""
        return (export.summary(self.faults),) if self.faults else tuple(_sentences(self, _WILL))

    @property
    def result(self) -> tuple[str, ...]:
        """What has happened, once it was done."""
        return tuple(_sentences(self, _DID))

    @property
    def changes(self) -> bool:
        """Whether it would change anything."""
        parts = (self.come, self.gone, self.categories, self.greys, self.locks, self.collections)
        return not self.faults and any(parts)


async def export_content(context: PluginContext) -> Content:
    """Return everything that people here have done with tags, but for what belongs to single viewers."""
    index = await TagStore(context).index()
    tags: dict[FilmId, list[Tag]] = {}
    for tag, films in index.exact.items():
        for film in films:
            tags.setdefault(film, []).append(tag)
    cards = await context.library.films(None)
    return Content(
        films=tuple(_entry(card.film, tags[card.film.id]) for card in cards if card.film.id in tags),
        categories=await TagStyles(context).categories(),
        greys=await TagStyles(context).greys(),
        locked=await locked_tags(context),
        collections=tuple(
            SavedText(one.name, one.text, one.home) for one in await every_filter(context) if one.shared
        ),
    )


async def plan_import(context: PluginContext, text: str, *, replace: bool) -> ImportPlan:
    """Return what a file would do. Changes nothing.

    Args:
        context: the plugin's own.
        text: the file.
        replace: films of the file lose the tags that it does not give them.

    Raises:
        InvalidValue: the file is too large.
    """
    if len(text) > LONGEST_FILE:
        raise InvalidValue(f"A file has at most {LONGEST_FILE:,} characters.", fix="Import it in parts.")
    content, faults = export.read(text)
    if faults:
        return ImportPlan(faults)
    wanted, absent = _found(content.films, [card.film for card in await context.library.films(None)])
    index = await TagStore(context).index()
    come, gone = _changes(wanted, index, replace=replace)
    faults = (*_crowded(wanted, index, gone), *await _too_many(context, content))
    if faults:
        return ImportPlan(faults)
    styles = TagStyles(context)
    return ImportPlan(
        come=come,
        gone=gone,
        absent=absent,
        categories=_missing(content.categories, await styles.categories()),
        greys=tuple(_new_greys(content.greys, await styles.greys(), replace=replace)),
        locks=_missing(content.locked, await locked_tags(context)),
        collections=await _new_collections(context, content.collections),
    )


async def do_import(context: PluginContext, text: str, *, replace: bool, may_lock: bool) -> ImportPlan:
    """Import a file in one transaction: all of it or nothing. Doing it twice does no more than once.

    Raises:
        InvalidValue: something in it cannot be read; the message says how much, and what is first.
        AccessRefused: like `TagStore.exchange`.
    """
    async with cache_of(context).writing:
        plan = await plan_import(context, text, replace=replace)
        if plan.faults:
            first = plan.faults[0]
            raise InvalidValue(plan.sentences[0], fix=f"The first is {first.where}: {first.sentence}")
        if plan.changes:
            also = await _also(context, plan)
            await TagStore(context).exchange(
                plan.gone,
                plan.come,
                also,
                may_lock=may_lock,
                locks=await locks_after(context, plan),
                publish=False,
            )
    films = {film for film, _ in (*plan.come, *plan.gone)}
    if films:
        context.emit(TagsImported(tuple(sorted(films))))
    return plan


async def locks_after(context: PluginContext, plan: ImportPlan) -> tuple[Tag, ...]:
    """Return the locked tags after an import."""
    return (*await locked_tags(context), *plan.locks)


def _entry(film: Film, tags: Sequence[Tag]) -> Entry:
    year = "" if film.description.year is None else str(film.description.year)
    return Entry(film.id, str(film.token or ""), film.title, year, tuple(sorted(tags)))


def _found(entries: Iterable[Entry], films: Sequence[Film]) -> tuple[dict[FilmId, set[Tag]], tuple[str, ...]]:
    """Return the tags that films here shall have, and what the file calls those that are not here."""
    places: dict[str, list[FilmId]] = {}
    for film in films:
        entry = _entry(film, ())
        for key in {*_keys(entry), *_keys(dataclasses.replace(entry, year=""))}:
            places.setdefault(key, []).append(film.id)
    wanted: dict[FilmId, set[Tag]] = {}
    absent: dict[str, None] = {}
    for entry in entries:
        here = next((places[key] for key in _keys(entry) if key in places), [])
        if len(here) == 1:
            wanted.setdefault(here[0], set()).update(entry.tags)
        else:
            absent[_called(entry)] = None
    return wanted, tuple(absent)


def _called(entry: Entry) -> str:
    if not entry.title:
        return entry.film or entry.token
    return f"{entry.title} ({entry.year})" if entry.year else entry.title


def _keys(entry: Entry) -> list[str]:
    """Return what a film can be found by, the surest first."""
    title = " ".join(entry.title.casefold().split())
    keys = [f"film:{entry.film}"] * bool(entry.film) + [f"token:{entry.token}"] * bool(entry.token)
    return [*keys, f"title:{title}|{entry.year}"] if title else keys


def _changes(
    wanted: dict[FilmId, set[Tag]], index: TagIndex, *, replace: bool
) -> tuple[tuple[Pair, ...], tuple[Pair, ...]]:
    present = {(film, tag) for tag, films in index.exact.items() for film in films if film in wanted}
    asked = {(film, tag) for film, tags in wanted.items() for tag in tags}
    return tuple(sorted(asked - present)), tuple(sorted(present - asked)) if replace else ()


def _crowded(
    wanted: dict[FilmId, set[Tag]], index: TagIndex, gone: Sequence[Pair]
) -> Iterable[ImportProblem]:
    total = {film: set(tags) for film, tags in wanted.items()}
    for tag, films in index.exact.items():
        for film in films & total.keys():
            total[film].add(tag)
    for film, tag in gone:
        total[film].discard(tag)
    for film, tags in total.items():
        if len(tags) > MOST:
            yield ImportProblem(f"film {film}", f"It would have {len(tags)} tags; a film has at most {MOST}.")


async def _too_many(context: PluginContext, content: Content) -> list[ImportProblem]:
    shared = sum(one.shared for one in await every_filter(context))
    new = len(await _new_collections(context, content.collections))
    if shared + new > MOST_FILTERS:
        return [
            ImportProblem(
                "collections", f"There is room for {MOST_FILTERS}, and there would be {shared + new}."
            )
        ]
    faults = []
    for one in content.collections:
        try:
            checked_name(one.name)
        except InvalidValue as error:
            faults.append(ImportProblem(f"collection {one.name[:40]}", str(error)))
    return faults


def _new_greys(
    wanted: Mapping[Tag, str], present: Mapping[Tag, str], *, replace: bool
) -> Iterable[tuple[Tag, str]]:
    for tag, grey in wanted.items():
        if tag not in present or (replace and present[tag] != grey):
            yield tag, grey


def _missing(wanted: Iterable[Tag], present: Iterable[Tag]) -> tuple[Tag, ...]:
    there = set(present)
    return tuple(tag for tag in dict.fromkeys(wanted) if tag not in there)


async def _new_collections(context: PluginContext, wanted: Sequence[SavedText]) -> tuple[SavedText, ...]:
    """Return those that are not here yet. One of the same name with another filter gets a number."""
    shared = {same_name(one.name): one.text for one in await every_filter(context) if one.shared}
    new: list[SavedText] = []
    for one in wanted:
        name, number = " ".join(one.name.split()), 2
        while shared.get(same_name(name), one.text) != one.text:
            name, number = numbered(one.name, number), number + 1
        if same_name(name) not in shared:
            shared[same_name(name)] = one.text
            new.append(SavedText(name, one.text, one.home))
    return tuple(new)


async def _also(context: PluginContext, plan: ImportPlan) -> list[object]:
    styles = TagStyles(context)
    greys = {**await styles.greys(), **dict(plan.greys)}
    categories, filters = await styles.categories(), await every_filter(context)
    return [
        *for_each(
            insert(CATEGORIES),
            [{"name": tag, "position": n} for n, tag in enumerate(plan.categories, len(categories))],
        ),
        *styles.rows(greys),
        *lock_rows((*await locked_here(context), *plan.locks)),
        *for_each(
            insert(FILTERS),
            [
                {
                    "id": new_id(),
                    "owner": "",
                    "name": one.name,
                    "expression": one.text,
                    "position": number,
                    "home": one.home,
                }
                for number, one in enumerate(plan.collections, len(filters))
            ],
        ),
    ]


def _sentences(plan: ImportPlan, verbs: _Verbs) -> Iterable[str]:
    if plan.come:
        films = format_count(len({film for film, _ in plan.come}), "film")
        yield f"{films} {verbs.get} {format_count(len(plan.come), 'new tag')}."
    if plan.gone:
        films = format_count(len({film for film, _ in plan.gone}), "film")
        yield f"{films} {verbs.lose} {format_count(len(plan.gone), 'tag')} that the file does not give."
    if plan.locks:
        yield f"{_things(len(plan.locks), 'tag', verbs)} locked for viewers and TVs: {', '.join(plan.locks)}."
    if plan.categories:
        yield f"{_things(len(plan.categories), 'category', verbs, 'categories')} added."
    if plan.greys:
        yield f"The grey of {format_count(len(plan.greys), 'tag')} {verbs.be_one} set."
    if plan.collections:
        yield f"{_things(len(plan.collections), 'collection', verbs)} added."
    if not plan.changes:
        yield "Everything in this file is here already."
    if plan.absent:
        yield _left_out(plan.absent, verbs)


def _things(number: int, one: str, verbs: _Verbs, many: str = "") -> str:
    """Count things, with the verb that goes with so many."""
    return f"{format_count(number, one, many)} {verbs.be_one if number == 1 else verbs.be_many}"


def _left_out(absent: Sequence[str], verbs: _Verbs) -> str:
    shown = ", ".join(absent[:_SHOWN]) + (" and others" if len(absent) > _SHOWN else "")
    here, left = ("is", verbs.be_one) if len(absent) == 1 else ("are", verbs.be_many)
    return f"{format_count(len(absent), 'film')} of the file {here} not here and {left} left out: {shown}."
