"""Caches of what was derived from the database, dropped by the next write."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar
from weakref import WeakValueDictionary

from cachetools import TTLCache

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable
    from pathlib import Path

_Value = TypeVar("_Value")

DatabaseVersion = tuple[int, int]
"""Equal only while nothing was written: this process's writes, and when a SQLite file last changed."""

_SECONDS = 2.0
"""How long another process's write to PostgreSQL may go unnoticed; to a SQLite file it is seen at once."""


class WriteCounter:
    """Counts the transactions that wrote to a database.

    Other processes write too: commands do, beside a running server. In a SQLite file their commits show as a
    change of its modification time.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._writes = 0

    @property
    def version(self) -> DatabaseVersion:
        """What identifies the state of the database now."""
        if self._file is None:
            return self._writes, 0
        try:
            return self._writes, self._file.stat().st_mtime_ns
        except FileNotFoundError:
            return self._writes, 0

    def add(self) -> None:
        """Count a transaction. Called after its commit, so that no older state is taken for the new one."""
        self._writes += 1


class VersionedCache(Generic[_Value]):
    """A bounded cache; an entry is good until the database is written to."""

    def __init__(self, writes: WriteCounter, size: int, seconds: float = _SECONDS) -> None:
        self._writes = writes
        self._entries: TTLCache[Hashable, tuple[DatabaseVersion, _Value]] = TTLCache(size, seconds)
        self._turns: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()

    async def get(self, key: Hashable, make: Callable[[], Awaitable[_Value]]) -> _Value:
        """Return the value kept under a key; `make` derives it once for all who wait for it."""
        kept = self._entries.get(key)
        if kept is not None and kept[0] == self._writes.version:
            return kept[1]
        async with self._turns.setdefault(key, asyncio.Lock()):
            # Taken before anything is read: a write in between makes the entry stale at once.
            version = self._writes.version
            kept = self._entries.get(key)
            if kept is not None and kept[0] == version:
                return kept[1]
            value = await make()
            self._entries[key] = (version, value)
            # Else what nobody asks for any more would stay in memory until the next question.
            asyncio.get_running_loop().call_later(self._entries.ttl, self._entries.expire)
            return value
