"""What is kept in memory for one running plugin, and dies with its tables' door."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from wylloh_server.sdk import PluginTables
    from wylloh_tagging.index import TagIndex


@dataclass(slots=True)
class Kept:
    """The index of tags, of which revision it is, and the lock of whoever changes many tags at once."""

    index: TagIndex | None = None
    revision: int = -1
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)


_KEPT: WeakKeyDictionary[PluginTables, Kept] = WeakKeyDictionary()


def kept_of(tables: PluginTables) -> Kept:
    """Give what is kept for the plugin with these tables. Every start of a server has a door of its own."""
    if tables not in _KEPT:
        _KEPT[tables] = Kept()
    return _KEPT[tables]
