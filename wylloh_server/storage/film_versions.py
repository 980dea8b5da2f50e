"""The packages of films beside those that play, and the owner's choices about them, as rows."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, exists, or_, select, union_all, update

from wylloh_server.domain.film import FetchConsent, FilmState, TokenOrigin
from wylloh_server.domain.package_version import FilmVersions, FormerPackage, Successor, SuccessorState
from wylloh_server.domain.types import FilmId
from wylloh_server.storage.films import film_row
from wylloh_server.storage.tables import film_choices, films, former_packages, successor_packages, titles
from wylloh_server.storage.upsert import upsert

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ColumnElement, Join, Row, Table
    from sqlalchemy.ext.asyncio import AsyncConnection

    from wylloh_server.domain.film import Film
    from wylloh_server.domain.types import Cid, Timestamp, Wallet
    from wylloh_server.storage.connections import Connections

_HELD_BACK = (SuccessorState.REFUSED, SuccessorState.UNPROVED)


class FilmVersionRepository:
    """Successors and former packages of films. A change that concerns two of them is one transaction."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def get(self, film: FilmId) -> FilmVersions:
        """Return what there is of a film beside the package that plays."""
        async with self._connections.reading() as connection:
            newer = (await connection.execute(_packages(successor_packages, film))).all()
            older = (await connection.execute(_packages(former_packages, film))).all()
            kept = await connection.scalar(select(film_choices.c.keep).where(film_choices.c.film == film))
        return _versions(film, newer, older, kept=bool(kept))

    async def all(self) -> Mapping[FilmId, FilmVersions]:
        """Return what there is of every film that has more than the package that plays."""
        async with self._connections.reading() as connection:
            newer = _by_film((await connection.execute(_packages(successor_packages))).all())
            older = _by_film((await connection.execute(_packages(former_packages))).all())
            kept = set(await connection.scalars(select(film_choices.c.film).where(film_choices.c.keep)))
        every = dict.fromkeys([*newer, *older])
        return {film: _versions(film, newer[film], older[film], kept=film in kept) for film in every}

    async def held_back(self) -> tuple[tuple[str, str], ...]:
        """Return title and reason of each newer package that was not taken, but for films that are kept."""
        kept = select(film_choices.c.film).where(film_choices.c.keep)
        wanted = (
            select(films.c.description, successor_packages.c.reason)
            .select_from(_with_films(successor_packages))
            .where(successor_packages.c.state.in_(_HELD_BACK), films.c.id.not_in(kept))
            .order_by(films.c.title_key)
        )
        async with self._connections.reading() as connection:
            found = await connection.execute(wanted)
            return tuple((row.description["title"], row.reason) for row in found)

    async def refused_of(self, publisher: Wallet) -> tuple[tuple[FilmId, str, str], ...]:
        """Return film, title and reason of each newer package of a publisher's that was refused."""
        wanted = (
            select(successor_packages.c.film, films.c.description, successor_packages.c.reason)
            .select_from(_with_films(successor_packages))
            .where(successor_packages.c.state == SuccessorState.REFUSED)
            .where(successor_packages.c.publisher == publisher)
            .order_by(films.c.title_key)
        )
        async with self._connections.reading() as connection:
            found = await connection.execute(wanted)
            return tuple((FilmId(row.film), row.description["title"], row.reason) for row in found)

    async def save_successor(self, film: FilmId, successor: Successor) -> None:
        """Store a film's successor in place of any other."""
        async with self._connections.writing() as connection:
            await upsert(connection, successor_packages, _successor_row(film, successor))

    async def note_successor(self, film: FilmId, successor: Successor) -> bool:
        """Store how far a film's successor is, unless the film has another one, or none, by now."""
        row = _successor_row(film, successor)
        same = _is(successor_packages, film, successor.origin)
        async with self._connections.writing() as connection:
            done = await connection.execute(update(successor_packages).where(same).values(row))
        return bool(done.rowcount)

    async def drop_successor(self, film: FilmId, origin: TokenOrigin) -> None:
        """Delete what is noted of a film's successor, unless that is another one by now."""
        same = _is(successor_packages, film, origin)
        async with self._connections.writing() as connection:
            await connection.execute(delete(successor_packages).where(same))

    async def drop_former(self, film: FilmId, former: FormerPackage) -> None:
        """Delete what is noted of a former package, unless it played again since."""
        same = _is(former_packages, film, former.origin) & (former_packages.c.since == former.since)
        async with self._connections.writing() as connection:
            await connection.execute(delete(former_packages).where(same))

    async def drop_all(self, film: FilmId) -> None:
        """Delete what is noted of every package beside the film's own."""
        async with self._connections.writing() as connection:
            for table in (successor_packages, former_packages):
                await connection.execute(delete(table).where(table.c.film == film))

    async def switch(self, film: Film, to: Film, now: Timestamp) -> bool:
        """Switch a film to its successor; the package it played from is one of its former ones now.

        False if film or successor have changed meanwhile: nothing is done then.
        """
        if not isinstance(film.origin, TokenOrigin) or not isinstance(to.origin, TokenOrigin):
            return False
        async with self._connections.writing() as connection:
            if not await self._unchanged(connection, film, successor_packages, to.origin):
                return False
            await connection.execute(
                delete(successor_packages).where(_is(successor_packages, film.id, to.origin))
            )
            await self._exchange(connection, to, to.origin)
            await upsert(connection, former_packages, _former_row(film.id, FormerPackage(film.origin, now)))
        return True

    async def switch_back(self, film: Film, to: Film, now: Timestamp) -> bool:
        """Switch a film back to a former package, and keep that.

        The package it played from becomes the successor, or a former one where the chain names another
        successor. False if film or former package have changed meanwhile: nothing is done then.
        """
        if not isinstance(film.origin, TokenOrigin) or not isinstance(to.origin, TokenOrigin):
            return False
        successor = successor_packages.c.film == film.id
        async with self._connections.writing() as connection:
            if not await self._unchanged(connection, film, former_packages, to.origin):
                return False
            await self._exchange(connection, to, to.origin)
            if await connection.scalar(select(exists().where(successor))):
                row = _former_row(film.id, FormerPackage(film.origin, now))
                await upsert(connection, former_packages, row)
            else:
                row = _successor_row(film.id, Successor(film.origin))
                await upsert(connection, successor_packages, row)
            await upsert(connection, film_choices, {"film": film.id, "keep": True})
        return True

    async def keep(self, film: FilmId, *, kept: bool) -> None:
        """Store whether the owner wishes to keep the package that plays."""
        async with self._connections.writing() as connection:
            await upsert(connection, film_choices, {"film": film, "keep": kept})

    async def set_consent(self, film: FilmId, consent: FetchConsent) -> None:
        """Store that the owner was asked whether a film is to be fetched, or what the answer was."""
        async with self._connections.writing() as connection:
            await upsert(connection, film_choices, {"film": film, "consent": consent})

    async def consents(self) -> Mapping[FilmId, FetchConsent]:
        """Return what the owner was asked about fetching films, and has said."""
        wanted = select(film_choices.c.film, film_choices.c.consent).where(
            film_choices.c.consent.is_not(None)
        )
        async with self._connections.reading() as connection:
            return {row.film: FetchConsent(row.consent) for row in await connection.execute(wanted)}

    async def uses(self, root: Cid, besides: FilmId | None = None) -> bool:
        """Return whether a package belongs to a film here that was not refused, or to a title.

        Anybody can register a token of theirs with another film's package. The film `besides` does not count.
        """
        newer, older = successor_packages, former_packages
        refused = newer.c.state == SuccessorState.REFUSED
        wanted = or_(
            exists().where(
                films.c.root == root, films.c.state != FilmState.FAILED, films.c.id != (besides or "")
            ),
            exists().where(newer.c.root == root, ~refused, newer.c.film != (besides or "")),
            exists().where(older.c.root == root, older.c.film != (besides or "")),
            exists().where(titles.c.root == root),
        )
        async with self._connections.reading() as connection:
            return bool(await connection.scalar(select(wanted)))

    @staticmethod
    async def _exchange(connection: AsyncConnection, to: Film, origin: TokenOrigin) -> None:
        """Store that a film plays from another package, which is none of its former ones then."""
        await connection.execute(delete(former_packages).where(_is(former_packages, to.id, origin)))
        await upsert(connection, films, film_row(to))

    @staticmethod
    async def _unchanged(connection: AsyncConnection, film: Film, table: Table, origin: TokenOrigin) -> bool:
        assert isinstance(film.origin, TokenOrigin)  # noqa: S101 - the callers have looked
        playing = select(films.c.id).where(
            films.c.id == film.id, films.c.root == film.origin.root, films.c.state == FilmState.READY
        )
        beside = select(table.c.film).where(_is(table, film.id, origin))
        found = await connection.execute(union_all(playing, beside))
        return len(found.all()) == 2  # noqa: PLR2004 - both of them


def _is(table: Table, film: FilmId, origin: TokenOrigin) -> ColumnElement[bool]:
    return (
        (table.c.film == film)
        & (table.c.root == origin.root)
        & (table.c.manifest_sha256 == origin.manifest_sha256)
    )


def _with_films(table: Table) -> Join:
    return table.join(films, films.c.id == table.c.film)


def _packages(table: Table, film: FilmId | None = None) -> Any:
    wanted = select(table, films.c.token).select_from(_with_films(table)).where(films.c.token.is_not(None))
    return wanted if film is None else wanted.where(table.c.film == film)


def _by_film(rows: Sequence[Row[Any]]) -> Mapping[FilmId, Sequence[Row[Any]]]:
    by_film = defaultdict(list)
    for row in rows:
        by_film[row.film].append(row)
    return by_film


def _versions(
    film: FilmId, newer: Sequence[Row[Any]], older: Sequence[Row[Any]], *, kept: bool
) -> FilmVersions:
    successors = [
        Successor(_to_origin(row), SuccessorState(row.state), row.progress, row.reason) for row in newer
    ]
    former = [FormerPackage(_to_origin(row), row.since) for row in older]
    return FilmVersions(
        film,
        successors[0] if successors else None,
        tuple(sorted(former, key=lambda one: -one.since)),
        kept=kept,
    )


def _to_origin(row: Row[Any]) -> TokenOrigin:
    return TokenOrigin(row.token, row.root, row.publisher, row.manifest_sha256)


def _successor_row(film: FilmId, successor: Successor) -> dict[str, Any]:
    return {
        **_row(film, successor.origin),
        "state": successor.state,
        "progress": successor.progress,
        "reason": successor.reason,
    }


def _former_row(film: FilmId, former: FormerPackage) -> dict[str, Any]:
    return {**_row(film, former.origin), "since": former.since}


def _row(film: FilmId, origin: TokenOrigin) -> dict[str, Any]:
    return {
        "film": film,
        "root": origin.root,
        "publisher": origin.publisher,
        "manifest_sha256": origin.manifest_sha256,
    }
