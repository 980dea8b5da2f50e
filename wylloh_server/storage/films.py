"""Films as rows."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, bindparam, delete, exists, func, not_, select, update

from wylloh_server.domain.film import Credit, Description, Film, FilmState, FolderOrigin, TokenOrigin
from wylloh_server.storage.chain_tables import films as chain_films
from wylloh_server.storage.stacks import CHAIN_IS_KNOWN
from wylloh_server.storage.tables import films, media_indexes
from wylloh_server.storage.upsert import upsert
from wylloh_server.storage.versioned_cache import VersionedCache

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import BindParameter, ColumnElement, Select

    from wylloh_server.domain.types import Cid, FilmId, TokenReference, Wallet
    from wylloh_server.storage.connections import Connections
    from wylloh_server.storage.versioned_cache import WriteCounter

_AT_ONCE = 500
"""Values in one statement; databases limit them."""


class StoredShelf(StrEnum):
    """Where the library shows a film, before anybody's tokens are counted."""

    FOLDER = "folder"
    TOKEN = "token"  # noqa: S105 - no password: the film is gated by a token
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class GatedFilm:
    """A film gated by a token, as far as lists of very many need it."""

    id: FilmId
    state: FilmState


@dataclass(frozen=True, slots=True)
class ShelfCounts:
    """How many films each shelf has; `counted` are those of the `gated` ones whose holders are known."""

    folder: int
    gated: int
    counted: int
    broken: int


_IS_GATED = films.c.shelf == StoredShelf.TOKEN
_IS_COUNTED = CHAIN_IS_KNOWN & exists().where(
    chain_films.c.token == films.c.token_key, chain_films.c.ladder.is_not(None)
)


class FilmRepository:
    """The library's films."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._counts: VersionedCache[ShelfCounts] = VersionedCache(connections.writes, 1)
        self._all: VersionedCache[tuple[Film, ...]] = VersionedCache(connections.writes, 1)

    @property
    def writes(self) -> WriteCounter:
        """What tells caches of films, and of whatever else is in the database, that it was written to."""
        return self._connections.writes

    async def save(self, film: Film) -> None:
        """Add a film or replace what was known of it."""
        async with self._connections.writing() as connection:
            await upsert(connection, films, film_row(film))

    async def save_notes(self, film: FilmId, root: Cid, notes: Sequence[str]) -> bool:
        """Replace the notes on a film's tracks; False if it plays from another package by now."""
        changed = update(films).where(films.c.id == film, films.c.root == root).values(notes=list(notes))
        async with self._connections.writing() as connection:
            return (await connection.execute(changed)).rowcount > 0

    async def get(self, film: FilmId) -> Film | None:
        """Find a film by id."""
        return await self._one(films.c.id == film)

    async def by_token(self, token: TokenReference) -> Film | None:
        """Find a film by its token."""
        return await self._one(films.c.token == token)

    async def all(self) -> tuple[Film, ...]:
        """Return every film, by title."""
        return await self._all.get("all", partial(self._listed, select(films)))

    async def shelf(self, shelf: StoredShelf, limit: int, offset: int = 0) -> tuple[Film, ...]:
        """Return some films of a shelf, by title."""
        return await self._listed(select(films).where(films.c.shelf == shelf).limit(limit).offset(offset))

    async def counted(
        self, limit: int, offset: int = 0, *, without: Collection[FilmId] = ()
    ) -> tuple[Film, ...]:
        """Return some films of the shelf TOKEN whose holders are known, by title, `without` some."""
        wanted = select(films).where(_IS_GATED, _IS_COUNTED)
        if without:
            # Written into the statement: a database limits the number of values handed to one.
            others: BindParameter[list[FilmId]] = bindparam(
                "without", list(without), expanding=True, literal_execute=True
            )
            wanted = wanted.where(films.c.id.not_in(others))
        return await self._listed(wanted.limit(limit).offset(offset))

    async def uncounted(self, limit: int, offset: int = 0) -> tuple[Film, ...]:
        """Return some films of the shelf TOKEN whose holders or ladder are unknown, by title."""
        wanted = select(films).where(_IS_GATED, not_(_IS_COUNTED))
        return await self._listed(wanted.limit(limit).offset(offset))

    async def like(self, film: Film, limit: int, *, after: bool = False) -> tuple[Film, ...]:
        """Return further films of the same publisher, or of the folders, by title; none that is broken.

        With `after` only those that come after the film by title.
        """
        if isinstance(film.origin, TokenOrigin):
            same: ColumnElement[bool] = (films.c.publisher == film.origin.publisher) & (
                films.c.shelf == StoredShelf.TOKEN
            )
        else:
            same = films.c.shelf == StoredShelf.FOLDER
        if after:
            key = film.title.casefold()
            later = (films.c.title_key == key) & (films.c.id > film.id)
            same &= (films.c.title_key > key) | later
        return await self._listed(select(films).where(same, films.c.id != film.id).limit(limit))

    async def published_by(self, wallet: Wallet) -> tuple[Film, ...]:
        """Return the films that a wallet has registered on chain, by title."""
        return await self._listed(select(films).where(films.c.publisher == wallet))

    async def counts(self) -> ShelfCounts:
        """Count the films of each shelf."""
        return await self._counts.get("counts", self._count)

    async def count_by_state(self) -> Mapping[FilmState, int]:
        """Count the films in each state."""
        wanted = select(films.c.state, func.count()).group_by(films.c.state)
        async with self._connections.reading() as connection:
            return Counter({FilmState(state): count for state, count in await connection.execute(wanted)})

    async def gated(self, tokens: Collection[TokenReference]) -> tuple[GatedFilm, ...]:
        """Return those films of the shelf TOKEN that some tokens belong to, by title."""
        keys = list(tokens)
        found: list[Any] = []
        columns = (films.c.id, films.c.title_key, films.c.state)
        async with self._connections.reading() as connection:
            for start in range(0, len(keys), _AT_ONCE):
                these = films.c.token_key.in_(keys[start : start + _AT_ONCE])
                found += (await connection.execute(select(*columns).where(_IS_GATED, these))).all()
        found.sort(key=lambda row: (row.title_key, row.id))
        return tuple(GatedFilm(row.id, FilmState(row.state)) for row in found)

    async def ready(self, limit: int) -> tuple[Film, ...]:
        """Return some films that are here, those from folders first."""
        found: tuple[Film, ...] = ()
        for shelf in (StoredShelf.FOLDER, StoredShelf.TOKEN):
            here = (films.c.shelf == shelf) & (films.c.state == FilmState.READY)
            found += await self._listed(select(films).where(here).limit(limit - len(found)))
        return found

    async def from_folders(self) -> tuple[Film, ...]:
        """Return every film that comes from a folder, by title."""
        return await self._listed(select(films).where(films.c.path.is_not(None)))

    async def some(self, wanted: Collection[FilmId]) -> tuple[Film, ...]:
        """Find those that are here of some films, in no order."""
        ids, found = list(wanted), []
        async with self._connections.reading() as connection:
            for start in range(0, len(ids), _AT_ONCE):
                here = select(films).where(films.c.id.in_(ids[start : start + _AT_ONCE]))
                found += [_to_film(row) for row in await connection.execute(here)]
        return tuple(found)

    async def in_state(self, *states: FilmState) -> tuple[Film, ...]:
        """Return the films in one of some states, by title."""
        return await self._listed(select(films).where(films.c.state.in_(states)))

    async def remove(self, film: FilmId) -> None:
        """Delete a film, and what is known of its streams."""
        async with self._connections.writing() as connection:
            await connection.execute(delete(films).where(films.c.id == film))
            await connection.execute(delete(media_indexes).where(media_indexes.c.film == film))

    async def _listed(self, wanted: Select[Any]) -> tuple[Film, ...]:
        async with self._connections.reading() as connection:
            rows = (await connection.execute(wanted.order_by(films.c.title_key, films.c.id))).all()
        found: list[Film] = []
        for start in range(0, len(rows), _AT_ONCE):
            found += map(_to_film, rows[start : start + _AT_ONCE])
            await asyncio.sleep(0)  # very many films must not keep others waiting
        return tuple(found)

    async def _count(self) -> ShelfCounts:
        by_shelf = select(films.c.shelf, func.count()).group_by(films.c.shelf)
        known = select(func.count()).select_from(films).where(_IS_GATED, _IS_COUNTED)
        async with self._connections.reading() as connection:
            counts = Counter({row.shelf: row[1] for row in await connection.execute(by_shelf)})
            counted = (await connection.scalar(known) or 0) if counts[StoredShelf.TOKEN] else 0
        return ShelfCounts(
            folder=counts[StoredShelf.FOLDER],
            gated=counts[StoredShelf.TOKEN],
            counted=counted,
            broken=counts[StoredShelf.BROKEN],
        )

    async def _one(self, condition: ColumnElement[bool]) -> Film | None:
        async with self._connections.reading() as connection:
            row = (await connection.execute(select(films).where(condition))).one_or_none()
        return None if row is None else _to_film(row)


def film_row(film: Film) -> dict[str, Any]:
    """Return a film as the table holds it."""
    origin = film.origin
    token = origin if isinstance(origin, TokenOrigin) else None
    file = origin if isinstance(origin, FolderOrigin) else None
    return {
        "id": film.id,
        "token": token and token.token,
        "root": token and token.root,
        "publisher": token and token.publisher,
        "manifest_sha256": token and token.manifest_sha256,
        "path": file and file.path,
        "file_size": file and file.size,
        "file_modified": file and file.modified,
        "fingerprint": file and file.fingerprint,
        "notes": list(film.notes),
        "description": asdict(film.description),
        "state": film.state,
        "progress": film.progress,
        "reason": film.reason,
        "shelf": _shelf_of(film),
        "title_key": film.title.casefold(),
        "token_key": film.token,
    }


def _shelf_of(film: Film) -> StoredShelf:
    if film.state is FilmState.FAILED:
        return StoredShelf.BROKEN
    return StoredShelf.FOLDER if film.token is None else StoredShelf.TOKEN


def _to_film(row: Row[Any]) -> Film:
    return Film(
        id=row.id,
        description=description_of(row.description),
        origin=_to_origin(row),
        state=FilmState(row.state),
        progress=row.progress,
        reason=row.reason,
        notes=tuple(row.notes or ()),
    )


def _to_origin(row: Row[Any]) -> TokenOrigin | FolderOrigin:
    return (
        FolderOrigin(row.path, row.file_size or 0, row.file_modified or 0, row.fingerprint or "")
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
