"""What one running plugin keeps in memory."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wylloh_server.sdk import FilmId, PluginContext, PluginLibrary
    from wylloh_tagging.tag_index import TagIndex

_STALE_SECONDS = 300
"""After so long the films are read again in any case: events can be dropped."""


@dataclass(slots=True)
class TagCache:
    """The index of tags, its revision, and locks.

    Attributes:
        writing: held while much is read and changed.
        exchanging: held, maybe inside of it, while tags or parental locks are checked and written.
    """

    index: TagIndex | None = None
    revision: int = -1
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    exchanging: asyncio.Lock = field(default_factory=asyncio.Lock)
    _titles: tuple[FilmId, ...] | None = None
    _since: float = 0

    async def titles(self, library: PluginLibrary) -> tuple[FilmId, ...]:
        """Return every film of the library by title."""
        if self._titles is None or time.monotonic() - self._since > _STALE_SECONDS:
            self._since = time.monotonic()
            self._titles = tuple(card.film.id for card in await library.films(None))
        return self._titles

    def forget_titles(self) -> None:
        """Read the films again: one was added, removed or changed."""
        self._titles = None


def cache_of(context: PluginContext) -> TagCache:
    """Return what `lifespan` yielded; a new cache where it has not run yet, in `lifespan` itself."""
    return context.state if isinstance(context.state, TagCache) else TagCache()
