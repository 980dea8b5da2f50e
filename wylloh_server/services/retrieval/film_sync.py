"""Keeps the library's films in step with those registered on chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.domain.events import ChainAdvanced, FilmAdded
from wylloh_server.domain.film import Description, Film, FilmState, TokenOrigin, film_id_for
from wylloh_server.domain.package_version import Successor
from wylloh_server.services.operations.scheduler import run_on_event

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from wylloh_server.domain.chain_events import RegisteredFilm
    from wylloh_server.services.operations.event_bus import EventBus
    from wylloh_server.services.retrieval.package_retention import PackageRetention
    from wylloh_server.storage.chain_films import ChainFilmRepository
    from wylloh_server.storage.film_versions import FilmVersionRepository
    from wylloh_server.storage.films import FilmRepository


class FilmSync:
    """Adds films that were registered, and follows them to newer packages.

    A film that plays goes on playing from the package that is here: what the chain names instead becomes its
    successor, which is fetched beside it and takes its place once it has proved itself.
    """

    def __init__(
        self,
        *,
        registered: ChainFilmRepository,
        films: FilmRepository,
        versions: FilmVersionRepository,
        retention: PackageRetention,
        bus: EventBus,
    ) -> None:
        self._registered = registered
        self._films = films
        self._versions = versions
        self._retention = retention
        self._bus = bus
        self._step = 0

    def running(self) -> AbstractAsyncContextManager[None]:
        """Compare all films once, then those that change, until the context ends."""
        return run_on_event(self._bus, ChainAdvanced, "comparing films on chain with the library", self.sync)

    async def sync(self) -> None:
        """Bring into the library what changed on chain since the last call.

        While the chain is read for the first time, films are added but known ones stay as they are: later
        blocks may name a newer package than those read so far.
        """
        changed = await self._registered.changed(self._step)
        found = {film_id_for(str(film.token)): film for film in changed.films}
        known = {film.id: film for film in await self._films.some(found)}
        for film_id, film in found.items():
            if film_id not in known:
                await self._add(film)
            elif changed.complete:
                await self._update(known[film_id], film)
        if changed.complete:
            self._step = changed.step

    async def _add(self, found: RegisteredFilm) -> None:
        film_id = film_id_for(str(found.token))
        title = f"Film {found.token.token_id % 10_000:04d}"
        await self._films.save(Film(film_id, Description(title), _to_origin(found)))
        self._bus.publish(FilmAdded(film_id, title))

    async def _update(self, film: Film, found: RegisteredFilm) -> None:
        origin = _to_origin(found)
        if film.state is FilmState.READY:
            await self._note_successor(film, origin)
        elif film.origin != origin:
            await self._replace(film, origin)

    async def _note_successor(self, film: Film, origin: TokenOrigin) -> None:
        """Note what the chain names instead of the package that plays, and drop what it names no longer."""
        known = (await self._versions.get(film.id)).successor
        wanted = None if film.origin == origin else origin
        if known is not None and known.origin != wanted:
            # A reorg took it back, or the publisher did.
            await self._versions.drop_successor(film.id, known.origin)
            await self._retention.release(known.origin.root)
        if wanted is not None and (known is None or known.origin != wanted):
            await self._versions.save_successor(film.id, Successor(wanted))

    async def _replace(self, film: Film, origin: TokenOrigin) -> None:
        """Follow a film that does not play to another package."""
        # A film whose fetching somebody stopped stays stopped, whatever its publisher registers.
        stopped = film.state is FilmState.STOPPED
        state, reason = (film.state, film.reason) if stopped else (FilmState.DISCOVERED, "")
        await self._films.save(Film(film.id, film.description, origin, state, reason=reason))
        if isinstance(film.origin, TokenOrigin) and film.origin.root != origin.root:
            # What the two packages share is fetched again only if room was needed meanwhile.
            await self._retention.release(film.origin.root)


def _to_origin(found: RegisteredFilm) -> TokenOrigin:
    return TokenOrigin(found.token, found.root, found.publisher, found.manifest_sha256)
