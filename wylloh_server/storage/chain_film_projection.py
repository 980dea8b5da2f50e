"""What the registry says of each film, derived in the transaction that adds or removes its events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select

from wylloh_server.domain.chain_events import FilmCreated, LadderChanged, PackageChanged
from wylloh_server.storage.chain_event_rows import event_from_row, ladder_json
from wylloh_server.storage.chain_tables import events, films

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncConnection

    from wylloh_server.domain.chain_events import ChainEvent
    from wylloh_server.domain.rights import RightsLadder
    from wylloh_server.domain.types import TokenReference

_KINDS = (FilmCreated, PackageChanged, LadderChanged)
_OF_A_FILM = events.c.kind.in_([kind.__name__ for kind in _KINDS])
_AT_ONCE = 500
"""Tokens in one statement; databases limit the number of variables."""

_EMPTY = {"publisher": None, "max_supply": None, "root": None, "manifest_sha256": None, "ladder": None}


def tokens_of(found: Iterable[ChainEvent]) -> set[TokenReference]:
    """Return the films that events of the registry describe."""
    return {event.token for event in found if isinstance(event, _KINDS)}


async def films_in(connection: AsyncConnection, condition: ColumnElement[bool]) -> set[TokenReference]:
    """Return the films that stored events under a condition describe."""
    wanted = select(events.c.token).where(condition & _OF_A_FILM).distinct()
    return set(await connection.scalars(wanted))


async def project_films(connection: AsyncConnection, tokens: Collection[TokenReference], step: int) -> None:
    """Derive the rows of some films from the events that hold now; a film without any loses its row."""
    wanted = list(tokens)
    for start in range(0, len(wanted), _AT_ONCE):
        await _project(connection, wanted[start : start + _AT_ONCE], step)


async def _project(connection: AsyncConnection, tokens: list[TokenReference], step: int) -> None:
    rows: dict[TokenReference, dict[str, Any]] = {}
    ladders: dict[TokenReference, list[RightsLadder]] = {}
    for event in await _relevant(connection, tokens):
        row = rows.setdefault(event.token, {"token": event.token, "step": step, **_EMPTY})
        if isinstance(event, LadderChanged):
            ladders.setdefault(event.token, []).append(event.ladder)
        else:
            row.update(_columns(event))
    for token, (*earlier, newest) in ladders.items():
        rows[token]["ladder"] = ladder_json(newest.with_earlier(earlier))
    await connection.execute(delete(films).where(films.c.token.in_(tokens)))
    if rows:
        await connection.execute(insert(films), list(rows.values()))


async def _relevant(
    connection: AsyncConnection, tokens: list[TokenReference]
) -> list[FilmCreated | PackageChanged | LadderChanged]:
    """Return the last event of each kind for each film, and all of its ladders, the oldest first."""
    newest_first = (events.c.block.desc(), events.c.log_index.desc(), events.c.sequence.desc())
    place = func.row_number().over(partition_by=(events.c.token, events.c.kind), order_by=newest_first)
    these = events.c.removed.is_(None) & events.c.token.in_(tokens) & _OF_A_FILM
    ranked = select(events, place.label("place")).where(these).subquery()
    counts = (ranked.c.place == 1) | (ranked.c.kind == LadderChanged.__name__)
    found = await connection.execute(select(ranked).where(counts).order_by(ranked.c.place.desc()))
    return [event for row in found if isinstance(event := event_from_row(row), _KINDS)]


def _columns(event: FilmCreated | PackageChanged) -> dict[str, Any]:
    if isinstance(event, FilmCreated):
        return {"publisher": event.publisher, "max_supply": event.max_supply}
    return {"root": event.root, "manifest_sha256": event.manifest_sha256}
