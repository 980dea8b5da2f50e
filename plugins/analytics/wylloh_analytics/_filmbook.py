"""Which films there are, and the number under which the sums of each, and of each publisher, are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from wylloh_analytics._rows import rows_of
from wylloh_analytics._tables import films
from wylloh_analytics.book import KnownFilm
from wylloh_analytics.facts import token_of
from wylloh_analytics.tally import EVERYTHING
from wylloh_server.sdk import FilmCreated, TokenReference

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wylloh_server.sdk import ChainEvent, PluginTables, Wallet


class FilmBook:
    """The films that facts were about.

    Attributes:
        known: every film, in memory while blocks are counted.
    """

    def __init__(self) -> None:
        self.known: dict[TokenReference, KnownFilm] = {}
        self._publishers: dict[Wallet, int] = {}
        self._last = EVERYTHING
        self._unwritten: list[dict[str, Any]] = []

    @classmethod
    async def read(cls, tables: PluginTables) -> FilmBook:
        """Read what is stored."""
        book = cls()
        for token, scope, publisher, theirs in await rows_of(tables, select(films)):
            book._learn(TokenReference.parse(token), KnownFilm(scope, theirs, publisher))
        return book

    def meet(self, facts: Iterable[ChainEvent]) -> None:
        """Give every film that facts are about its scopes."""
        for fact in facts:
            token = token_of(fact)
            if token not in self.known:
                publisher = fact.publisher if isinstance(fact, FilmCreated) else None
                film = self._scoped(publisher)
                self._learn(token, film)
                self._unwritten.append(
                    {
                        "token": str(token),
                        "scope": film.scope,
                        "publisher": publisher,
                        "publisher_scope": film.publisher_scope,
                    }
                )

    def statements(self) -> list[object]:
        """Give what stores the films met since this was last asked."""
        rows, self._unwritten = self._unwritten, []
        return [(insert(films), rows)]

    def _scoped(self, publisher: Wallet | None) -> KnownFilm:
        theirs = None
        if publisher is not None:
            theirs = self._publishers.get(publisher) or self._last + 1
        return KnownFilm(max(self._last, theirs or 0) + 1, theirs, publisher)

    def _learn(self, token: TokenReference, film: KnownFilm) -> None:
        self.known[token] = film
        if film.publisher is not None and film.publisher_scope is not None:
            self._publishers[film.publisher] = film.publisher_scope
        self._last = max(self._last, film.scope, film.publisher_scope or 0)
