"""What is inside films: each is looked into once, while its file stays the same, and that is kept."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from cachetools import LRUCache

from wylloh_server.domain.errors import MediaRefused, WyllohError
from wylloh_server.domain.film import FilmState, FolderOrigin
from wylloh_server.domain.media_index import MediaIndex
from wylloh_server.domain.task import TaskResult
from wylloh_server.domain.types import Seconds
from wylloh_server.services.library.film_sources import opened

if TYPE_CHECKING:
    from wylloh_server.domain.film import Film
    from wylloh_server.domain.ports.content import RandomAccess
    from wylloh_server.domain.ports.media import MediaTools, Remuxer
    from wylloh_server.domain.rendition import Probe
    from wylloh_server.domain.types import FilmId
    from wylloh_server.services.library.film_sources import FilmSources
    from wylloh_server.services.operations.task_run import TaskRun
    from wylloh_server.storage.films import FilmRepository
    from wylloh_server.storage.media_indexes import MediaIndexRepository

_log = logging.getLogger(__name__)

_REMEMBERED = 200
_AT_ONCE = 2
"""Looking into a film is a process of its own: who presses Play everywhere must not start hundreds."""
_PATIENCE = Seconds(2)
"""For how long a viewer waits for an index; without one the film is encoded this time."""
_VERSION = 1
"""Counted up when an index is made in another way."""


@dataclass(frozen=True, slots=True)
class FilmContents:
    """What is inside a film.

    Attributes:
        content: names the film's bytes, and what looked into them.
        probe: its tracks.
        index: where they can be cut; None while that is not known.
    """

    content: str
    probe: Probe
    index: MediaIndex | None


@dataclass(kw_only=True, eq=False)
class MediaIndexes:
    """Looks into films.

    Attributes:
        sources: opens them.
        media: probes; its identity is part of what names a content.
        remuxer: makes indexes.
        kept: what was found earlier.
        films: the films there are.
    """

    sources: FilmSources
    media: MediaTools
    remuxer: Remuxer
    kept: MediaIndexRepository
    films: FilmRepository

    _places: asyncio.Semaphore = field(init=False, default_factory=lambda: asyncio.Semaphore(_AT_ONCE))
    _locks: WeakValueDictionary[FilmId, asyncio.Lock] = field(init=False, default_factory=WeakValueDictionary)
    _known: LRUCache[FilmId, FilmContents] = field(init=False, default_factory=lambda: LRUCache(_REMEMBERED))
    _indexing: dict[str, asyncio.Task[MediaIndex]] = field(init=False, default_factory=dict)

    async def contents(self, film: Film, *, patience: Seconds | None = _PATIENCE) -> FilmContents:
        """Return what is inside a film. Whoever looks at it and then presses Play looks into it once.

        Args:
            film: the film.
            patience: for how long its index is waited for; None waits until it is there.

        Raises:
            MediaRefused: it is not a film we open, and why.
            AccessRefused, ContentError: it cannot be opened.
        """
        async with opened(self.sources.open(film)) as source:
            content = self._content(film, source)
            async with self._locks.setdefault(film.id, asyncio.Lock()):
                found = await self._found(film, content, source)
        if found.index is None:
            return await self._with_index(film, found, patience)
        return found

    async def pending(self) -> list[Film]:
        """Return the films that are here and were not looked into."""
        known = await self.kept.known()
        here = (film for film in await self.films.all() if film.state is FilmState.READY)
        return [film for film in here if film.id not in known]

    async def index_all(self, run: TaskRun) -> TaskResult:
        """Write the index of each film that can be opened and has none, also of those that come meanwhile."""
        tried: set[FilmId] = set()
        while todo := [film for film in await self.pending() if film.id not in tried]:
            for film in todo:
                await run.update(len(tried), len(tried) + len(todo), film.title)
                tried.add(film.id)
                try:
                    await self.contents(film, patience=None)
                except WyllohError as error:  # it is looked into when somebody plays it
                    _log.info("no index of %s yet: %s", film.id, error)
        return TaskResult("What can be played as it is, is known.")

    async def close(self) -> None:
        """Stop what is being indexed."""
        for task in self._indexing.values():
            task.cancel()
        await asyncio.gather(*self._indexing.values(), return_exceptions=True)

    def _content(self, film: Film, source: RandomAccess) -> str:
        origin = film.origin
        # A file that was renamed keeps what was made of it.
        named = (isinstance(origin, FolderOrigin) and origin.fingerprint) or str(origin)
        return f"{named}|{source.size}|{self.media.identity}"

    async def _found(self, film: Film, content: str, source: RandomAccess) -> FilmContents:
        found = self._known.get(film.id)
        if found is None or found.content != content:
            kept = await self.kept.get(film.id, _digest(content))
            if kept is None:
                async with self._places:
                    found = FilmContents(content, await self.media.probe(source), None)
            else:
                found = FilmContents(content, *kept)
            self._known[film.id] = found
        return found

    async def _with_index(self, film: Film, found: FilmContents, patience: Seconds | None) -> FilmContents:
        task = self._indexing.get(found.content)
        if task is None:
            task = self._indexing[found.content] = asyncio.create_task(self._make(film, found))
            task.add_done_callback(lambda _: self._indexing.pop(found.content, None))
        await asyncio.wait([task], timeout=patience)
        if not task.done() or task.cancelled() or task.exception():
            return found
        return FilmContents(found.content, found.probe, task.result())

    async def _make(self, film: Film, found: FilmContents) -> MediaIndex:
        async with self._places, opened(self.sources.open(film)) as source:
            try:
                index = await self.remuxer.index(source, found.probe)
            except MediaRefused as error:
                index = MediaIndex(Fraction(0), None, (), (str(error),))
        self._known[film.id] = FilmContents(found.content, found.probe, index)
        if film.in_library:
            await self.kept.save(film.id, _digest(found.content), found.probe, index)
        return index


def _digest(content: str) -> str:
    return hashlib.sha256(f"{_VERSION}|{content}".encode()).hexdigest()
