"""The films that a registry knows, as its events say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from wylloh_server.domain.chain_events import RegisteredFilm, RegisteredFilms
from wylloh_server.storage.chain_tables import films, state

if TYPE_CHECKING:
    from wylloh_server.storage.connections import Connections


class ChainFilmRepository:
    """Films with their publisher and their present package."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def changed(self, after: int) -> RegisteredFilms:
        """Return the films that were registered or changed after a step; 0 means all of them.

        A film that was taken back is not among them, nor one whose package is unknown.
        """
        known = films.c.publisher.is_not(None) & films.c.root.is_not(None)
        wanted = select(films).where(films.c.step > after).order_by(films.c.step)
        async with self._connections.reading() as connection:
            read = (await connection.execute(select(state.c.step, state.c.complete))).one()
            rows = (await connection.execute(wanted.where(known))).all()
        found = (
            RegisteredFilm(row.token, row.root, row.manifest_sha256, row.publisher, row.max_supply)
            for row in rows
        )
        return RegisteredFilms(tuple(found), read.step, read.complete)
