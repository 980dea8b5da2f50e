"""What is kept in memory for one running plugin, and dies with its tables' door."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from wylloh_server.sdk import FilmId, PluginLibrary, PluginTables
    from wylloh_tagging.index import TagIndex

_STALE_SECONDS = 300
"""After so long the films are read anew in any case: an event that tells of one can be dropped."""


@dataclass(slots=True)
class Kept:
    """The index of tags, of which revision it is, and the lock of whoever changes many tags at once."""

    index: TagIndex | None = None
    revision: int = -1
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _titles: tuple[FilmId, ...] | None = None
    _since: float = 0

    async def titles(self, library: PluginLibrary) -> tuple[FilmId, ...]:
        """Give every film of the library by title."""
        if self._titles is None or time.monotonic() - self._since > _STALE_SECONDS:
            self._since = time.monotonic()
            self._titles = tuple(card.film.id for card in await library.films(None))
        return self._titles

    def forget_titles(self) -> None:
        """Read the films anew: one came, went or changed."""
        self._titles = None


_KEPT: WeakKeyDictionary[PluginTables, Kept] = WeakKeyDictionary()


def kept_of(tables: PluginTables) -> Kept:
    """Give what is kept for the plugin with these tables. Every start of a server has a door of its own."""
    if tables not in _KEPT:
        _KEPT[tables] = Kept()
    return _KEPT[tables]
