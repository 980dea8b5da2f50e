"""Films as rows."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, delete, select

from wylloh_server.adapters.database._tables import films
from wylloh_server.adapters.database._upsert import upsert
from wylloh_server.domain.film import Credit, Description, Film, FilmState, FolderOrigin, TokenOrigin

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import ColumnElement

    from wylloh_server.adapters.database._connections import Connections
    from wylloh_server.domain.types import FilmId, TokenReference

_AT_ONCE = 500
"""Values in one statement; databases limit them."""


class FilmTable:
    """The library's films. See `domain.ports.storage.Films`."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def save(self, film: Film) -> None:
        """Add a film or replace what was known of it."""
        async with self._connections.writing() as connection:
            await upsert(connection, films, _row_of(film))

    async def get(self, film: FilmId) -> Film | None:
        """Find a film by id."""
        return await self._one(films.c.id == film)

    async def by_token(self, token: TokenReference) -> Film | None:
        """Find a film by its token."""
        return await self._one(films.c.token == token)

    async def all(self) -> tuple[Film, ...]:
        """Give every film, by title."""
        async with self._connections.reading() as connection:
            found = [_film_of(row) for row in await connection.execute(select(films))]
        # Sorted here because the two databases do not agree on how letters beyond ASCII compare.
        return tuple(sorted(found, key=lambda film: (film.title.casefold(), film.id)))

    async def some(self, wanted: Collection[FilmId]) -> tuple[Film, ...]:
        """Find those that are here of some films, in no order."""
        ids, found = list(wanted), []
        async with self._connections.reading() as connection:
            for start in range(0, len(ids), _AT_ONCE):
                here = select(films).where(films.c.id.in_(ids[start : start + _AT_ONCE]))
                found += [_film_of(row) for row in await connection.execute(here)]
        return tuple(found)

    async def in_state(self, state: FilmState) -> tuple[Film, ...]:
        """Give the films in a state, in no order."""
        async with self._connections.reading() as connection:
            found = await connection.execute(select(films).where(films.c.state == state))
            return tuple(_film_of(row) for row in found)

    async def remove(self, film: FilmId) -> None:
        """Forget a film."""
        async with self._connections.writing() as connection:
            await connection.execute(delete(films).where(films.c.id == film))

    async def _one(self, condition: ColumnElement[bool]) -> Film | None:
        async with self._connections.reading() as connection:
            row = (await connection.execute(select(films).where(condition))).one_or_none()
        return None if row is None else _film_of(row)


def _row_of(film: Film) -> dict[str, Any]:
    origin = film.origin
    token = origin if isinstance(origin, TokenOrigin) else None
    return {
        "id": film.id,
        "token": token and token.token,
        "root": token and token.root,
        "publisher": token and token.publisher,
        "manifest_sha256": token and token.manifest_sha256,
        "path": origin.path if isinstance(origin, FolderOrigin) else None,
        "description": asdict(film.description),
        "state": film.state,
        "progress": film.progress,
        "reason": film.reason,
    }


def _film_of(row: Row[Any]) -> Film:
    return Film(
        id=row.id,
        description=description_of(row.description),
        origin=_origin_of(row),
        state=FilmState(row.state),
        progress=row.progress,
        reason=row.reason,
    )


def _origin_of(row: Row[Any]) -> TokenOrigin | FolderOrigin:
    return (
        FolderOrigin(row.path)
        if row.token is None
        else TokenOrigin(row.token, row.root, row.publisher, row.manifest_sha256)
    )


def description_of(stored: dict[str, Any]) -> Description:
    """Read a description from its JSON."""
    return Description(
        **{
            **stored,
            "credits": tuple(Credit(**credit) for credit in stored["credits"]),
            "languages": tuple(stored["languages"]),
            "subtitles": tuple(stored["subtitles"]),
            # Films stored before there were genres have none.
            "genres": tuple(stored.get("genres", ())),
        }
    )
