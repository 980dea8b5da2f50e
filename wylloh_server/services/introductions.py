"""Getting to know films nobody here holds: their manifest and poster, so that a store can show them."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import ChainError, ContentError, InvalidValue, PackageInvalid
from wylloh_server.domain.events import FilmDescribed
from wylloh_server.domain.film import FileRole, FilmState, TokenOrigin
from wylloh_server.domain.manifest import MANIFEST_FILE, SIGNATURE_FILE
from wylloh_server.domain.types import Timestamp

if TYPE_CHECKING:
    from wylloh_server.domain.film import Film
    from wylloh_server.domain.ports.content import Packages
    from wylloh_server.domain.ports.storage import Films
    from wylloh_server.domain.ports.world import Clock
    from wylloh_server.domain.types import Cid
    from wylloh_server.services.bus import Bus
    from wylloh_server.services.manifests import Manifests

_log = logging.getLogger(__name__)

_AT_ONCE = 4
_A_ROUND = 200
"""Films in one round, so that ten thousand new ones do not keep the gateways from anything else."""
_FIRST_PAUSE, _LONGEST_PAUSE = 30.0, 3600.0
"""Seconds until a package that no gateway gave is asked for again; doubled each time."""


class Introductions:
    """Fetches and verifies the words and the poster of every registered film, not the film itself."""

    def __init__(
        self, *, films: Films, packages: Packages, manifests: Manifests, bus: Bus, clock: Clock
    ) -> None:
        self._films = films
        self._packages = packages
        self._manifests = manifests
        self._bus = bus
        self._clock = clock
        self._tries: dict[Cid, tuple[float, Timestamp]] = {}
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def make(self) -> None:
        """Introduce the films that are new, some of them; what cannot be had now is tried again later."""
        new = [film for film in await self._films.all() if self._is_due(film)]
        await asyncio.gather(*(self._introduce(film) for film in new[:_A_ROUND]))

    def _is_due(self, film: Film) -> bool:
        if not isinstance(film.origin, TokenOrigin) or film.state is not FilmState.DISCOVERED:
            return False
        _, not_before = self._tries.get(film.origin.root, (0.0, 0.0))
        return self._clock() >= not_before

    async def _introduce(self, film: Film) -> None:
        if not isinstance(film.origin, TokenOrigin):
            return
        async with self._places:
            try:
                known = await self._fetched(film, film.origin)
            except (PackageInvalid, InvalidValue) as error:
                known = replace(film, state=FilmState.FAILED, reason=error.explained)
            except (ContentError, ChainError) as error:
                _log.info("the words of %s cannot be had now: %s", film.title, error)
                self._pause(film.origin.root)
                return
        await self._save(film, known)

    async def _fetched(self, film: Film, origin: TokenOrigin) -> Film:
        await self._packages.pull(origin.root, paths=(MANIFEST_FILE, SIGNATURE_FILE))
        manifest = await self._manifests.verify(origin)
        pictures = [file.path for file in manifest.all(FileRole.POSTER)]
        if pictures:
            await self._packages.pull(origin.root, paths=pictures)
        return replace(film, description=manifest.description, state=FilmState.INTRODUCED)

    async def _save(self, before: Film, after: Film) -> None:
        """Save what was learned, unless a pull or a newer package came in between."""
        if await self._films.get(before.id) != before:
            return
        await self._films.save(after)
        if after.state is FilmState.INTRODUCED:
            self._bus.publish(FilmDescribed(after.id, after.title))

    def _pause(self, root: Cid) -> None:
        last, _ = self._tries.get(root, (0.0, 0.0))
        pause = min(_LONGEST_PAUSE, 2 * last or _FIRST_PAUSE)
        self._tries[root] = pause, Timestamp(self._clock() + pause)
