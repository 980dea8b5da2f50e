"""Which films there are, and the number under which the sums of each, and of each publisher, are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from wylloh_analytics.aggregator import KnownFilm
from wylloh_analytics.facts import non_holders, token_of
from wylloh_analytics.statements import rows_of
from wylloh_analytics.tables import films
from wylloh_analytics.totals import EVERYTHING
from wylloh_server.sdk import FilmCreated, TokenReference

if TYPE_CHECKING:
    from wylloh_server.sdk import ChainEvent, PluginTables, Wallet


class FilmScopes:
    """The films that events were about, in memory while blocks are counted."""

    def __init__(self, store: Wallet | None) -> None:
        self._store = store
        self._known: dict[TokenReference, KnownFilm] = {}
        self._publishers: dict[Wallet, int] = {}
        self._last = EVERYTHING
        self._unwritten: list[tuple[Any, ...]] = []

    @classmethod
    async def read(cls, tables: PluginTables, store: Wallet | None) -> FilmScopes:
        """Read the stored films; `store` is the contract that keeps what is on sale, if there is one."""
        scopes = cls(store)
        for token, scope, publisher, publisher_scope in await rows_of(tables, select(films)):
            scopes._add(TokenReference.parse(token), scope, publisher, publisher_scope)
        return scopes

    def film_of(self, event: ChainEvent) -> KnownFilm:
        """Return the film of an event; one that is not known yet gets a scope."""
        token = token_of(event)
        return self._known.get(token) or self._meet(token, event)

    def statements(self) -> list[object]:
        """Return the statements that store the films that got a scope since the last call."""
        rows, self._unwritten = self._unwritten, []
        return [(insert(films), rows)]

    def _meet(self, token: TokenReference, event: ChainEvent) -> KnownFilm:
        publisher = event.publisher if isinstance(event, FilmCreated) else None
        publisher_scope = None
        if publisher is not None:
            publisher_scope = self._publishers.get(publisher) or self._last + 1
        scope = max(self._last, publisher_scope or 0) + 1
        self._unwritten.append((str(token), scope, publisher, publisher_scope))
        return self._add(token, scope, publisher, publisher_scope)

    def _add(
        self, token: TokenReference, scope: int, publisher: Wallet | None, publisher_scope: int | None
    ) -> KnownFilm:
        if publisher is not None and publisher_scope is not None:
            self._publishers[publisher] = publisher_scope
        self._last = max(self._last, scope, publisher_scope or 0)
        wider = (EVERYTHING,) if publisher_scope is None else (publisher_scope, EVERYTHING)
        film = KnownFilm(scope, wider, (scope, *wider), non_holders(self._store, publisher))
        self._known[token] = film
        return film
