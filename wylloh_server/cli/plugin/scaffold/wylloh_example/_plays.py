"""The plugin's table: how often each film was started."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Column, Integer, MetaData, String, Table, delete, insert, select
from sqlalchemy.schema import CreateTable

from wylloh_server.sdk import FilmId, Migration

if TYPE_CHECKING:
    from wylloh_server.sdk import PluginTables

_plays = Table(
    "plugin_example_plays",
    MetaData(),
    Column("film", String(32), primary_key=True),
    Column("times", Integer, nullable=False),
)

# A step that has been released is never changed, nor is the table it makes: what `_plays` gains later comes
# with another step, Migration("0002_…", (add_column(…),)). "An upgrade" in `wylloh plugin docs` shows one.
_plays_0001 = Table(
    "plugin_example_plays",
    MetaData(),
    Column("film", String(32), primary_key=True),
    Column("times", Integer, nullable=False),
)
MIGRATIONS = (Migration("0001_plays", (CreateTable(_plays_0001),)),)


class Plays:
    """How often films were started."""

    def __init__(self, tables: PluginTables) -> None:
        self._tables = tables

    async def all(self) -> dict[FilmId, int]:
        """Return the films that were started, most often first."""
        found = await self._tables.fetch(select(_plays).order_by(_plays.c.times.desc(), _plays.c.film))
        return {FilmId(str(film)): int(str(times)) for film, times in found.rows}

    async def count(self, film: FilmId) -> None:
        """Count one more. Events are heard one at a time, so nobody counts in between."""
        times = (await self.all()).get(film, 0)
        await self._tables.change([self._without(film), insert(_plays).values(film=film, times=times + 1)])

    async def forget(self, film: FilmId) -> None:
        """Drop what is known of a film."""
        await self._tables.change([self._without(film)])

    def _without(self, film: FilmId) -> object:
        return delete(_plays).where(_plays.c.film == film)
