"""Counts what is watched here: per film and day. Whose wallet and device it was is not kept.

Only where the household has turned on its history does everybody get a list of what they watched themselves,
which nobody else sees, and which they can delete.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select

from wylloh_analytics.queries import PLAYED
from wylloh_analytics.statements import additions, rows_of
from wylloh_analytics.tables import history, plays
from wylloh_analytics.time_buckets import day_of
from wylloh_server.sdk import AccountRemoved, FilmId, PlaybackEnded, PlaybackStarted

if TYPE_CHECKING:
    from wylloh_server.sdk import Event, PluginContext, PluginTables, Wallet

TO_THE_END = 0.9
"""From how much of a film on it counts as watched to the end: credits are often left out."""

_DAY = 86_400


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
            await WatchHistory(context.tables).add(event.wallet, event.film, event.watched)
    if isinstance(event, AccountRemoved):
        await WatchHistory(context.tables).forget(event.wallet)


async def _count(tables: PluginTables, film: FilmId, day: int, counts: dict[str, int]) -> None:
    await tables.change([additions(plays, [(film, day, *(counts.get(name, 0) for name in PLAYED))])])


@dataclass(frozen=True, slots=True)
class Watched:
    """One playback: when it ended, and how much was watched, from 0 to 1; None if not reported."""

    id: int
    film: FilmId
    ended: float
    share: float | None


class WatchHistory:
    """What people watched, for themselves."""

    def __init__(self, tables: PluginTables) -> None:
        self._tables = tables

    async def add(self, wallet: Wallet, film: FilmId, share: float | None) -> None:
        """Record what somebody watched."""
        row = {"wallet": wallet, "film": film, "ended": time.time(), "watched": share}
        await self._tables.change([insert(history).values(row)])

    async def of(self, wallet: Wallet, limit: int, offset: int) -> tuple[Watched, ...]:
        """Return what somebody watched, newest first."""
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

    async def forget_older(self, days: int, now: float) -> None:
        """Delete what everybody watched more than so many days ago."""
        await self._tables.change([delete(history).where(history.c.ended < now - days * _DAY)])

    async def forget_everybody(self) -> None:
        """Delete everything."""
        await self._tables.change([delete(history)])
