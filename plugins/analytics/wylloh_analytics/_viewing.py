"""Counts what is watched here: per film and day. Whose wallet and device it was is not kept.

Only where the household has turned on its history does everybody get a list of what they watched themselves,
which nobody else sees, and which they can delete.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select

from wylloh_analytics._rows import rows_of
from wylloh_analytics._statements import additions
from wylloh_analytics._tables import history, plays
from wylloh_analytics.moments import day_of
from wylloh_server.sdk import FilmId, PlaybackEnded, PlaybackStarted

if TYPE_CHECKING:
    from wylloh_server.sdk import Event, PluginContext, PluginTables, Wallet

TO_THE_END = 0.9
"""From how much of a film on it counts as watched to the end: credits are often left out."""

_NOTHING = {"begun": 0, "told": 0, "finished": 0, "permille": 0}


async def note(context: PluginContext, event: Event) -> None:
    """Count that a film was begun, or how far it was watched."""
    today = day_of(time.time())
    if isinstance(event, PlaybackStarted):
        await _count(context.tables, event.film, today, {"begun": 1})
    if isinstance(event, PlaybackEnded):
        if event.watched is not None:
            finished = int(event.watched >= TO_THE_END)
            counts = {"told": 1, "finished": finished, "permille": round(event.watched * 1000)}
            await _count(context.tables, event.film, today, counts)
        if context.settings["household_history"]:
            await Diary(context.tables).add(event.wallet, event.film, event.watched)


async def _count(tables: PluginTables, film: FilmId, day: int, counts: dict[str, int]) -> None:
    await tables.change(additions(plays, [{"film": film, "day": day} | _NOTHING | counts]))


@dataclass(frozen=True, slots=True)
class Watched:
    """One evening: when it ended, and how far the film had come, from 0 to 1 (None if nobody told)."""

    id: int
    film: FilmId
    ended: float
    share: float | None


class Diary:
    """What people watched, for themselves."""

    def __init__(self, tables: PluginTables) -> None:
        self._tables = tables

    async def add(self, wallet: Wallet, film: FilmId, share: float | None) -> None:
        """Note what somebody watched."""
        row = {"wallet": wallet, "film": film, "ended": time.time(), "watched": share}
        await self._tables.change([insert(history).values(row)])

    async def of(self, wallet: Wallet, limit: int, offset: int) -> tuple[Watched, ...]:
        """Give what somebody watched, newest first."""
        theirs = select(history.c.id, history.c.film, history.c.ended, history.c.watched)
        theirs = theirs.where(history.c.wallet == wallet).order_by(
            history.c.ended.desc(), history.c.id.desc()
        )
        found = await rows_of(self._tables, theirs.limit(limit).offset(offset))
        return tuple(Watched(number, FilmId(film), ended, share) for number, film, ended, share in found)

    async def count(self, wallet: Wallet) -> int:
        """Count what somebody watched."""
        theirs = select(func.count()).select_from(history).where(history.c.wallet == wallet)
        ((count,),) = await rows_of(self._tables, theirs)
        return int(count)

    async def forget(self, wallet: Wallet, number: int | None = None) -> None:
        """Delete one line of somebody's, or all."""
        theirs = delete(history).where(history.c.wallet == wallet)
        await self._tables.change([theirs if number is None else theirs.where(history.c.id == number)])

    async def forget_everybody(self) -> None:
        """Delete everything."""
        await self._tables.change([delete(history)])
