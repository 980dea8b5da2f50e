"""Suggested tags: found, ordered by what was learned, accepted and refused."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select

from wylloh_server.sdk import FilmId, InvalidValue
from wylloh_tagging.cache import cache_of
from wylloh_tagging.learning import Answers, about_source, about_tag, ranked
from wylloh_tagging.queries import MOST, TagStore
from wylloh_tagging.suggestion_sources import Finding, SuggestionSource, findings
from wylloh_tagging.tables import LEARNED, REFUSED, STUDIED, SUGGESTIONS, for_each
from wylloh_tagging.tags import Tag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_server.sdk import Film, PluginContext


class Suggestions:
    """Suggestions for films."""

    def __init__(self, context: PluginContext) -> None:
        self._context = context
        self._tables = context.tables
        self._store = TagStore(context)

    async def of(self, film: Film) -> tuple[Finding, ...]:
        """Return a film's suggestions, the best first, without what it has and what was refused for it.

        Of a film that was not looked into yet, what its title, its synopsis and the library's facts say.
        """
        found = await self._found(film)
        answered = {*await self._store.of(film.id), *await self._refused(film.id)}
        return ranked((one for one in found if one.tag not in answered), await self.answers())

    async def stored(self, films: Sequence[FilmId]) -> dict[FilmId, tuple[Finding, ...]]:
        """Return what looking into films has found and nobody has answered yet."""
        columns = (SUGGESTIONS.c.film, SUGGESTIONS.c.tag, SUGGESTIONS.c.evidence, SUGGESTIONS.c.source)
        rows = await self._tables.fetch(select(*columns).where(SUGGESTIONS.c.film.in_(films)))
        found: dict[FilmId, tuple[Finding, ...]] = {}
        for film, tag, evidence, source in rows.rows:
            one = Finding(Tag(str(tag)), float(str(evidence)), SuggestionSource(str(source)))
            found[FilmId(str(film))] = (*found.get(FilmId(str(film)), ()), one)
        return found

    async def studied(self, film: FilmId) -> bool:
        """Return whether a film has been looked into."""
        return bool((await self._tables.fetch(select(STUDIED.c.film).where(STUDIED.c.film == film))).rows)

    async def all_studied(self) -> frozenset[FilmId]:
        """Return the films that have been looked into."""
        rows = await self._tables.fetch(select(STUDIED.c.film))
        return frozenset(FilmId(str(film)) for (film,) in rows.rows)

    async def waiting(self) -> frozenset[FilmId]:
        """Return the films for which looking has found something that nobody has answered."""
        rows = await self._tables.fetch(select(func.distinct(SUGGESTIONS.c.film)))
        return frozenset(FilmId(str(film)) for (film,) in rows.rows)

    async def study(self, film: Film) -> int:
        """Look into a film, subtitles and file included, and store what is found; return how much."""
        language = self._context.settings["language"]
        words = await self._context.library.words(film.id, (language,))
        probe = await self._context.library.probe(film.id)
        known = tuple((await self._store.index()).exact)
        found = await asyncio.to_thread(findings, film, known, language, words, probe)
        answered = {*await self._store.of(film.id), *await self._refused(film.id)}
        fresh = [one for one in found if one.tag not in answered]
        await self._tables.change(_study_rows(film.id, fresh))
        self._context.live.changed(f"plugin:tagging:{film.id}")
        return len(fresh)

    async def accept(self, film: Film, tag: Tag, *, may_lock: bool) -> None:
        """Put a suggested tag on a film, and remember that it was wanted.

        Raises:
            InvalidValue: the film has as many tags as it may have.
            AccessRefused: like `TagStore.exchange`.
        """
        async with cache_of(self._context).writing:
            present = await self._store.of(film.id)
            if tag in present:
                return
            if len(present) >= MOST:
                raise InvalidValue(f"A film has at most {MOST} tags.", fix="Remove one first.")
            also = await self._answered(film, tag, accepted=True)
            await self._store.exchange((), [(film.id, tag)], also, may_lock=may_lock)

    async def refuse(self, film: Film, tag: Tag) -> None:
        """Never suggest a tag for a film again, and remember that it was not wanted."""
        async with cache_of(self._context).writing:
            if tag in await self._refused(film.id):
                return
            also = await self._answered(film, tag, accepted=False)
            await self._tables.change([*also, insert(REFUSED).values(film=film.id, tag=tag)])
        self._context.live.changed(f"plugin:tagging:{film.id}")

    async def answers(self) -> dict[str, Answers]:
        """Return what was answered so far, by tag and by source."""
        rows = await self._tables.fetch(select(LEARNED.c.what, LEARNED.c.accepted, LEARNED.c.refused))
        return {str(what): Answers(int(str(yes)), int(str(no))) for what, yes, no in rows.rows}

    async def _found(self, film: Film) -> tuple[Finding, ...]:
        if await self.studied(film.id):
            return (await self.stored([film.id])).get(film.id, ())
        known = tuple((await self._store.index()).exact)
        return await asyncio.to_thread(findings, film, known, self._context.settings["language"])

    async def _refused(self, film: FilmId) -> frozenset[Tag]:
        rows = await self._tables.fetch(select(REFUSED.c.tag).where(REFUSED.c.film == film))
        return frozenset(Tag(str(tag)) for (tag,) in rows.rows)

    async def _answered(self, film: Film, tag: Tag, *, accepted: bool) -> list[object]:
        """Return the changes that count an answer and take the suggestion away."""
        one = next((one for one in await self._found(film) if one.tag == tag), None)
        names = [about_tag(tag), *([about_source(one.source)] if one else [])]
        answers = await self.answers()
        changes: list[object] = [
            delete(SUGGESTIONS).where(SUGGESTIONS.c.film == film.id, SUGGESTIONS.c.tag == tag)
        ]
        for name in names:
            before = answers.get(name, Answers())
            counts = {"accepted": before.accepted + accepted, "refused": before.refused + (not accepted)}
            changes += [
                delete(LEARNED).where(LEARNED.c.what == name),
                insert(LEARNED).values(what=name, **counts),
            ]
        return changes


def _study_rows(film: FilmId, found: Sequence[Finding]) -> list[object]:
    rows = [
        {"film": film, "tag": one.tag, "evidence": one.evidence, "source": str(one.source)} for one in found
    ]
    return [
        delete(SUGGESTIONS).where(SUGGESTIONS.c.film == film),
        delete(STUDIED).where(STUDIED.c.film == film),
        *for_each(insert(SUGGESTIONS), rows),
        insert(STUDIED).values(film=film),
    ]
